"""Lists of apps and middleware, wrappers of databases and caches, and settings: what they hold before and after."""

import ast
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.leaving.traces import Kind, Stage
from cli.leaving.wrapped import WRAPPED

from ..scale import scaled
from .pieces import doubts_of, left_of, traces_of

BEFORE = "django_prometheus.middleware.PrometheusBeforeMiddleware"
MIXIN = "from django_prometheus.models import ExportModelOperationsMixin as E\n"
AFTER = "django_prometheus.middleware.PrometheusAfterMiddleware"
STAGES = (Stage.MODELS, Stage.MIDDLEWARE, Stage.SETTINGS)


class Env:
    def bool(self, name: str, default: bool = False) -> bool:
        return os.environ.get(name, str(default)) == "True"

    def __call__(self, name: str, default: str = "") -> str:
        return os.environ.get(name, default)


def run(text: str, on: bool = True) -> dict[str, Any]:
    """What a settings module of ours holds, with PROMETHEUS on or off."""
    names: dict[str, Any] = {"os": os, "env": Env(), "ON": on}
    with patch.dict(os.environ, {"ON": str(on)}):
        exec(compile(text, "settings", "exec"), names)
    return {name: value for name, value in names.items() if name.isupper()}


def without_it(value: Any) -> Any:
    return type(value)(each for each in value if not each.startswith("django_prometheus"))


def settled(text: str, *stages: Stage) -> str:
    return left_of({"shop/settings.py": text}, *(stages or STAGES))["shop/settings.py"]


