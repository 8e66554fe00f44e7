"""Who asks for a route in a roundabout way: it stays for as long as they do."""

import ast

import pytest

from cli.leaving.stages import migrate
from cli.leaving.traces import Kind

from .texts import after, found_in, project_of, traces_of

URLS = (
    "from django.urls import include, path\n\n"
    "urlpatterns = [path('', home), path('internal/', include('django_prometheus.urls'))]\n"
)
HELPER = "def ask(client, page):\n    return client.get('/internal/' + page)\n\n\n"


@pytest.mark.parametrize(
    "test",
    [
        f"{HELPER}def test_it(client):\n    assert ask(client, 'metrics').status_code == 200\n",
        "def test_it(client):\n    assert client.get('/internal/' + 'metrics').status_code == 200\n",
        "PRE = '/internal/'\n\n\ndef test_it(client):\n    assert client.get(f'{PRE}metrics').status_code == 200\n",
        "def test_it(client):\n    assert client.get('/internal/%s' % 'metrics').status_code == 200\n",
        "def test_it(client):\n    assert client.get('/'.join(['', 'internal', 'metrics'])).status_code == 200\n",
        "def test_it(live_server):\n    assert urlopen(f'{live_server.url}/internal/metrics').status == 200\n",
        "def test_it(client):\n    for x in ('', 'internal/metrics'):\n        assert client.get(f'/{x}').content\n",
        (
            "PAGES = ['/', '/internal/metrics']\n\n\n"
            "def test_it(client):\n    for page in PAGES:\n        assert client.get(page).content\n"
        ),
        (
            "class A(TestCase):\n    def setUp(self):\n        self.url = '/internal/' + 'metrics'\n\n"
            "    def test_it(self):\n        assert self.client.get(self.url).content\n"
        ),
    ],
)
def test_a_route_stays_for_a_test_that_puts_its_path_together(test: str) -> None:
    texts = {"config/urls.py": URLS, "tests/test_pages.py": test}
    assert after(texts) == texts
    assert all(trace.doubt for trace in traces_of(texts, Kind.URL, Kind.TEST))


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(client):\n    assert client.get(f'/orders/{one}').json()['metrics'] == 3\n",
        "def test_it(client):\n    assert client.post('/orders/' + one, {'metrics': 3}).content\n",
        "def test_it(client):\n    assert client.get('/orders/%s' % 'metrics').content\n",
    ],
)
def test_a_path_that_begins_otherwise_asks_for_none(test: str) -> None:
    texts = {"config/urls.py": URLS, "tests/test_pages.py": test}
    assert not found_in(texts, Kind.TEST)
    assert "django_prometheus" not in after(texts)["config/urls.py"]


def test_a_route_stays_for_a_list_that_has_its_name() -> None:
    texts = {"config/urls.py": URLS, "config/settings.py": "LOGIN_EXEMPT = ['login', 'prometheus-django-metrics']\n"}
    assert after(texts) == texts
    assert [trace.doubt for trace in traces_of(texts, Kind.URL)] == ["config/settings.py:1 asks for it by its name"]


@pytest.mark.parametrize(
    ("module", "name", "text"),
    [
        ("db", "execute_total", "DATABASES = {'default': {'ENGINE': 'django_prometheus.db.backends.sqlite3'}}\n"),
        (
            "cache.metrics",
            "django_cache_get_total",
            "CACHES = {'default': {'BACKEND': 'django_prometheus.cache.backends.locmem.LocMemCache'}}\n",
        ),
        ("middleware", "Metrics", "MIDDLEWARE = ['django_prometheus.middleware.PrometheusBeforeMiddleware']\n"),
        (
            "models",
            "model_inserts",
            (
                "from django.db import models\nfrom django_prometheus.models import ExportModelOperationsMixin\n\n\n"
                "class Cat(ExportModelOperationsMixin('cat'), models.Model):\n    pass\n"
            ),
        ),
    ],
)
def test_what_fills_an_instrument_stays_for_a_test_that_reads_it(module: str, name: str, text: str) -> None:
    test = f"from django_prometheus.{module} import {name}\n\n\ndef test_it():\n    assert {name}._value.get() == 1\n"
    path = "shop/models.py" if module == "models" else "config/settings.py"
    found = after({path: text, "tests/test_counts.py": test})
    assert found[path].startswith(text)
    assert text not in after({path: text})[path]


@pytest.mark.parametrize("levels", [100, 145, 250, 322, 400])
@pytest.mark.parametrize(("first", "more"), [("x", ".a"), ("'a'", " + 'b'"), ("x", "()"), ("1", " if x else 2")])
def test_a_deep_tree_ends_in_no_error(levels: int, first: str, more: str) -> None:
    text = f"INSTALLED_APPS = ['django_prometheus']\nX = {first}{more * levels}\n"
    found = project_of({"config/settings.py": text})
    ast.parse(migrate(found)[1].texts["config/settings.py"])


def test_python_that_cannot_be_read_is_told_as_such() -> None:
    texts = {"shop/old.py": "print 'django_prometheus'\n", "notes.txt": "django_prometheus\n"}
    doubts = {trace.file: trace.doubt for trace in traces_of(texts)}
    assert doubts["shop/old.py"] == "this file cannot be read as Python"
    assert "people" in doubts["notes.txt"]
