"""The directory that processes share their metrics through, where Python names it to the environment."""

from collections.abc import Iterator, Mapping

import libcst as cst

from ..traces import Edit, Kind, Trace
from .blocks import line_of_its_own, without
from .found import place_of, trace_of
from .lists import without_values
from .modules import Modules
from .source import Source, last_name, text_of
from .strings import condition_of, is_test

NAMES = frozenset({"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"})
_ADVICE = "nothing to set: the job adds up the lines of all processes"
_COLLECTOR = "MultiProcessCollector"
_PREPARES = frozenset({"makedirs", "mkdir", "rmtree", "setdefault", "pop"})


def find(modules: Modules) -> Iterator[Trace]:
    sources = [each for each in modules.containing(*NAMES) if not is_test(each.path)]
    gone = {source: _statements(source) for source in sources}
    reader = next((place for source in sources if (place := _reader(source, gone[source]))), "")
    doubt = f"{reader} reads it; once that is changed, take it out" if reader else ""
    collector = _collector(modules)
    waits = f"{collector}, which needs it" if collector else ""
    for source in sources:
        for node, edits in gone[source].items():
            yield _trace(source, node, _written(node), edits, doubt, waits)
        for pair, edits in _pairs(source).items():
            why = doubt if edits else "it sets a variable that nothing reads any more; take it out by hand"
            yield _trace(source, pair, _before_equals(pair), edits, why, waits)


def _trace(source: Source, node: cst.CSTNode, name: str, edits: tuple[Edit, ...], doubt: str, waits: str) -> Trace:
    return trace_of(source, node, Kind.MULTIPROCESS, _ADVICE, subject=name, edits=edits, doubt=doubt, waits=waits)


def _collector(modules: Modules) -> str:
    """Where metrics are read from the directory: without its variable that fails."""
    for source in modules.containing(_COLLECTOR):
        for name in source.every(cst.Name) if not is_test(source.path) else ():
            if name.value == _COLLECTOR and not isinstance(source.parent(name), cst.ImportAlias):
                return place_of(source, name)
    return ""


def _statements(source: Source) -> dict[cst.CSTNode, tuple[Edit, ...]]:
    """The variable's name in what sets it or prepares its directory, and in the condition of that; and what goes."""
    names = _named(source)
    found = {each: one for each in names if (one := _statement(source, each)) is not None}
    gone = without(source, list(dict.fromkeys(found.values())))
    whole = dict(gone.values())
    conditions = {each: whole[one] for each in names if (one := condition_of(source, each)) in whole}
    return {**{each: gone[one][1] for each, one in found.items()}, **conditions}


def _written(node: cst.CSTNode) -> str:
    return node.value if isinstance(node, cst.Name) else text_of(node) or ""


def _statement(source: Source, name: cst.CSTNode) -> cst.BaseStatement | None:
    """`environ[…] = …`, `environ.setdefault(…)`, `os.makedirs(…)`, `Path(…).mkdir()`, a variable of that name."""
    for above in source.ancestors(name):
        if isinstance(above, cst.Assign) and len(above.targets) == 1:
            return line_of_its_own(source, above) if _is_of_it(above.targets[0].target) else None
        if isinstance(above, cst.Expr) and isinstance(above.value, cst.Call):
            return line_of_its_own(source, above) if last_name(above.value.func) in _PREPARES else None
        if isinstance(above, cst.BaseStatement):
            return None
    return None


def _is_of_it(target: cst.BaseExpression) -> bool:
    if isinstance(target, cst.Subscript) and last_name(target.value) == "environ":
        index = target.slice[0].slice
        return isinstance(index, cst.Index) and _written(index.value) in NAMES
    return isinstance(target, cst.Name) and target.value in NAMES


def _reader(source: Source, gone: Mapping[cst.CSTNode, tuple[Edit, ...]]) -> str:
    return next((place_of(source, each) for each in _named(source) if each not in gone), "")


def _named(source: Source) -> list[cst.CSTNode]:
    every: list[cst.CSTNode] = [*source.every(cst.SimpleString), *source.every(cst.Name)]
    return [each for each in every if _written(each) in NAMES]


def _pairs(source: Source) -> dict[cst.SimpleString, tuple[Edit, ...]]:
    """NAME=value, as in gunicorn's raw_env, and what takes it out."""
    pairs = [each for each in source.every(cst.SimpleString) if _before_equals(each) in NAMES]
    removals = without_values(source, pairs)
    return {pair: removals[pair].edits if pair in removals else () for pair in pairs}


def _before_equals(string: cst.SimpleString) -> str:
    name, equals, _ = (text_of(string) or "").partition("=")
    return name if equals else ""
