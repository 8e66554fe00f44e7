"""Routes, the views behind them and the tests that ask them."""

from collections.abc import Iterator
from typing import Any

import pytest

from cli.leaving.python.modules import Modules
from cli.leaving.python.urls import routes
from cli.leaving.traces import Kind, Stage

from .pieces import doubts_of, left_of, project_of, traces_of

HEAD = """\
from django.urls import include, path, re_path
from django_prometheus import exports
from django_prometheus.exports import ExportToDjangoView as export
from shop.views import home
"""


def paths_of(text: str) -> list[str]:
    """All paths of a URLconf that Django would know, with what they lead to, by our own path and include."""

    def flat(before: str, patterns: Any) -> Iterator[str]:
        for route, target in patterns:
            yield from flat(before + route, target) if isinstance(target, list) else [f"{before}{route} {target}"]

    def include(what: Any, namespace: str = "") -> Any:
        return what if isinstance(what, list) else [("", f"urls of {what}")]

    names = {
        "path": lambda route, target, **_: (route, target),
        "include": include,
        "i18n_patterns": lambda *patterns, **_: list(patterns),
        "home": "home",
        "export": "export",
        "guarded": lambda view: view,
        "ON": True,
    }
    names["re_path"] = names["url"] = names["path"]
    body = "".join(f"{line}\n" for line in text.splitlines() if "import" not in line)
    exec(body, names)
    found: Any = names["urlpatterns"]
    return list(flat("", found))


WAYS = {
    'path("", include("django_prometheus.urls"))': "metrics",
    'path("", include(("django_prometheus.urls", "m"), namespace="m"))': "metrics",
    "re_path(r'^internal/', include('django_prometheus.urls'))": "internal/metrics",
    'path("metrics/", export, name="prometheus-django-metrics")': "metrics",
    'url(r"^metrics/?$", guarded(export))': "metrics",
    'path("x/", include([path("metrics", export)]))': "x/metrics",
    're_path(r"^(m|n)$", export)': None,
    'path("<slug:team>/", include("django_prometheus.urls"))': None,
}


TEXTS = [
    'urlpatterns = [path("", home), {}, path("b", home)]\n',
    'urlpatterns = [\n    path("", home),\n    {},  # metrics\n]\n',
    'urlpatterns = [path("", home)]\nurlpatterns += [{}]\n',
    'urlpatterns = [path("", home)]\nif ON:\n    urlpatterns.append({})\n',
    'urlpatterns = [path("", home)] + [{}]\n',
    'urlpatterns = i18n_patterns(path("", home), {}, prefix_default_language=False)\n',
    'urlpatterns = [path("api/", include([{}, path("b", home)]))]\n',
    'urlpatterns = [path("api/", include([{}])), path("b", home)]\n',
]


@pytest.mark.parametrize(("text", "way"), [*zip(TEXTS * 2, [*WAYS, *list(WAYS)[3:], *list(WAYS)[:3]], strict=True)])
def test_a_route_goes_and_others_stay(text: str, way: str) -> None:
    before = HEAD + text.format(way)
    after = left_of({"shop/urls.py": before}, Stage.URLS)["shop/urls.py"]
    kept = [each for each in paths_of(before) if "export" not in each and "prometheus" not in each]
    assert paths_of(after) == kept
    prefix = "api/" if "api/" in text else ""
    found = routes(Modules(project_of({"shop/urls.py": before})))
    assert found == (frozenset() if WAYS[way] is None else {prefix + str(WAYS[way])})


def test_paths_are_those_through_all_that_includes_them() -> None:
    texts = {
        "config/urls.py": 'urlpatterns = [path("api/", include("shop.urls")), path("v2/", include("shop.urls"))]\n',
        "shop/urls.py": 'urlpatterns = [path("ops/", include("shop.ops.urls"))]\n',
        "shop/ops/urls.py": 'from shop import ops\nurlpatterns = [path("", include("django_prometheus.urls"))]\n',
    }
    assert routes(Modules(project_of(texts))) == {"api/ops/metrics", "v2/ops/metrics"}
    texts["shop/ops/urls.py"] += 'urlpatterns += [path("", include("config.urls"))]\n'  # in a circle
    assert routes(Modules(project_of(texts))) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        'urlpatterns = [path("metrics", home), path("prometheus/metrics", include("shop.prometheus.urls"))]\n',
        "urlpatterns = [path('metrics', MetricsView.as_view())]\n",
        'requests.get("http://prometheus:9090/metrics")\n',
    ],
)
def test_a_route_of_something_else_is_none(text: str) -> None:
    texts = {"shop/urls.py": text, "shop/views.py": "class MetricsView(View): ...\ndef home(request): ...\n"}
    assert traces_of(texts) == []
    assert routes(Modules(project_of(texts))) == frozenset()


