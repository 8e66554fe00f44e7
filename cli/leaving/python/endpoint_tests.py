"""Tests that ask the endpoint of metrics: those that look at nothing else go with it, or with what it shows them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import libcst as cst

from ..traces import Edit, Kind, Stage, Trace
from .asked import Asker, within
from .blocks import without
from .found import place_of, trace_of
from .modules import Modules
from .references import imported
from .routes import Route
from .source import Source, dotted_name
from .strings import is_test

_ADVICE = "/metrics is a 404 then; logemit.testing has assert_event for what the app tells (docs/django.md)"
_FAMILY = re.compile(r"\bdjango_\w*")
_METRIC = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_CLIENTS = re.compile(r"\b(prometheus_client|django_prometheus)\b")
_INSTRUMENTS = ("_total", "_duration_seconds", "_inserts", "_updates", "_deletes")
_FILLED = {
    "django_prometheus.models": "django_model",
    "django_prometheus.db": "django_db",
    "django_prometheus.cache": "django_cache",
    "django_prometheus.middleware": "django_http",
}
"""By what holds the instruments, the prefix of their families."""

STAGES = {
    "django_model": Stage.MODELS,
    "django_db": Stage.MODELS,
    "django_cache": Stage.MODELS,
    "django_http": Stage.MIDDLEWARE,
    "django_migrations": Stage.SETTINGS,
}
"""Where what fills the families of a prefix goes."""


@dataclass(frozen=True)
class Asking:
    """A test or a helper of tests, the routes that it asks, and whether it looks at nothing else."""

    source: Source
    function: cst.FunctionDef
    routes: tuple[Route, ...]
    nothing_else: bool
    stage: Stage

    @property
    def is_helper(self) -> bool:
        return not self.function.name.value.startswith("test")


def asking(modules: Modules, routes: Sequence[Route]) -> list[Asking]:
    """Tests first. Helpers are functions of test modules that ask for metrics and are used by such tests alone."""
    sources = [source for path in modules.paths if is_test(path) and (source := modules.source(path)) is not None]
    if not routes:
        return []
    composers = _composers(modules, sources, routes)
    found = [each for source in sources for each in _asking(modules, source, routes, {}, composers)]
    helpers = [each for each in found if each.is_helper]
    helpers = [each for each in helpers if each.nothing_else]
    by_name = {each.function.name.value: each.routes for each in helpers}
    found = [each for source in sources for each in _asking(modules, source, routes, by_name, composers)]
    tests = [each for each in found if not each.is_helper]
    gone = {each.function for each in tests if each.nothing_else}
    return [*tests, *(each for each in helpers if _used_only_in(sources, each, gone))]


def _composers(modules: Modules, sources: Sequence[Source], routes: Sequence[Route]) -> frozenset[str]:
    """Names of helpers that put the path of a request together."""
    return frozenset(
        function.name.value
        for source in sources
        for function in source.every(cst.FunctionDef)
        if not function.name.value.startswith("test") and Asker(modules, source, routes, {}).composes(function)
    )


def _asking(
    modules: Modules,
    source: Source,
    routes: Sequence[Route],
    helpers: Mapping[str, Sequence[Route]],
    composers: Collection[str],
) -> Iterator[Asking]:
    words = {word for route in routes for word in _words(route)} | helpers.keys()
    words |= {path.rpartition("/")[2] for route in routes for path in route.paths if path}
    if not any(word in source.text for word in words):
        return
    asker = Asker(modules, source, routes, helpers, composers)
    for function in source.every(cst.FunctionDef):
        asked = asker.asked(function)
        if asked.routes and not _is_within_function(source, function):
            yield Asking(source, function, asked.routes, asked.nothing_else, _stage(function, asked.routes))


def _words(route: Route) -> Iterator[str]:
    yield from (path for path in route.paths if path)
    yield from (view.name for view in route.views)
    if route.name:
        yield route.name


def _is_within_function(source: Source, function: cst.FunctionDef) -> bool:
    return any(isinstance(each, cst.FunctionDef) for each in source.ancestors(function))


def _used_only_in(sources: Sequence[Source], helper: Asking, gone: set[cst.FunctionDef]) -> bool:
    name = helper.function.name.value
    for source in sources:
        for each in source.every(cst.Name) if name in source.text else ():
            if each.value == name and each is not helper.function.name:
                around = [*source.ancestors(each)]
                if helper.function not in around and not any(one in gone for one in around):
                    return False
    return True


def find(askings: Sequence[Asking], left: Mapping[Route, str]) -> Iterator[Trace]:
    """`left`: routes that stay, and why."""
    gone = [each for each in askings if _goes(each, left)]
    edits: dict[cst.CSTNode, tuple[Edit, ...]] = {}
    for source, stage in {(each.source, each.stage) for each in gone}:
        edits |= _edits(source, [each.function for each in gone if (each.source, each.stage) == (source, stage)])
    for each in askings:
        own, name, doubt = edits.get(each.function, ()), each.function.name.value, _doubt(each, left)
        trace = trace_of(each.source, each.function, Kind.TEST, _ADVICE, subject=name, edits=own, doubt=doubt)
        yield replace(trace, stage=each.stage)


def _goes(asking: Asking, left: Mapping[Route, str]) -> bool:
    """One that looks at numbers goes before them, whether or not the route is left."""
    return asking.nothing_else and (asking.stage is not Stage.URLS or left.keys().isdisjoint(asking.routes))


def _stage(function: cst.FunctionDef, routes: Sequence[Route]) -> Stage:
    """The first in which something goes that a test may look at: a family of django-prometheus, one of the app's.

    A helper outlives the tests that use it.
    """
    if not function.name.value.startswith("test"):
        return Stage.URLS
    said = [text for each in within(function, cst.SimpleString) for text in _METRIC.findall(said_by(each))]
    known = {word for route in routes for word in _words(route)}
    families = [text for each in within(function, cst.SimpleString) for text in _FAMILY.findall(said_by(each))]
    stages = {stage for prefix, stage in STAGES.items() for text in families if _overlap(text, prefix)}
    if any(not text.startswith(("django_", "python_", "process_")) and text not in known for text in said):
        stages.add(Stage.CODE)
    return min({*stages, Stage.URLS}, key=list(Stage).index)


def _overlap(text: str, prefix: str) -> bool:
    """Whether one begins as the other does: django_http, or django_ for any of them."""
    return text.startswith(prefix) or prefix.startswith(text)


def said_by(string: cst.SimpleString) -> str:
    value = string.evaluated_value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def held_back(modules: Modules, askings: Sequence[Asking], left: Mapping[Route, str]) -> dict[str, str]:
    """Prefixes of families that tests look at which stay, and where: what fills them has to stay, too."""
    gone = {each.function for each in askings if _goes(each, left)}
    asked = {each.source for each in askings}
    held: dict[str, str] = {}
    for source in modules.containing(*STAGES):
        if not is_test(source.path) or not (source in asked or _CLIENTS.search(source.text)):
            continue
        for string in source.every(cst.SimpleString):
            above = [*source.ancestors(string)]
            if not isinstance(above[0], cst.Expr) and gone.isdisjoint(above):
                said = said_by(string)
                held |= {prefix: place_of(source, string) for prefix in STAGES if prefix in said}
    return {**dict(_reading(modules)), **held}


def _reading(modules: Modules) -> Iterator[tuple[str, str]]:
    """Prefixes of families whose instruments are imported, and where: they stand still once nothing fills them."""
    for source in modules.containing("django_prometheus"):
        for alias, _, _, dotted in imported(source):
            name, prefix = dotted.rpartition(".")[2], _FILLED.get(".".join(dotted.split(".")[:2]))
            if prefix and (name.endswith(_INSTRUMENTS) or (name == "Metrics" and is_test(source.path))):
                yield prefix, place_of(source, alias)


def _doubt(each: Asking, left: Mapping[Route, str]) -> str:
    if not each.nothing_else:
        return "it asks for metrics among other things; take that out of it by hand, then the route can go"
    why = "" if _goes(each, left) else next((left[route] for route in each.routes if route in left), "")
    return f"it asks for a route that is left: {why}" if why else ""


def _edits(source: Source, doomed: Sequence[cst.FunctionDef]) -> dict[cst.CSTNode, tuple[Edit, ...]]:
    """Classes that are left without a test go as a whole."""
    classes = {each: _class(source, each) for each in doomed}
    wholes: dict[cst.CSTNode, cst.BaseStatement] = {
        each: its if its is not None and _is_emptied(source, its, doomed) else each for each, its in classes.items()
    }
    gone = without(source, list(dict.fromkeys(wholes.values())))
    return {each: gone[whole][1] for each, whole in wholes.items()}


def _class(source: Source, test: cst.FunctionDef) -> cst.ClassDef | None:
    block = source.parent(test)
    above = source.parent(block) if block is not None else None
    return above if isinstance(above, cst.ClassDef) else None


def _is_emptied(source: Source, owner: cst.ClassDef, doomed: Sequence[cst.FunctionDef]) -> bool:
    """A class from which others derive may hold what they need."""
    tests = [
        each for each in owner.body.body if isinstance(each, cst.FunctionDef) and each.name.value.startswith("test")
    ]
    name = owner.name.value
    has_heirs = any(dotted_name(base.value) == name for each in source.every(cst.ClassDef) for base in each.bases)
    return bool(tests) and all(each in doomed for each in tests) and not has_heirs
