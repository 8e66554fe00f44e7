"""The directory that processes share their metrics through, where Python names it to the environment."""

from collections.abc import Iterator

import libcst as cst

from ..traces import Edit, Kind, Trace
from .blocks import line_of_its_own, without
from .found import place_of, trace_of
from .lists import without_values
from .modules import Modules
from .source import Source, dotted_name, last_name, text_of
from .strings import condition_of, is_test

NAMES = frozenset({"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"})
_ADVICE = "nothing to set: the job adds up the lines of all processes"
_PREPARES = frozenset({"makedirs", "mkdir", "rmtree", "setdefault", "pop"})


def find(modules: Modules) -> Iterator[Trace]:
    sources = [each for each in modules.containing(*NAMES) if not is_test(each.path)]
    gone = {source: statements(source) for source in sources}
    reader = next((place for source in sources if (place := _reader(source, gone[source]))), "")
    for source in sources:
        for node, edits in gone[source].items():
            doubt = f"{reader} reads it; once that is changed, take it out" if reader else ""
            name = _written(node)
            yield trace_of(source, node, Kind.MULTIPROCESS, _ADVICE, subject=name, edits=edits, doubt=doubt)
        yield from _pairs(source)


def statements(source: Source) -> dict[cst.CSTNode, tuple[Edit, ...]]:
    """The variable's name in what sets it or prepares its directory, and in the condition of that; and what goes."""
    nodes: list[cst.CSTNode] = [*source.every(cst.SimpleString), *source.every(cst.Name)]
    names = [each for each in nodes if _written(each) in NAMES]
    found: dict[cst.CSTNode, cst.BaseStatement] = {
        each: one for each in names if (one := _statement(source, each)) is not None
    }
    gone = without(source, list(dict.fromkeys(found.values())))
    whole = dict(gone.values())
    conditions = {each: whole[one] for each in names if (one := condition_of(source, each)) in whole}
    return {**{each: gone[one][1] for each, one in found.items()}, **conditions}


def _written(node: cst.CSTNode) -> str:
    return node.value if isinstance(node, cst.Name) else text_of(node) or ""


def _statement(source: Source, name: cst.CSTNode) -> cst.BaseStatement | None:
    """`environ[…] = …`, `environ.setdefault(…)`, `os.makedirs(…)`, `Path(…).mkdir()`."""
    for above in source.ancestors(name):
        if isinstance(above, cst.Assign) and len(above.targets) == 1:
            target = above.targets[0].target
            if isinstance(target, cst.Subscript) and dotted_name(target.value).endswith("environ"):
                return line_of_its_own(source, above) if name in _inside(target) else None
        if isinstance(above, cst.Expr) and isinstance(above.value, cst.Call):
            function = above.value.func
            return line_of_its_own(source, above) if last_name(function) in _PREPARES else None
        if isinstance(above, cst.BaseStatement):
            return None
    return None


def _inside(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _inside(child)


def _reader(source: Source, gone: dict[cst.CSTNode, tuple[Edit, ...]]) -> str:
    for string in source.every(cst.SimpleString):
        if _written(string) in NAMES and string not in gone:
            return place_of(source, string)
    return ""


def _pairs(source: Source) -> Iterator[Trace]:
    """NAME=value, as in gunicorn's raw_env."""
    pairs = [each for each in source.every(cst.SimpleString) if _before_equals(each) in NAMES]
    removals = without_values(source, pairs)
    for pair in pairs:
        edits = removals[pair].edits if pair in removals else ()
        doubt = "" if edits else "it sets a variable that nothing reads any more; take it out by hand"
        name = _before_equals(pair)
        yield trace_of(source, pair, Kind.MULTIPROCESS, _ADVICE, subject=name, edits=edits, doubt=doubt)


def _before_equals(string: cst.SimpleString) -> str:
    name, equals, _ = (text_of(string) or "").partition("=")
    return name if equals else ""