VIEWS = {
    "a function": """
        @login_required
        def metrics(request):
            \"\"\"For Prometheus.\"\"\"
            if not request.user.is_staff:
                return HttpResponseForbidden("no")
            return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
    """,
    "of several processes": """
        def metrics(request, *args):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            data = prometheus_client.generate_latest(registry)
            response = HttpResponse(data)
            response["X"] = "1"
            logger.info("asked")
            return response
    """,
    "what django-prometheus has": """
        def metrics(request):
            if request.META.get("REMOTE_ADDR") not in settings.ALLOWED:
                return HttpResponse("no", status=404)
            return ExportToDjangoView(request)
    """,
    "a helper": """
        def _rendered() -> bytes:
            return generate_latest()


        def metrics(request):
            return HttpResponse(_rendered())
    """,
    "a name": "metrics = login_required(ExportToDjangoView)\n",
}
IMPORTS = """
import prometheus_client
from django.http import HttpResponse
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess


def home(request):
    return HttpResponse("home")
"""
URLS = """
from django.urls import path

from . import views
from .views import home, metrics

urlpatterns = [path("", home), path("metrics", metrics), path("also", views.metrics)]
"""


def module(text: str) -> str:
    from textwrap import dedent

    return IMPORTS.lstrip("\n") + "\n\n" + dedent(text).lstrip("\n")


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_a_view_goes_after_its_routes_and_imports(view: str) -> None:
    texts = {"shop/urls.py": URLS.lstrip("\n"), "shop/views.py": module(view), "shop/__init__.py": ""}
    after = left_of(texts, Stage.URLS)
    assert paths_of(after["shop/urls.py"]) == [" home"]
    assert "metrics" not in after["shop/urls.py"]
    assert "metrics =" not in after["shop/views.py"]
    assert "def metrics" not in after["shop/views.py"]
    assert "def home(request):" in after["shop/views.py"]


def test_a_class_goes_too_and_one_that_is_handed_on() -> None:
    texts = {
        "shop/views/__init__.py": "from .home import home\nfrom .metrics import Metrics\n",
        "shop/views/home.py": "def home(request): ...\n",
        "shop/views/metrics.py": """
            from prometheus_client import generate_latest
            from rest_framework.views import APIView


            class Metrics(APIView):
                permission_classes = [IsAdminUser]

                def get(self, request):
                    return Response(generate_latest())
        """,
        "shop/urls.py": """
            from shop import views
            urlpatterns = [path("", views.home), path("metrics", views.Metrics.as_view(), name="metrics")]
        """,
    }
    after = left_of(texts, Stage.URLS)
    assert after["shop/views/__init__.py"] == "from .home import home\n"
    assert "class" not in after["shop/views/metrics.py"]


@pytest.mark.parametrize(
    "view",
    [
        "def metrics(request):\n    OPEN.set(Order.objects.count())\n    return HttpResponse(generate_latest())\n",
        "def metrics(request):\n    if X:\n        return page(request)\n    return HttpResponse(generate_latest())\n",
        "def metrics(request):\n    for each in ():\n        each()\n    return HttpResponse(generate_latest())\n",
    ],
)
def test_a_view_that_does_something_else_is_left_with_its_route(view: str) -> None:
    texts = {"shop/urls.py": URLS.lstrip("\n"), "shop/views.py": module(view), "shop/__init__.py": ""}
    after = left_of(texts, Stage.URLS)
    assert after["shop/urls.py"] == texts["shop/urls.py"]
    assert view in after["shop/views.py"]
    assert len(doubts_of(texts, Kind.METRICS_VIEW)) == 1
    assert len(set(doubts_of(texts, Kind.URL))) == 1


def test_a_view_that_something_else_uses_is_left() -> None:
    texts = {
        "shop/urls.py": URLS,
        "shop/views.py": module(VIEWS["a function"]),
        "shop/pages.py": "from shop.views import metrics\n\ndef page(request):\n    return metrics(request)\n",
    }
    after = left_of(texts, Stage.URLS)
    assert "def metrics" in after["shop/views.py"]
    assert paths_of(after["shop/urls.py"]) == [" home"]
    assert doubts_of(texts, Kind.METRICS_VIEW) == ["shop/pages.py:4 uses it"]


