"""What else a project does with prometheus_client: found once, explained, and taken out where that is safe."""

from pathlib import Path

import pytest

from cli.leaving.audit import audit
from cli.leaving.stages import migrate
from cli.leaving.traces import Kind, Stage

from .small import project
from .texts import after, found_in, project_of, traces_of

LEFT = {
    "a server": (
        "a.py",
        "from prometheus_client import start_http_server\nstart_http_server(9000)\n",
        2,
        Kind.CLIENT_API,
    ),
    "a server by the library": ("a.py", "import prometheus_client as p\np.start_http_server(9)\n", 2, Kind.CLIENT_API),
    "a push": (
        "a.py",
        "from prometheus_client import push_to_gateway as p\np('g', job='j', registry=None)\n",
        2,
        Kind.CLIENT_API,
    ),
    "exposition": (
        "a.py",
        "from prometheus_client import generate_latest\nprint(generate_latest())\n",
        2,
        Kind.CLIENT_API,
    ),
    "a registry": (
        "a.py",
        "from prometheus_client import CollectorRegistry\nR = CollectorRegistry()\nf(R)\n",
        2,
        Kind.CLIENT_API,
    ),
    "a registration": ("a.py", "from prometheus_client import REGISTRY\nREGISTRY.register(X())\n", 2, Kind.CLIENT_API),
    "a parser": (
        "a.py",
        "from prometheus_client.parser import text_string_to_metric_families as t\nt('')\n",
        2,
        Kind.CLIENT_API,
    ),
    "a collector": (
        "a.py",
        (
            "from prometheus_client.core import GaugeMetricFamily\n\n\nclass Stock:\n    def collect(self):\n"
            "        g = GaugeMetricFamily('a', 'x')\n        yield g\n"
        ),
        4,
        Kind.CLIENT_API,
    ),
    "a command": (
        "shop/management/commands/push.py",
        (
            "from django.core.management import BaseCommand\n"
            "from prometheus_client import REGISTRY, push_to_gateway\n\n\n"
            "class Command(BaseCommand):\n    def handle(self, **options):\n"
            "        push_to_gateway('g', 'j', registry=REGISTRY)\n"
        ),
        5,
        Kind.COMMAND,
    ),
    "a test": (
        "shop/tests.py",
        "from prometheus_client import REGISTRY\n\n\ndef test_a():\n    assert REGISTRY.get_sample_value('a') == 1\n",
        5,
        Kind.TEST,
    ),
    "a test's registry": (
        "tests/test_a.py",
        (
            "from prometheus_client import REGISTRY\n\n\ndef test_a():\n"
            "    for c in list(REGISTRY._names_to_collectors.values()):\n"
            "        REGISTRY.unregister(c)\n"
        ),
        5,
        Kind.TEST,
    ),
    "a process collector": (
        "a.py",
        "from prometheus_client import multiprocess as mp\nmp.MultiProcessCollector(registry)\n",
        2,
        Kind.MULTIPROCESS,
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_has_no_counterpart_is_left_and_explained(name: str) -> None:
    path, text, line, kind = LEFT[name]
    found = [trace for trace in traces_of({path: text}) if trace.kind is not Kind.IMPORT]
    assert (path, line) in {(trace.file, trace.line) for trace in found if trace.kind is kind}
    assert {trace.kind for trace in found} == {kind}
    assert all(trace.doubt and trace.advice and not trace.edits for trace in found)
    assert after({path: text}) == {path: text}


def test_a_server_in_a_worker_is_told_apart() -> None:
    text = (
        "from celery.signals import worker_process_init\nfrom prometheus_client import start_http_server\n\n\n"
        "@worker_process_init.connect\ndef serve(**kwargs):\n    start_http_server(9000)\n"
    )
    [trace] = traces_of({"a.py": text}, Kind.CLIENT_API)
    assert "Celery" in trace.doubt
    assert "workers" in trace.advice


GUNICORN = """\
from prometheus_client import multiprocess

workers = 3


def child_exit(server, worker):
    \"\"\"Of a worker.\"\"\"
    multiprocess.mark_process_dead(worker.pid)


def post_fork(server, worker):
    pass
"""


def test_a_hook_goes_that_only_tells_of_dead_processes() -> None:
    changed = after({"gunicorn.conf.py": GUNICORN}, Stage.SETTINGS)["gunicorn.conf.py"]
    assert changed == "\nworkers = 3\n\n\ndef post_fork(server, worker):\n    pass\n" or changed == (
        "workers = 3\n\n\ndef post_fork(server, worker):\n    pass\n"
    )
    assert after({"gunicorn.conf.py": GUNICORN}, Stage.CODE)["gunicorn.conf.py"] == GUNICORN


def test_a_hook_keeps_what_else_it_does() -> None:
    text = GUNICORN.replace("    multiprocess.", "    print(worker)\n    multiprocess.")
    changed = after({"gunicorn.conf.py": text})["gunicorn.conf.py"]
    assert "    print(worker)\n" in changed
    assert "multiprocess" not in changed


def test_a_hook_that_imports_for_itself() -> None:
    text = (
        "def child_exit(server, worker):\n    from prometheus_client import multiprocess\n\n"
        "    multiprocess.mark_process_dead(worker.pid)\n"
    )
    assert after({"gunicorn.conf.py": text})["gunicorn.conf.py"].strip() == ""


def test_a_hook_stays_with_instruments_that_are_left() -> None:
    texts = {
        "gunicorn.conf.py": GUNICORN,
        "m.py": "from prometheus_client import Counter\nA = Counter('a_a', 'x')\nA._value.get()\n",
    }
    assert after(texts)["gunicorn.conf.py"] == GUNICORN


UNREGISTERING = {
    "alone": "REGISTRY.unregister(GC_COLLECTOR)\nREGISTRY.unregister(PLATFORM_COLLECTOR)\n",
    "in a loop": "for each in (GC_COLLECTOR, PLATFORM_COLLECTOR):\n    REGISTRY.unregister(each)\n",
    "tried": "try:\n    REGISTRY.unregister(GC_COLLECTOR)\nexcept KeyError:\n    pass\n",
    "in a function": (
        "def ready():\n    REGISTRY.unregister(GC_COLLECTOR)\n    REGISTRY.unregister(PLATFORM_COLLECTOR)\n"
    ),
    "created": "disable_created_metrics()\n",
}
START = (
    "from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, REGISTRY, "
    "disable_created_metrics, start_http_server\n"
)


@pytest.mark.parametrize("name", UNREGISTERING)
def test_what_changes_what_is_shown_goes(name: str) -> None:
    changed = after({"a.py": f"{START}{UNREGISTERING[name]}x = 3\n"})["a.py"]
    left = changed.replace("def ready():\n    pass\n", "").strip()
    assert left == "x = 3"


@pytest.mark.parametrize("name", UNREGISTERING)
def test_it_stays_where_something_is_still_shown(name: str) -> None:
    text = f"{START}{UNREGISTERING[name]}start_http_server(9000)\n"
    assert UNREGISTERING[name] in after({"a.py": text})["a.py"]


def test_a_registry_that_nothing_names_goes() -> None:
    texts = {
        "shop/prom.py": "from prometheus_client import CollectorRegistry\n\nSHOP = CollectorRegistry()\n",
        "shop/metrics.py": (
            "from prometheus_client import Counter\n\nfrom .prom import SHOP\n\n"
            "A = Counter('a_a', 'x', registry=SHOP)\n"
        ),
    }
    changed = after(texts)
    assert changed["shop/prom.py"].strip() == ""
    assert changed["shop/metrics.py"] == "from logemit import Counter\n\nA = Counter('a_a', 'x')\n"
    assert not audit(project_of(changed)).traces


def test_views_belong_to_their_routes() -> None:
    text = (
        "from django.http import HttpResponse\nfrom django.views import View\n"
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess\n\n\n"
        "def metrics(request):\n    registry = CollectorRegistry()\n    multiprocess.MultiProcessCollector(registry)\n"
        "    return HttpResponse(generate_latest(registry))\n\n\n"
        "class Metrics(View):\n    def get(self, request):\n        return HttpResponse(generate_latest())\n"
    )
    assert not found_in({"views.py": text}, Kind.CLIENT_API, Kind.MULTIPROCESS)


def test_every_mention_is_within_a_trace_that_is_no_mention() -> None:
    texts = {path: text for path, text, _, _ in LEFT.values()}
    assert not found_in(texts, Kind.MENTION)


def test_what_a_view_needed_goes_once_nothing_calls_it(tmp_path: Path) -> None:
    texts = {
        "shop/prom.py": (
            "from prometheus_client import CollectorRegistry, generate_latest, multiprocess\n\n\n"
            "def text():\n    registry = CollectorRegistry()\n    multiprocess.MultiProcessCollector(registry)\n"
            "    return generate_latest(registry)\n\n\ndef other():\n    return 3\n"
        )
    }
    view = "from shop.prom import text\n\n\ndef metrics(request):\n    return HttpResponse(text())\n"
    _, changed = migrate(project(tmp_path, {**texts, "shop/views.py": view}))
    assert changed.texts["shop/prom.py"].strip() == "def other():\n    return 3"
    called = {**texts, "shop/reports.py": "from .prom import text\n\n\ndef report():\n    return text()\n"}
    assert after(called) == called


@pytest.mark.parametrize(
    "text",
    [
        (
            "def application(environ, start_response):\n    if environ['PATH_INFO'] == '/-/prom':\n"
            "        return [generate_latest()]\n    return django(environ, start_response)\n"
        ),
        "handler = make(lambda event: generate_latest())\n",
        "PAGES = [home, generate_latest]\n",
    ],
)
def test_what_a_server_calls_by_its_name_stays(tmp_path: Path, text: str) -> None:
    texts = {"config/wsgi.py": f"from prometheus_client import generate_latest\n\n\n{text}"}
    assert migrate(project(tmp_path, texts))[1].texts == texts


def test_other_routes_stay_beside_one_of_a_lambda(tmp_path: Path) -> None:
    route = "    path('metrics', lambda request: HttpResponse(generate_latest())),\n"
    text = (
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        f"from prometheus_client import generate_latest\n\nurlpatterns = [\n    path('', home),\n{route}]\n"
    )
    _, changed = migrate(project(tmp_path, {"config/urls.py": text}))
    assert (
        changed.texts["config/urls.py"] == "from django.urls import path\n\nurlpatterns = [\n    path('', home),\n]\n"
    )


def test_every_trace_says_what_becomes_of_it() -> None:
    texts = {path: text for path, text, _, _ in LEFT.values()}
    texts["m.py"] = "from prometheus_client import Counter\nA = Counter('a_a', 'x')\n"
    texts["n.py"] = "from m import A, Counter\nA.inc()\nB = Counter('b_b', 'x')\n\n\ndef f():\n    A.inc()\n"
    found = traces_of(texts)
    assert {(trace.file, trace.line) for trace in found} >= {("n.py", 2), ("n.py", 3), ("n.py", 6), ("n.py", 7)}
    assert [trace for trace in found if bool(trace.edits) + bool(trace.doubt) + bool(trace.waits) != 1] == []