WAYS = [
    'LIST = ["a", "{}", "b"]',
    'LIST = ("a", "{}")',
    'LIST = ("{}",)',
    'LIST = ["{}"]',
    "LIST = [\n    'a',\n    '{}',  # why\n]",
    'LIST = ["a"]\nLIST += ["{}"]',
    'LIST = ("a",)\nLIST += ("{}",)',
    'LIST = ["a"]\nLIST += ["{}", "b"]',
    'LIST = ["a"]\nLIST.insert(0, "{}")',
    'LIST = ["a"]\nLIST.append("{}")',
    'LIST = ["a"]\nLIST.extend(["{}"])',
    'LIST = ["a"]\nLIST.extend(("{}", "b"))',
    'LIST = ["a"]\nLIST = ["{}"] + LIST',
    'LIST = ["a"]\nLIST = ["{}"] + LIST + ["{}"]',
    'LIST = ["a"]\nLIST = (\n    ["{}"]\n    + LIST\n    + ["b", "{}"]\n)',
    'LIST = ["a"]\nLIST = LIST + ["{}"]',
    'LIST = ["a"]\nLIST = ["{}", *LIST]',
    'BASE = ["a"]\nLIST = ["{}", *BASE, "{}"]',
    'BASE = ["a"]\nLIST = ["{}"] + BASE + ["b"]',
    'BASE = ("a",)\nLIST = ("{}",) + tuple(BASE)',
    'LIST = ["a"]\nLIST[0:0] = ["{}"]',
    'LIST = ["a"]\nif ON:\n    LIST += ["{}"]',
    'LIST = ["a"]\nif ON: LIST += ["{}"]',
    'LIST = ["a"]\nif ON:\n    LIST = ["{}"] + LIST\n    OTHER = 1',
    'LIST = ["a"]\nif env.bool("ON"):\n    if os.environ.get("ON"):\n        LIST.insert(0, "{}")',
    'LIST = ["a"]\nif ON:\n    LIST += ["{}"]\nelse:\n    LIST += ["b"]',
    'LIST = ["a"]\nif ON:\n    LIST += ["b"]\nelse:\n    LIST += ["{}"]',
    'LIST = ["a"]\nif not ON:\n    LIST += ["b"]\nelif ON:\n    LIST += ["{}"]',
    'LIST = ["a"]\nLIST += ["{}"] if ON else []',
    'LIST = ["a"] + (["{}"] if ON else ["b"])',
    'LIST = ["a"]\nif "{}" not in LIST:\n    LIST.append("{}")',
    'LIST = ["a", "{}"]\nif "{}" in LIST:\n    LIST.remove("{}")',
    'LIST = ["a", "{}"]\nLIST = [each for each in LIST if each != "{}"]',
    'LIST = ["a"]\nfor each in ("b", "{}"):\n    LIST.append(each)',
    'def lists():\n    return ["a", "{}"]\nLIST = lists()',
    'HELD = {{"prod": ["{}", "a"], "test": ["a"]}}\nLIST = HELD["prod"]',
    'try:\n    LIST = ["a", "{}"]\nexcept ValueError:\n    LIST = []',
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("entry", ["django_prometheus.apps.DjangoPrometheusConfig", AFTER])
def test_an_entry_goes_however_a_list_is_built(way: str, entry: str) -> None:
    text = way.format(entry, entry, entry) + "\n"
    after = settled(text)
    assert "django_prometheus" not in after
    for on in (True, False):
        assert run(after, on)["LIST"] == without_it(run(text, on)["LIST"])


SUMS = ["LIST += {}", "LIST = {} + LIST", "LIST = LIST + {}", "LIST = ({} + LIST + {})", "LIST = {} if ON else LIST"]
WORDS = st.sampled_from(["a", "b.c", "django_prometheus", BEFORE, AFTER])
QUOTES = st.sampled_from(["'", '"'])


@st.composite
def literals(draw: st.DrawFn, brackets: str) -> str:
    """A list or a tuple, on one line or on several, with comments."""
    each = [f"{quote}{word}{quote}" for word, quote in draw(st.lists(st.tuples(WORDS, QUOTES), max_size=4))]
    if not each:
        return brackets
    last = "," if len(each) == 1 and brackets == "()" else draw(st.sampled_from(["", ","]))
    if draw(st.booleans()):
        inside = ", ".join(each) + last
        return f"{brackets[0]}{inside}{brackets[1]}"
    comment = draw(st.sampled_from(["", "  # é, why", "  # why"]))
    rows = [f"    {word},{comment}\n" for word in each[:-1]] + [f"    {each[-1]}{last}{comment}\n"]
    return f"{brackets[0]}\n{''.join(rows)}{brackets[1]}"


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Statements that build one list, some of them under a condition."""
    brackets = draw(st.sampled_from(["[]", "()"]))
    literal = literals(brackets)
    lines = [f"LIST = {draw(literal)}\n"]
    for _ in range(draw(st.integers(0, 4))):
        way = draw(st.sampled_from(SUMS))
        statement = way.format(*(draw(literal) for _ in range(way.count("{}"))))
        if draw(st.booleans()):
            statement = "if ON:\n" + "\n".join(f"    {line}" for line in statement.split("\n"))
        lines.append(statement + draw(st.sampled_from(["\n", "\n\n", "  # é\n"])))
    return "".join(lines)


@settings(max_examples=scaled(40, 100, 1000))
@given(modules())
def test_any_way_to_build_a_list_goes_on_without_it(text: str) -> None:
    after = settled(text)
    for on in (True, False):
        assert run(after, on)["LIST"] == without_it(run(text, on)["LIST"])
    assert "django_prometheus" not in after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('if env("ON"):\n    X += ["django_prometheus"]\nY = 1\n', "Y = 1\n"),
        ('if begin():\n    X += ["django_prometheus"]\n', "if begin():\n    pass\n"),
        (
            'try:\n    X += ["django_prometheus"]\nexcept NameError:\n    Y = 1\n',
            "try:\n    pass\nexcept NameError:\n    Y = 1\n",
        ),
        (
            'X = [\n    # third party\n    "a",\n    "django_prometheus",  # metrics\n    "b",\n]\n',
            'X = [\n    # third party\n    "a",\n    "b",\n]\n',
        ),
        ('X = ["a", "django_prometheus", "b"]  # kept\n', 'X = ["a", "b"]  # kept\n'),
        (
            '@modify_settings(X={"remove": ["django_prometheus"]})\ndef f(): ...\n',
            '@modify_settings(X={"remove": []})\ndef f(): ...\n',
        ),
        ('L = {"loggers": {"django_prometheus": {"level": "INFO"}, "a": {}}}\n', 'L = {"loggers": {"a": {}}}\n'),
        ('HAS = find_spec("django_prometheus") is not None\nif HAS:\n    X.append("django_prometheus")\n', ""),
    ],
)
def test_what_stands_around_stays_as_it_is(before: str, after: str) -> None:
    assert settled(before) == after


@pytest.mark.parametrize(
    "text",
    [
        'ROWS = [("django_prometheus", True), ("a", False)]\n',
        'X = ["django_prometheus"]\nif "django_prometheus" in X:\n    begin()\n',
        'X = ["django_prometheus"]\nY = X.index("django_prometheus")\n',
        'NAME = "django_prometheus"\nX = [NAME]\n',
        'a = 1; X.append("django_prometheus")\n',
    ],
)
def test_what_is_not_sure_is_left_with_a_doubt(text: str) -> None:
    assert settled(text) == text
    found = traces_of({"shop/settings.py": text}, Kind.INSTALLED_APP)
    assert {each.line for each in found} == {
        number for number, line in enumerate(text.splitlines(), 1) if "django_prometheus" in line
    }
    assert all(each.doubt and not each.edits for each in found)


def test_a_test_that_asks_for_an_entry_keeps_it() -> None:
    texts = {
        "shop/settings.py": 'INSTALLED_APPS = ["django_prometheus"]\nMIDDLEWARE = ["' + BEFORE + '"]\n',
        "shop/tests.py": 'def test_app(settings):\n    assert "django_prometheus" in settings.INSTALLED_APPS\n',
    }
    after = left_of(texts, *STAGES)
    assert run(after["shop/settings.py"]) == {"INSTALLED_APPS": ["django_prometheus"], "MIDDLEWARE": [], "ON": True}
    assert "shop/tests.py:2" in doubts_of(texts, Kind.INSTALLED_APP)[0]


def test_a_condition_in_one_file_goes_with_what_it_decides() -> None:
    texts = {
        "shop/settings.py": 'INSTALLED_APPS = ["django_prometheus", "a"]\n',
        "shop/urls.py": """
            from django.conf import settings
            from django.urls import include, path

            urlpatterns = []
            if "django_prometheus" in settings.INSTALLED_APPS:
                urlpatterns += [path("", include("django_prometheus.urls"))]
        """,
    }
    assert not doubts_of(texts)
    after = left_of(texts)
    assert after["shop/urls.py"].endswith("urlpatterns = []\n")
    assert run(after["shop/settings.py"])["INSTALLED_APPS"] == ["a", "logemit"]


@pytest.mark.usefixtures("django_prometheus")
@pytest.mark.parametrize(("wrapper", "wrapped"), WRAPPED.items())
def test_each_wrapper_has_the_base_of_what_it_wraps(wrapper: str, wrapped: str) -> None:
    """As the class of django-prometheus itself says, by its own bases."""
    spec = find_spec("django_prometheus")
    folder = Path(str(spec and spec.origin)).parent
    parts = wrapper.split(".")[1:]
    is_engine = parts[0] == "db"
    path = folder.joinpath(*parts, "base.py") if is_engine else folder.joinpath(*parts[:-1]).with_suffix(".py")
    tree = ast.parse(path.read_text())
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    name = "DatabaseWrapper" if is_engine else parts[-1]
    found = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    base, _, rest = ast.unparse(found.bases[-1]).partition(".")
    dotted = f"{imported[base]}.{rest}" if rest else imported[base]
    assert dotted == (f"{wrapped}.base.DatabaseWrapper" if is_engine else wrapped)


@pytest.mark.parametrize(
    "text",
    [
        'DATABASES = {{"default": {{"ENGINE": {}}}}}',
        'DATABASES["default"]["ENGINE"] = {}',
        "DATABASES = dj_database_url.config(engine={}, conn_max_age=6)",
        'DATABASES = {{"default": env.db_url("URL", engine={})}}',
        'ENGINE = os.environ.get("ENGINE", {})',
        "dj_database_url.register({}, 'postgres')",
        "def databases(engine={}): ...",
        "if ENGINE == {}: ...",
        "CACHES = {{'default': {{'BACKEND': {}, 'LOCATION': 'é'}}}}",
    ],
)
@pytest.mark.parametrize("quote", ["'", '"', "'''"])
def test_a_wrapper_is_replaced_wherever_its_name_stands(text: str, quote: str) -> None:
    for wrapper, wrapped in WRAPPED.items():
        named = text.format(f"{quote}{wrapper}{quote}") + "  # kept\n"
        assert settled(named) == text.format(f"{quote}{wrapped}{quote}") + "  # kept\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('E = E.replace("django.db.backends", "django_prometheus.db.backends")\nX = 1\n', "X = 1\n"),
        ('E = URL["ENGINE"].replace("django.db", "django_prometheus.db")\n', 'E = URL["ENGINE"]\n'),
    ],
)
def test_an_engine_is_not_rewritten_any_more(text: str, after: str) -> None:
    assert settled(text) == after


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('E = "django_prometheus.db.backends." + os.environ["DB"]\n', Kind.DATABASE),
        ('E = f"django_prometheus.db.backends.{DB}"\n', Kind.DATABASE),
        ('E = "django_prometheus.db.backends.oracle"\n', Kind.DATABASE),
        ('C = "django_prometheus.cache.backends.memcached.MemcachedCache"\n', Kind.CACHE),
        ("from django_prometheus.db.backends.mysql import base\nclass W(base.DatabaseWrapper): ...\n", Kind.DATABASE),
        ("import django_prometheus.cache.backends.redis as r\nclass C(r.RedisCache): ...\n", Kind.CACHE),
        ("from django_prometheus.middleware import Metrics as M\nclass Own(M): ...\n", Kind.MIDDLEWARE),
        (
            "from django_prometheus.testutils import PrometheusTestCaseMixin\nclass T(PrometheusTestCaseMixin): ...\n",
            Kind.TEST,
        ),
    ],
)
def test_an_engine_or_a_class_of_ones_own_is_left(text: str, kind: Kind) -> None:
    assert settled(text) == text
    assert len(doubts_of({"shop/settings.py": text}, kind)) == 1


def test_a_question_for_a_prefix_keeps_the_engines() -> None:
    texts = {
        "shop/settings.py": 'ENGINE = "django_prometheus.db.backends.mysql"\n',
        "shop/tests.py": 'def test(): assert "django_prometheus.db.backends" in settings.ENGINE\n',
    }
    assert left_of(texts, Stage.MODELS) == texts
    assert any("shop/tests.py:1" in doubt for doubt in doubts_of(texts, Kind.DATABASE))


def test_middleware_of_ones_own_is_a_trace_where_it_is_listed_too() -> None:
    texts = {
        "shop/middleware.py": """
            from django_prometheus.middleware import PrometheusAfterMiddleware

            class Labelled(PrometheusAfterMiddleware): ...
        """,
        "shop/settings.py": f'MIDDLEWARE = ["{BEFORE}", "shop.middleware.Labelled", "shop.other.Labelled"]\n',
    }
    found = traces_of(texts, Kind.MIDDLEWARE)
    assert [(each.file, each.subject, bool(each.doubt)) for each in found] == [
        ("shop/middleware.py", "Labelled", True),
        ("shop/settings.py", BEFORE, False),
        ("shop/settings.py", "shop.middleware.Labelled", True),
    ]
    after = run(left_of(texts, Stage.MIDDLEWARE)["shop/settings.py"])
    assert after["MIDDLEWARE"] == ["shop.middleware.Labelled", "shop.other.Labelled"]


def test_settings_go_once_nothing_reads_them() -> None:
    texts = {
        "shop/settings.py": """
            PROMETHEUS_EXPORT_MIGRATIONS = env.bool("PROMETHEUS_EXPORT_MIGRATIONS")
            PROMETHEUS_LATENCY_BUCKETS: tuple = (
                0.1,  # quick
                5,
            )
            PROMETHEUS_ENABLED = env.bool("PROMETHEUS_ENABLED")
            PROMETHEUS_READ = 1
            PROMETHEUS_URL = "http://prometheus:9090"
            if PROMETHEUS_ENABLED:
                INSTALLED_APPS += ["django_prometheus"]
            DEBUG = True
        """,
        "shop/views.py": "def view(request):\n    return settings.PROMETHEUS_READ\n",
        "shop/metrics.py": "PROMETHEUS_ORDERS = other(1)\n",
    }
    after = left_of(texts, Stage.SETTINGS)
    assert after["shop/settings.py"] == 'PROMETHEUS_READ = 1\nPROMETHEUS_URL = "http://prometheus:9090"\nDEBUG = True\n'
    assert after["shop/metrics.py"] == texts["shop/metrics.py"]
    assert any("shop/views.py:2" in doubt for doubt in doubts_of(texts, Kind.SETTING))
    buckets = next(each for each in traces_of(texts, Kind.SETTING) if each.subject == "PROMETHEUS_LATENCY_BUCKETS")
    assert "0.1, # quick 5," in buckets.advice


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('os.environ["PROMETHEUS_MULTIPROC_DIR"] = "/tmp/m"\nX = 1\n', "X = 1\n"),
        ('os.environ.setdefault("prometheus_multiproc_dir", "/tmp/m")\nX = 1\n', "X = 1\n"),
        ('environ["PROMETHEUS_MULTIPROC_DIR"] = D = 1\n', None),
        (
            """
            if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = "m"
            X = 1
            """,
            "X = 1\n",
        ),
        (
            """
            PROMETHEUS_MULTIPROC_DIR = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "m")
            os.makedirs(PROMETHEUS_MULTIPROC_DIR, exist_ok=True)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = PROMETHEUS_MULTIPROC_DIR
            X = 1
            """,
            "X = 1\n",
        ),
        ('raw_env = ["A=1", "PROMETHEUS_MULTIPROC_DIR=/tmp"]\n', 'raw_env = ["A=1"]\n'),
        ('os.environ["PROMETHEUS_MULTIPROC_DIR"] = "m"\nX = listdir(os.environ["PROMETHEUS_MULTIPROC_DIR"])\n', None),
        ('raw_env = ["PROMETHEUS_MULTIPROC_DIR=m"]\nX = listdir(os.environ["PROMETHEUS_MULTIPROC_DIR"])\n', None),
        ('raw_env = ["PROMETHEUS_MULTIPROC_DIR=m"]\nmultiprocess.MultiProcessCollector(registry)\n', None),
    ],
)
def test_the_shared_directory_goes_unless_it_is_read(text: str, after: str | None) -> None:
    assert settled(text) == (text if after is None else after)


@pytest.mark.parametrize(
    "text",
    [
        "from collections import Counter\nPROMETHEUS = Counter()\n",
        'X = ["prometheus", "my_django_prometheus", "django-other"]\n',
        '"""Words of django_prometheus in a docstring."""\n',
        'URL = "http://prometheus:9090/metrics"\n',
    ],
)
def test_what_only_looks_alike_is_no_setting(text: str) -> None:
    assert settled(text, *Stage) == text
    assert not traces_of({"shop/settings.py": text}, *(set(Kind) - {Kind.MENTION}))


@pytest.mark.parametrize(
    "text",
    [
        "X = " + "[" * 400 + '"django_prometheus"' + "]" * 400,
        'X = ["a"]' + ' + ["a"]' * 600 + ' + ["django_prometheus"]',
        'print "django_prometheus"\n',
        'X = ["django_prometheus", "\udce9"]\n',
        '\x0cX = ["django_prometheus"]\n',
        'match x:\n    case ["django_prometheus"]: ...\n',
        'X = {**a, "django_prometheus": lambda: 1}\n',
        'urlpatterns = [path(include, b), url(), path(*x), path("a", *y), path(**z), include()]\n',
        "PROMETHEUS_A, x = 1, 2\nfor PROMETHEUS_B in y: ...\ndel PROMETHEUS_D\n",
        'urlpatterns = [path("//[", include("django_prometheus.urls")(3)), path("", include("."))]\n',
    ],
)
def test_what_nobody_would_write_is_left_and_stops_nothing(text: str) -> None:
    assert settled(text, *Stage) == text


def test_names_in_circles_come_to_an_end() -> None:
    texts = {
        "a/__init__.py": "from .b import metrics\nfrom .b import *\n",
        "a/b.py": "from a import metrics\nfrom . import *\nfrom .c import *\nfrom ..... import x\n",
        "a/c.py": "from .b import *\nfrom prometheus_client import generate_latest\n",
        "a/urls.py": "from a import metrics\nfrom a.b import *\nurlpatterns = [path('m', metrics), path('x', other)]\n",
        "a/models.py": MIXIN + "class A(E('a'), B): ...\nclass B(A, B): ...\n",
    }
    assert [each.line for each in traces_of(texts, Kind.MODEL_MIXIN)] == [2]
    assert left_of(texts, Stage.URLS) == texts


def test_two_mixins_of_one_class_go_together() -> None:
    text = MIXIN + "class A(E('a'), E('b'), M): ...\nclass B(E(), E('x')): ...\n"
    after = left_of({"a/models.py": text}, Stage.MODELS)["a/models.py"]
    assert after.splitlines()[-2:] == ["class A(M): ...", "class B: ..."]