PLAIN = 'urlpatterns = [path("", include("django_prometheus.urls")), path("", home, name="home")]\n'
TESTS = """
import pytest
from django.test import Client, TestCase
from django.urls import reverse

URL = "/metrics"


@pytest.fixture
def exposition(client):
    return client.get(URL).content.decode()


def test_found(client):
    assert client.get("/metrics").status_code == 200


def test_families(exposition):
    assert "django_http" in exposition


async def test_by_name(async_client):
    assert (await async_client.get(reverse("prometheus-django-metrics"))).status_code == 200


def test_traffic(client):
    client.get("/")
    assert b"django_model" in client.get(URL, {"x": 1}).content


def test_any(client):
    assert b"django_" in client.get(URL).content


def test_own(client):
    assert "shop_orders_total" in Client().get("/metrics?name=x").content


def test_home(client):
    assert client.get("/").status_code == 200


class MetricsTest(TestCase):
    url = "/metrics"

    def setUp(self):
        self.body = None

    def scrape(self):
        return self.client.get(self.url)

    def test_scrape(self):
        self.assertContains(self.scrape(), "python_info")

    def test_generic(self):
        self.assertEqual(self.client.generic("GET", self.url).status_code, 200)


class HomeTest(TestCase):
    def test_home(self):
        self.assertEqual(self.client.get("/").status_code, 200)

    def test_metrics(self):
        self.assertEqual(self.client.get(URL).status_code, 200)
"""


def functions_of(text: str) -> set[str]:
    import ast

    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)}


def test_tests_go_before_what_they_look_at() -> None:
    texts = {"shop/urls.py": PLAIN, "shop/tests.py": TESTS}
    assert not doubts_of(texts, Kind.TEST, Kind.URL)
    stages = {each.subject: each.stage for each in traces_of(texts, Kind.TEST)}
    assert stages == {
        **dict.fromkeys(["exposition", "test_found", "test_by_name", "scrape", "test_scrape"], Stage.URLS),
        **dict.fromkeys(["test_generic", "test_metrics"], Stage.URLS),
        "test_families": Stage.MIDDLEWARE,
        "test_traffic": Stage.MODELS,
        "test_any": Stage.MODELS,
        "test_own": Stage.CODE,
    }
    after = left_of(texts)
    assert functions_of(after["shop/tests.py"]) == {"test_home", "HomeTest"}
    assert "django_prometheus" not in after["shop/urls.py"]


@pytest.mark.parametrize(
    "test",
    [
        'assert client.get("/").ok\n    assert client.get("/metrics").ok',
        'for url in ("/", "/metrics"):\n        client.get(url)',
        'response = client.get("/")\n    assert client.get("/metrics").content != response.content',
        'assert client.get(url).ok and url != "/metrics"',
    ],
)
def test_a_test_that_asks_for_something_else_keeps_the_route(test: str) -> None:
    texts = {"shop/urls.py": PLAIN, "shop/tests/test_urls.py": f"def test(client, url=None):\n    {test}\n"}
    assert left_of(texts, Stage.URLS) == texts
    assert "shop/tests/test_urls.py:1" in doubts_of(texts, Kind.URL)[0]
    assert len(doubts_of(texts, Kind.TEST)) == 1


def test_a_parametrized_list_keeps_the_route() -> None:
    test = '@pytest.mark.parametrize("url", ["/", "/metrics"])\ndef test(client, url):\n    assert client.get(url).ok\n'
    texts = {"shop/urls.py": PLAIN, "tests/test_urls.py": test}
    assert left_of(texts, Stage.URLS) == texts


def test_numbers_that_a_test_left_looks_at_are_kept() -> None:
    texts = {
        "shop/urls.py": PLAIN,
        "shop/tests.py": """
            def test(client):
                assert client.get("/").ok
                assert b"django_http_requests" in client.get("/metrics").content
        """,
        "shop/settings.py": """
            MIDDLEWARE = ["django_prometheus.middleware.PrometheusBeforeMiddleware"]
            ENGINE = "django_prometheus.db.backends.mysql"
        """,
    }
    after = left_of(texts, Stage.MODELS, Stage.MIDDLEWARE, Stage.URLS)
    assert "PrometheusBeforeMiddleware" in after["shop/settings.py"]
    assert '"django.db.backends.mysql"' in after["shop/settings.py"]
    assert "shop/tests.py:3" in doubts_of(texts, Kind.MIDDLEWARE)[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/pages.py", 'def go():\n    return redirect("prometheus-django-metrics")\n'),
        ("shop/health.py", 'NAMES = [check("prometheus-django-metrics")]\n'),
        ("shop/templates/base.html", "<a href=\"{% url 'prometheus-django-metrics' %}\">"),
    ],
)
def test_a_route_that_is_asked_for_by_its_name_is_left(path: str, text: str) -> None:
    texts = {"shop/urls.py": PLAIN, path: text}
    assert left_of(texts, Stage.URLS) == texts
    assert any(path in doubt for doubt in doubts_of(texts, Kind.URL))


def test_an_app_beside_the_app_is_left() -> None:
    text = """\
from prometheus_client import make_asgi_app
from other import make_wsgi_app
application = Dispatcher(app, {"/metrics": make_asgi_app(), "/x": make_wsgi_app()})
"""
    assert [each.line for each in traces_of({"config/asgi.py": text}, Kind.URL)] == [3]
    assert left_of({"config/asgi.py": text}, Stage.URLS) == {"config/asgi.py": text}
