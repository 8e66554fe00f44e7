"""A project's instruments of prometheus_client: where they are made and used, and which of them can be replaced."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import libcst as cst

from aggregator.catalogue import shipped
from aggregator.families import sample_names

from .creations import Creation, Unit, creations, is_default
from .flow import Flow
from .modules import Modules
from .readings import TESTS, Reading, readings
from .source import Source, dotted_name
from .usage import imports
from .uses import REGISTRY, Use, uses
from .values import LIBRARY, Sort, Value

_NAME = re.compile(r"(?!logemit_)[a-zA-Z_:][a-zA-Z0-9_:.-]{0,199}")
_READ_ANYHOW = (LIBRARY, "get_sample_value", "_value.get", "_sum.get", "_count.get")
_IN_REGISTRY = "logemit has one for all, and would write what this one keeps to itself"


@dataclass(frozen=True, eq=False)
class Study:
    """`doubts`: by the call that makes an instrument, why it is left."""

    flow: Flow
    creations: tuple[Creation, ...]
    uses: tuple[Use, ...]
    readings: tuple[Reading, ...]

    @cached_property
    def doubts(self) -> Mapping[cst.Call, str]:
        """Of those that wait, too: for tests of the endpoint, which go with it."""
        return self._decided(endpoints=True)[0]

    @cached_property
    def waiting(self) -> frozenset[cst.Call]:
        return frozenset(self.doubts.keys() - self._decided(endpoints=False)[0].keys())

    @cached_property
    def unit_doubts(self) -> Mapping[Unit, str]:
        """By the name under which a file has a class, why it stays prometheus_client's."""
        return self._decided(endpoints=True)[1]

    def doubt_of(self, values: Iterable[Value]) -> str:
        """Of what stands for instruments: why they are left, empty where none is."""
        nodes = {value.node for value in values}
        return next((why for call, why in self.doubts.items() if call in nodes and call not in self.waiting), "")

    def subject_of(self, values: Iterable[Value]) -> str:
        nodes = {value.node for value in values}
        return ", ".join(sorted({name for each in self.creations if each.call in nodes for name in each.names or ()}))

    def _decided(self, *, endpoints: bool) -> tuple[dict[cst.Call, str], dict[Unit, str]]:
        made = {each.call: reason for each in self.creations if (reason := self._own_reason(each))}
        units = dict(self._unit_reasons())
        for use in self.uses:
            reason = f"{use.problem} ({use.source.path}:{use.source.line(use.node)})"
            for value in use.values if use.problem else ():
                for each in self._meant(value):
                    made.setdefault(each.call, reason)
                if value.is_instrument_class:
                    units.setdefault((value.file, value.spelled), reason)
        for reading in self.readings:
            for each in self._read(reading) if endpoints or not reading.is_endpoints else ():
                made.setdefault(each.call, f"{reading.problem} ({reading.place})")
        self._spread(made, units)
        return made, units

    def _meant(self, value: Value) -> Iterator[Creation]:
        for each in self.creations:
            if each.call is value.node or (value.short == REGISTRY and value in each.registries):
                yield each

    def _read(self, reading: Reading) -> Iterator[Creation]:
        if reading.names is None:
            yield from self.creations
            return
        known = {name for each in self.creations for name in each.exposed}
        for each in self.creations:
            if reading.names & each.exposed or (each.names is None and reading.names - known):
                yield each

    def _spread(self, made: dict[cst.Call, str], units: dict[Unit, str]) -> None:
        """What shares a name of a class in one file is replaced together or not at all."""
        before = -1
        while before < len(made) + len(units):
            before = len(made) + len(units)
            for each in self.creations:
                for unit in each.units:
                    if each.call in made and not self.is_apart(each, unit):
                        line = f"{each.source.path}:{each.line}"
                        units.setdefault(
                            unit, f"{unit[1] or each.type} also makes {each.subject or 'one'}, which is left ({line})"
                        )
                    if unit in units and each.call not in made:
                        made[each.call] = units[unit]

    @staticmethod
    def is_apart(creation: Creation, unit: Unit) -> bool:
        """Whether it names its class by the library's name, which can change at this place alone."""
        return "." in unit[1] and creation.source.path == unit[0] and dotted_name(creation.call.func) == unit[1]

    def _own_reason(self, creation: Creation) -> str:
        if creation.problem:
            return creation.problem
        taken = _catalogues() & {name for each in creation.names or () for name in _families(each, creation.type)}
        if taken:
            return f"logemit has a metric of its own of the name {min(taken)}"
        if odd := sorted(name for name in creation.names or () if not _NAME.fullmatch(name)):
            return f"{odd[0]!r:.80} is a name that logemit does not show"
        return self._registry_reason(creation) or self._twin(creation)

    def _registry_reason(self, creation: Creation) -> str:
        if creation.registry_argument is None or all(map(is_default, creation.registries or {Value(Sort.UNKNOWN)})):
            return ""
        for value in creation.registries or {Value(Sort.UNKNOWN)}:
            if not is_default(value) and not (value.sort is Sort.RESULT and value.short == REGISTRY):
                return f"whether its registry is shown cannot be told; {_IN_REGISTRY}"
        return ""

    def _twin(self, creation: Creation) -> str:
        for each in self.creations:
            if each.call is not creation.call and (each.names or frozenset()) & (creation.names or frozenset()):
                both = (each.type, each.labels, each.mode), (creation.type, creation.labels, creation.mode)
                registries = _shown_in(each), _shown_in(creation)
                if both[0] != both[1] or registries[0] != registries[1]:
                    place = f"{each.source.path}:{each.line}"
                    return f"another instrument has its name ({place}), and logemit would take both for one"
        return ""

    def _unit_reasons(self) -> Iterator[tuple[Unit, str]]:
        for path, source in self.flow.sources.items():
            for statement in imports(source):
                for name in bound_names(statement) if is_guarded(source, statement) else ():
                    line = source.line(statement)
                    yield (path, name), f"its import is tried only, and may fail ({path}:{line})"
                    yield from (
                        ((path, spelled), f"its import is tried only, and may fail ({path}:{line})")
                        for file, spelled in {unit for each in self.creations for unit in each.units}
                        if file == path and spelled.split(".")[0] == name
                    )


