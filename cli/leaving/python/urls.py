"""Routes at which metrics are served, with their views and their tests."""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import libcst as cst

from ..traces import Kind, Trace
from . import endpoint_tests, route_names, views
from .found import place_of, trace_of
from .lists import Removal, without_values
from .modules import Modules
from .references import stands_for
from .routes import Route, metrics_routes
from .source import Source, last_name

_ADVICE = "no process serves metrics: the job writes them to a file (docs/prometheus.md)"
_APPS = ("make_wsgi_app", "make_asgi_app")


def routes(modules: Modules) -> frozenset[str]:
    """Paths without slashes around: metrics, internal/metrics."""
    return frozenset(path for route in metrics_routes(modules) for path in route.paths)


def find(modules: Modules) -> Iterator[Trace]:
    found, askings = metrics_routes(modules), _askings(modules)
    removals, left = _decided(modules)
    for route in found:
        removal = removals.get(route.call)
        whole = removal.whole if removal is not None and isinstance(removal.whole, cst.If) else route.call
        edits = removal.edits if removal is not None else ()
        yield trace_of(
            route.source, whole, Kind.URL, _ADVICE, subject=route.name, edits=edits, doubt=left.get(route, "")
        )
    yield from endpoint_tests.find(askings, left)
    own = views.metrics_views(modules)
    routed = {view.place: left[route] for route in found if route in left for view in route.views}
    yield from views.find(modules, own, routed)
    yield from _mounted(modules)


def routes_that_go(modules: Modules) -> list[tuple[Source, cst.CSTNode]]:
    removals, left = _decided(modules)
    return [(each.source, each.call) for each in metrics_routes(modules) if each.call in removals and each not in left]


@lru_cache(maxsize=2)
def held_back(modules: Modules) -> dict[str, str]:
    """Prefixes of families of django-prometheus that tests look at which stay, and where."""
    return endpoint_tests.held_back(modules, _askings(modules), _decided(modules)[1])


@lru_cache(maxsize=2)
def _askings(modules: Modules) -> list[endpoint_tests.Asking]:
    return endpoint_tests.asking(modules, metrics_routes(modules))


@lru_cache(maxsize=2)
def _decided(modules: Modules) -> tuple[dict[cst.CSTNode, Removal], dict[Route, str]]:
    """What takes routes out, and the routes that are left, with why."""
    found = metrics_routes(modules)
    left = route_names.asked_by_name(modules, found)
    for each in _askings(modules):
        if not each.nothing_else:
            place = place_of(each.source, each.function)
            left |= dict.fromkeys(each.routes, f"the test at {place} asks for it among other things")
    left |= {route: view.doubt for route in found for view in route.views if view.doubt}
    removals: dict[cst.CSTNode, Removal] = {}
    for source in dict.fromkeys(route.source for route in found):
        calls = [route.call for route in found if route.source is source and route not in left]
        removals |= _without_routes(source, calls)
    for route in found:
        if route.call not in removals:
            left.setdefault(route, "it does not stand in a list of routes; take it out by hand")
    return removals, left


def _without_routes(source: Source, calls: Sequence[cst.Call]) -> dict[cst.CSTNode, Removal]:
    """One that includes nothing but these goes as a whole."""
    wholes = {call: _including_only(source, call, calls) for call in calls}
    removals = without_values(source, list(dict.fromkeys(wholes.values())))
    return {call: removals[whole] for call, whole in wholes.items() if whole in removals}


def _including_only(source: Source, call: cst.Call, calls: Collection[cst.Call]) -> cst.Call:
    """`path("internal/", include([…]))` around it, if all that is in there goes."""
    for above in source.ancestors(call):
        if isinstance(above, cst.List | cst.Tuple) and not all(each.value in calls for each in above.elements):
            return call
        if isinstance(above, cst.Call) and last_name(above.func) in views.ROUTES:
            return above
        if isinstance(above, cst.BaseStatement):
            return call
    return call


def _mounted(modules: Modules) -> Iterator[Trace]:
    """prometheus_client's own apps, beside Django's in wsgi.py or asgi.py."""
    for source in modules.containing(*_APPS):
        for call in source.every(cst.Call):
            names = stands_for(modules, source, call.func)
            if any(name.startswith("prometheus_client.") and name.endswith(_APPS) for name in names):
                doubt = "how it is mounted beside the app is the project's own; take it out by hand, with its import"
                yield trace_of(source, call, Kind.URL, _ADVICE, doubt=doubt)
