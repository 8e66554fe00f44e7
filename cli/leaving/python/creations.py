"""Where instruments of prometheus_client are made, and what is written there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

import libcst as cst

from logemit.naming import LABELS_LIMIT, as_json, exposed_names, full_name

from .flow import Flow
from .source import Source, elements
from .values import Sort, Value, Values, texts

Unit = tuple[str, str]
"""A file that imports an instrument's class, and how its text names it: Counter, prom.Counter."""

PLACES = ("name", "documentation", "labelnames", "namespace", "subsystem", "unit", "registry")
_OWN = {"Gauge": "multiprocess_mode", "Histogram": "buckets", "Enum": "states"}
_MOST_NAMES = 256
_MODES = frozenset(
    {"all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"}
)


@dataclass(frozen=True, eq=False)
class Creation:
    """A call that makes an instrument. `names` as exposed, None where they are not written out; `problem` why logemit
    cannot do the same, by what stands in the call itself."""

    source: Source
    call: cst.Call
    type: str
    units: frozenset[Unit]
    names: frozenset[str] | None
    labels: tuple[str, ...] | None
    mode: str
    registries: Values
    registry_argument: cst.Arg | None
    problem: str

    @property
    def line(self) -> int:
        return self.source.line(self.call)

    @property
    def subject(self) -> str:
        return ", ".join(sorted(self.names or ()))

    @property
    def exposed(self) -> frozenset[str]:
        """All names under which it may be read."""
        kind = self.type.lower()
        return frozenset(
            each for name in self.names or () for each in (*exposed_names(kind, name), f"{name}_created", name)
        )


def creations(flow: Flow) -> Iterator[Creation]:
    for path, source in flow.sources.items():
        for call in flow.calls[path]:
            made = [value for value in flow.values(source, call) if value.is_instrument and value.node is call]
            for kind in sorted({value.instrument_type for value in made}):
                yield _creation(flow, source, call, kind, [value for value in made if value.instrument_type == kind])


def _creation(flow: Flow, source: Source, call: cst.Call, kind: str, made: list[Value]) -> Creation:
    given = _given(call, kind)
    makers = [value.maker for value in made if value.maker]
    names = _names(flow, source, kind, given)
    labels = _labels(given)
    mode, mode_problem = _mode(flow, source, given)
    registry = given.get("registry")
    problem = (
        _class_problem(flow, source, call, made)
        or _arguments_problem(flow, source, call, kind)
        or mode_problem
        or _labels_problem(labels)
    )
    return Creation(
        source,
        call,
        kind,
        frozenset((maker.file, maker.spelled) for maker in makers),
        names,
        labels,
        mode,
        flow.values(source, registry.value) if registry else frozenset(),
        registry,
        problem,
    )


def _given(call: cst.Call, kind: str) -> Mapping[str, cst.Arg]:
    """Arguments by the names of parameters, as far as no star stands before."""
    found: dict[str, cst.Arg] = {}
    places = (*PLACES, "_labelvalues", _OWN.get(kind, ""))
    for place, argument in enumerate(call.args):
        if argument.keyword:
            found[argument.keyword.value] = argument
        elif argument.star == "*":
            break
        elif not argument.star and place < len(places):
            found[places[place]] = argument
    return found


def _names(flow: Flow, source: Source, kind: str, given: Mapping[str, cst.Arg]) -> frozenset[str] | None:
    parts: list[frozenset[str]] = []
    for name in ("name", "namespace", "subsystem", "unit"):
        found = texts(flow.values(source, given[name].value)) if name in given else frozenset({""})
        if found is None:
            return None
        parts.append(found)
    made = set()
    if prod(map(len, parts)) > _MOST_NAMES:
        return None
    for each in product(*parts):
        try:
            made.add(full_name(kind.lower(), *each))
        except ValueError:
            return None
    return frozenset(made)


def _labels(given: Mapping[str, cst.Arg]) -> tuple[str, ...] | None:
    if "labelnames" not in given:
        return ()
    value = given["labelnames"].value
    if not isinstance(value, cst.List | cst.Tuple | cst.Set):
        return None
    found = [each.value.evaluated_value for each in elements(value) if isinstance(each.value, cst.SimpleString)]
    named = tuple(each for each in found if isinstance(each, str))
    return named if len(named) == len(elements(value)) else None


def _mode(flow: Flow, source: Source, given: Mapping[str, cst.Arg]) -> tuple[str, str]:
    if "multiprocess_mode" not in given:
        return "", ""
    found = texts(flow.values(source, given["multiprocess_mode"].value))
    if found is None or not found <= _MODES:
        return "", "its multiprocess_mode is not one that logemit is known to have"
    return (next(iter(found)) if len(found) == 1 else ""), ""


def _class_problem(flow: Flow, source: Source, call: cst.Call, made: list[Value]) -> str:
    if any(value.derived for value in made):
        return "its class is the project's own, derived from prometheus_client's"
    if any(value.maker is None or not value.maker.spelled for value in made):
        return "its class is reached through another module's import of prometheus_client"
    others = [value for value in flow.values(source, call.func) if not value.is_instrument_class]
    return "what is called here may also be something else than prometheus_client's class" if others else ""


def _arguments_problem(flow: Flow, source: Source, call: cst.Call, kind: str) -> str:
    known = {*PLACES, _OWN.get(kind, "name")}
    for place, argument in enumerate(call.args):
        if argument.keyword and argument.keyword.value not in known:
            return f"logemit's {kind} has no argument {argument.keyword.value}"
        if not argument.keyword and not argument.star and place >= len(PLACES) - 1:
            return "its registry is given by place"
        if argument.star == "*":
            return "its arguments are not written out"
        if argument.star == "**" and not _is_passed_on(flow, source, call, argument, known):
            return "its keyword arguments are not written out"
    return ""


def _is_passed_on(flow: Flow, source: Source, call: cst.Call, argument: cst.Arg, known: set[str]) -> bool:
    """Whether `**options` are those of the function around, and nobody gives it what logemit does not take."""
    function = next((each for each in source.ancestors(call) if isinstance(each, cst.FunctionDef)), None)
    stars = function.params.star_kwarg if function else None
    if function is None or stars is None or not isinstance(argument.value, cst.Name):
        return False
    if argument.value.value != stars.name.value:
        return False
    named = {each.name.value for each in (*function.params.params, *function.params.kwonly_params)}
    for path, calls in flow.calls.items():
        for each in calls:
            if any(value.node is function for value in flow.values(flow.sources[path], each.func)):
                words = {one.keyword.value if one.keyword else one.star for one in each.args} - {""}
                if not words - named <= known - {"registry", "multiprocess_mode"}:
                    return False
    return True


def _labels_problem(labels: tuple[str, ...] | None) -> str:
    if labels and len(as_json(dict.fromkeys(labels, ""))) > LABELS_LIMIT:
        return f"its labels take more than the {LABELS_LIMIT} bytes that logemit has for those of one child"
    return ""


def is_default(value: Value) -> bool:
    """prometheus_client's own registry."""
    return value.sort is Sort.LIBRARY and value.short == "REGISTRY"