def _shown_in(creation: Creation) -> frozenset[Value]:
    return frozenset(value for value in creation.registries if not is_default(value))


def _families(name: str, kind: str) -> set[str]:
    return sample_names(name + {"Counter": "_total", "Info": "_info"}.get(kind, ""), kind.lower())


@lru_cache
def _catalogues() -> frozenset[str]:
    return frozenset(name for each in shipped().metrics for name in sample_names(each.name, each.type))


def bound_names(statement: cst.ImportFrom | cst.Import) -> Iterator[str]:
    """What an import of prometheus_client calls things."""
    if isinstance(statement, cst.ImportFrom):
        module = dotted_name(statement.module) if statement.module and not statement.relative else ""
        if module.split(".")[0] != LIBRARY or isinstance(statement.names, cst.ImportStar):
            return
    for alias in statement.names if not isinstance(statement.names, cst.ImportStar) else ():
        name = dotted_name(alias.name)
        if isinstance(statement, cst.ImportFrom) or name.split(".")[0] == LIBRARY:
            yield dotted_name(alias.asname.name) if alias.asname else name.split(".")[0]


def is_guarded(source: Source, node: cst.CSTNode) -> bool:
    """Whether the app does without it where it fails."""
    return tried(source, node) is not None


def tried(source: Source, node: cst.CSTNode) -> cst.Try | None:
    """The `try` in whose body it stands."""
    below = node
    for each in source.ancestors(node):
        if isinstance(each, cst.Try) and each.body is below:
            return each
        if isinstance(each, cst.FunctionDef | cst.ClassDef):
            return None
        below = each
    return None


@lru_cache(maxsize=2)
def study(modules: Modules) -> Study:
    """Of a project; asked for by each finder, made once."""
    sources = {source.path: source for source in modules.containing(*_READ_ANYHOW)}
    while True:
        flow = Flow(modules, list(sources.values()))
        more = [source for source in _further(modules, flow) if source.path not in sources]
        if not more:
            break
        sources |= {source.path: source for source in more}
    made = tuple(creations(flow))
    families = frozenset(name for each in made for name in each.exposed)
    return Study(flow, made, tuple(uses(flow)), tuple(readings(flow, families)))


def _further(modules: Modules, flow: Flow) -> Iterator[Source]:
    """Files that have to do with instruments through others': that name what holds them, or take them."""
    for path, source in flow.sources.items():
        stem = source.dotted.rpartition(".")[2]
        carried = {name for name, values in flow.bound(path) if any(_carries(flow, value) for value in values)}
        for other in modules.paths if carried else ():
            text = modules.project.texts[other]
            if other in flow.sources or stem not in text:
                continue
            words = _words(text)
            if stem in words and (carried & words or "import *" in text):
                yield from [found] if (found := modules.source(other)) else []
        yield from _takers(modules, flow, source)
    made = frozenset(name for each in creations(flow) for name in each.exposed if "_" in name)
    for other in modules.paths if made else ():
        if TESTS.search(other) and any(name in modules.project.texts[other] for name in made):
            yield from [found] if (found := modules.source(other)) else []


@lru_cache(4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


def _carries(flow: Flow, value: Value, depth: int = 0) -> bool:
    """Whether who gets it gets at instruments: what it is, does or gives."""
    if value.is_clients or value.node in flow.touching:
        return True
    if depth > 4:
        return False
    if value.sort is Sort.INSTANCE:
        return any(_carries(flow, each, depth + 1) for each in flow.named(value.file, value.name))
    return value.sort is Sort.FUNCTION and any(_carries(flow, each, depth + 1) for each in flow.returned(value))


def _takers(modules: Modules, flow: Flow, source: Source) -> Iterator[Source]:
    """Who is called with an instrument, or its class."""
    for call in flow.calls[source.path]:
        if any(value.is_clients for argument in call.args for value in flow.values(source, argument.value)):
            for name in source.names(call.func) if dotted_name(call.func) else ():
                place = modules.defining(source.absolute(name))
                if place and (found := modules.source(place[0])):
                    yield found
