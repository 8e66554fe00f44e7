"""Instruments of prometheus_client: each is found, and comes from logemit where nothing forbids it."""

import ast
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.leaving.audit import audit
from cli.leaving.traces import Kind, Stage

from .texts import after, found_in, lines_with, project_of, traces_of

STYLES = {
    "by name": 'from prometheus_client import Counter\nORDERS = Counter("orders_total", "Orders.")\n',
    "by another name": (
        'from prometheus_client import Counter as Zaehler\nORDERS = Zaehler("orders_total", "Orders.")\n'
    ),
    "by the library": 'import prometheus_client\nORDERS = prometheus_client.Counter("orders_total", "Orders.")\n',
    "by the library's other name": 'import prometheus_client as p\nORDERS = p.Counter("orders_total", "Orders.")\n',
    "of a module of it": 'from prometheus_client.metrics import Counter\nORDERS = Counter("orders_total", "Orders.")\n',
    "by a module of it": 'from prometheus_client import metrics\nORDERS = metrics.Counter("orders_total", "Orders.")\n',
    "of core": 'from prometheus_client.core import Counter\nORDERS = Counter("orders_total", "Orders.")\n',
    "in a class": "from prometheus_client import Counter\nclass Shop:\n    ORDERS = Counter('orders', 'Orders.')\n",
    "in a method": (
        "from prometheus_client import Counter\n"
        "class Shop:\n    def __init__(self):\n        self.orders = Counter('orders', 'Orders.')\n"
    ),
    "in a dict": "from prometheus_client import Counter\nM = {'orders': Counter('orders', 'Orders.')}\n",
    "in a list": "from prometheus_client import Counter\nM = [Counter('orders', 'Orders.')]\n",
    "in a comprehension": "from prometheus_client import Counter\nM = {n: Counter(n, 'x') for n in ('orders',)}\n",
    "in a function": "def make():\n    from prometheus_client import Counter\n    return Counter('orders', 'x')\n",
    "by keywords": "from prometheus_client import Counter\nM = Counter(documentation='x', name='orders')\n",
    "by a class in a dict": (
        "from prometheus_client import Counter, Gauge\n"
        "KINDS = {'c': Counter, 'g': Gauge}\nM = KINDS['c']('orders', 'x')\n"
    ),
    "by a class as an argument": (
        "from prometheus_client import Counter\n"
        "def make(kind, name):\n    return kind(name, 'x')\nM = make(Counter, 'orders')\n"
    ),
    "over lines": (
        "from prometheus_client import (  # all\n    Counter,  # one\n)\nM = Counter(\n    'orders',\n    'x',\n)\n"
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_an_instrument_comes_from_logemit(style: str) -> None:
    texts = {"shop/metrics.py": STYLES[style]}
    found = traces_of(texts, Kind.INSTRUMENT)
    assert found
    assert {trace.stage for trace in found} == {Stage.CODE}
    assert not [trace.doubt for trace in found if trace.doubt]
    changed = after(texts, Stage.CODE)["shop/metrics.py"]
    assert "prometheus" not in changed
    assert imported(changed) == {"logemit"}
    assert not audit(project_of({"shop/metrics.py": changed})).traces


def imported(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("style", [style for style in STYLES if style != "by a class in a dict"])
def test_its_name_is_told_as_it_is_exposed(style: str) -> None:
    declared = audit(project_of({"shop/metrics.py": STYLES[style]})).instruments
    assert [(each.name, each.type) for each in declared] == [("orders", "Counter")]


def test_what_is_beside_stays_to_the_byte() -> None:
    text = (
        "# Metrics.\r\nimport os\r\n\r\nfrom prometheus_client import Counter, Gauge  # both\r\n\r\n"
        "ORDERS = Counter( 'orders','x' )   # odd\r\nWAIT=Gauge('wait', 'é')\r\n"
    )
    changed = after({"m.py": text}, Stage.CODE)["m.py"]
    assert changed == text.replace("prometheus_client", "logemit")


def test_only_what_can_moves() -> None:
    text = """
    from prometheus_client import (
        Counter,  # what is counted
        Gauge,
        start_http_server,  # for workers
    )
    ORDERS = Counter("orders", "x")
    WAIT = Gauge("wait", "x")
    start_http_server(9000)
    """
    changed = after({"m.py": text}, Stage.CODE)["m.py"]
    assert "from logemit import Counter, Gauge\n" in changed
    assert "start_http_server,  # for workers" in changed
    names = {
        alias.name: node.module
        for node in ast.walk(ast.parse(changed))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names == {"Counter": "logemit", "Gauge": "logemit", "start_http_server": "prometheus_client"}


NAMES = st.lists(st.sampled_from(["Counter", "Gauge", "Histogram", "Summary"]), min_size=1, unique=True)
STAYING = st.lists(st.sampled_from(["start_http_server", "push_to_gateway"]), unique=True)
LAYOUTS = st.sampled_from(["{}", "({})", "(\n    {},\n)", "(  # why\n    {}\n)", "\\\n    {}"])


@settings(max_examples=30)
@given(
    NAMES, STAYING, LAYOUTS, st.sampled_from([", ", ",", " ,  "]), st.sampled_from(["", "if True:\n    "]), st.data()
)
def test_imports_are_split_however_they_are_written(
    names: list[str], staying: list[str], layout: str, comma: str, indent: str, data: st.DataObject
) -> None:
    listed = data.draw(st.permutations([*names, *staying]))
    uses = [f'X_{name} = {name}("a_{name}", "x")' for name in names] + [f"{name}(1)" for name in staying]
    text = "\n".join([f"{indent}from prometheus_client import {layout.format(comma.join(listed))}", *uses, ""])
    ast.parse(text)
    changed = after({"m.py": text}, Stage.CODE)["m.py"]
    where = {
        alias.name: node.module
        for node in ast.walk(ast.parse(changed))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert where == {**dict.fromkeys(names, "logemit"), **dict.fromkeys(staying, "prometheus_client")}
    assert changed.splitlines()[-len(uses) :] == uses


# What is told of it.


def test_names_types_labels_and_modes() -> None:
    text = """
    from prometheus_client import Counter, Enum, Gauge, Histogram, Info, Summary
    SPACE = "shop"
    A = Counter("orders_total", "x", ["outcome", "kind"], namespace=SPACE)
    B = Gauge("wait", "x", ("queue",), SPACE, "jobs", multiprocess_mode="livesum")
    C = Histogram("pay", "x", labelnames=(), unit="seconds")
    D = Summary(f"{SPACE}_size", "x", labelnames=LABELS)
    E = Info("build", "x")
    F = Enum("state", "x", states=["a", "b"])
    G = Counter(SPACE + "_" + "clicks", "x")
    """
    declared = audit(project_of({"m.py": text})).instruments
    assert [(each.name, each.type, each.labels, each.line, each.multiprocess_mode) for each in declared] == [
        ("shop_orders", "Counter", ("outcome", "kind"), 3, ""),
        ("shop_jobs_wait", "Gauge", ("queue",), 4, "livesum"),
        ("pay_seconds", "Histogram", (), 5, ""),
        ("shop_size", "Summary", None, 6, ""),
        ("build", "Info", (), 7, ""),
        ("state", "Enum", (), 8, ""),
        ("shop_clicks", "Counter", (), 9, ""),
    ]


def test_a_helper_that_makes_instruments_tells_all_of_them() -> None:
    text = """
    from prometheus_client import Counter
    def counter(name, **options):
        return Counter(f"shop_{name}", "x", **options)
    A = counter("orders")
    B = counter("clicks_total", labelnames=["page"])
    """
    assert [each.name for each in audit(project_of({"m.py": text})).instruments] == ["shop_clicks", "shop_orders"]
    assert "from logemit import Counter" in after({"m.py": text}, Stage.CODE)["m.py"]


# What is no instrument.

LOOKALIKES = """\
from collections import Counter
from enum import Enum
from dataclasses import dataclass
from statsd import Gauge
from opentelemetry.metrics import Histogram

class Summary:
    def inc(self): ...

class Color(Enum):
    RED = 1

WORDS = Counter("abc", x=1)
DISK = Gauge("disk")
TIMES = Histogram("a", "b")
TOTAL = Summary()
TOTAL.inc()
WORDS.clear()
DISK.set(4)
"""


def test_others_of_the_same_names_are_left_alone() -> None:
    texts = {
        "a.py": LOOKALIKES,
        "b.py": f"from prometheus_client import Info\nBUILD = Info('b', 'x')\n{LOOKALIKES}",
        "c.py": "def f():\n    from prometheus_client import Counter\n    return Counter('c', 'x')\n" + LOOKALIKES,
    }
    assert found_in(texts, Kind.INSTRUMENT, Kind.CALL, Kind.HELPER) == {("b.py", 2), ("c.py", 3), ("c.py", 1)}
    changed = after(texts)
    assert changed["a.py"] == LOOKALIKES
    assert changed["b.py"] == f"from logemit import Info\nBUILD = Info('b', 'x')\n{LOOKALIKES}"
    assert changed["c.py"].endswith(LOOKALIKES)
    assert "prometheus" not in changed["c.py"]


# What forbids it.

BASE = "from prometheus_client import Counter, Gauge, REGISTRY\nORDERS = Counter('shop_orders', 'x')\n"
WAIT = "WAIT = Gauge('shop_wait', 'x')\n"
FORBIDDING: Mapping[str, tuple[dict[str, str], str]] = {
    "its value is read": (
        {"tests/test_a.py": "from m import ORDERS\nassert ORDERS._value.get() == 1\n"},
        "tests/test_a.py:2",
    ),
    "its child's value is read": ({"a.py": "import m\nx = m.ORDERS.labels('a')._value.get()\n"}, "a.py:2"),
    "it is collected": ({"a.py": "from m import ORDERS\nx = list(ORDERS.collect())\n"}, "a.py:2"),
    "it is described": ({"a.py": "from m import ORDERS\nORDERS.describe()\n"}, "a.py:2"),
    "it is reset": ({"a.py": "from m import ORDERS\nORDERS.reset()\n"}, "a.py:2"),
    "a helper of tests reads it": (
        {
            "tests/tools.py": "def value(metric):\n    return metric._value.get()\n",
            "tests/test_a.py": "from m import ORDERS\nfrom tests.tools import value\nassert value(ORDERS) == 1\n",
        },
        "tests/tools.py:2",
    ),
    "it is read by name": (
        {
            "tests/test_a.py": "from prometheus_client import REGISTRY\n"
            "def test_a():\n    assert REGISTRY.get_sample_value('shop_orders_total') == 1\n"
        },
        "tests/test_a.py:3",
    ),
    "a helper reads it by name": (
        {
            "tests/test_a.py": "from prometheus_client import REGISTRY\n"
            "def value(name):\n    return REGISTRY.get_sample_value(name)\n"
            "def test_a():\n    assert value('shop_orders_total') == 1\n"
        },
        "tests/test_a.py:",
    ),
    "the text is compared": (
        {
            "tests/test_a.py": "from prometheus_client import generate_latest\n"
            "def test_a():\n    assert b'shop_orders_total 1.0' in generate_latest()\n"
        },
        "tests/test_a.py:3",
    ),
    "the endpoint's text is compared": (
        {"tests/test_a.py": "def test_a(client):\n    assert b'shop_orders_total' in client.get('/metrics').content\n"},
        "tests/test_a.py:2",
    ),
    "it is taken out of the registry": (
        {"a.py": "from m import ORDERS, REGISTRY\nREGISTRY.unregister(ORDERS)\n"},
        "a.py:2",
    ),
    "it is handed to a library": ({"a.py": "from m import ORDERS\nimport lib\nlib.watch(ORDERS)\n"}, "a.py:3"),
    "it is handed to a library in a list": (
        {"a.py": "from m import ORDERS\nimport lib\nlib.watch([ORDERS])\n"},
        "a.py:3",
    ),
    "a thread has it": ({"a.py": "from m import ORDERS\nt = Thread(target=f, args=(ORDERS,))\n"}, "a.py:2"),
    "a fixture has its value": (
        {"tests/test_a.py": "import m\ndef test_a(orders):\n    assert orders._value.get() == 1\n"},
        "tests/test_a.py:3",
    ),
    "all is collected": ({"a.py": "from m import REGISTRY\nx = list(REGISTRY.collect())\n"}, "a.py:2"),
    "all is pushed": (
        {
            "a.py": (
                "from prometheus_client import push_to_gateway, REGISTRY\n"
                "push_to_gateway('g', 'j', registry=REGISTRY)\n"
            )
        },
        "a.py:2",
    ),
    "its class is asked for": ({"a.py": "from m import Counter\nok = isinstance(3, Counter)\n"}, "a.py:2"),
    "a class is derived": ({"a.py": "from m import Counter\nclass Mine(Counter): ...\n"}, "a.py:2"),
    "its class is patched": (
        {
            "tests/test_a.py": (
                "from unittest.mock import patch\n@patch('prometheus_client.Counter.inc')\ndef test_a(i): ...\n"
            )
        },
        "tests/test_a.py:2",
    ),
}


@pytest.mark.parametrize("name", FORBIDDING)
def test_what_forbids_it_is_told_with_its_place(name: str) -> None:
    texts, place = FORBIDDING[name]
    project = {"m.py": BASE + WAIT, **texts}
    reasons = {trace.subject: trace.doubt or trace.waits for trace in traces_of(project, Kind.INSTRUMENT)}
    assert place in reasons["shop_orders"]
    changed = after(project, Stage.CODE)
    assert "logemit" not in changed["m.py"].splitlines()[1]
    assert "from prometheus_client import" in changed["m.py"]
    assert "ORDERS = Counter('shop_orders', 'x')" in changed["m.py"]


NAMED = [name for name in FORBIDDING if name.endswith(("by name", "compared", "is read", "is asked for"))]


@pytest.mark.parametrize("name", NAMED)
def test_one_that_nobody_reads_comes_from_logemit_all_the_same(name: str) -> None:
    texts, _ = FORBIDDING[name]
    changed = after({"m.py": BASE + WAIT, **texts}, Stage.CODE)["m.py"]
    assert "from logemit import Gauge\n" in changed


ARGUMENTS = {
    "Gauge('a_a', 'x', multiprocess_mode='sometimes')": "multiprocess_mode",
    "Gauge('a_a', 'x', multiprocess_mode=MODE)": "multiprocess_mode",
    "Counter('a_a', 'x', exemplars=True)": "exemplars",
    "Counter(*given)": "written out",
    "Counter('a_a', 'x', registry=None)": "registry",
    "Counter('a_a', 'x', registry=registry_of(1))": "registry",
    "Counter('jobs_total', 'x')": "jobs_total",
    "Counter('logemit_a', 'x')": "logemit_a",
    f"Counter('a_a', 'x', {['l' * 100 + str(n) for n in range(20)]!r})": "bytes",
}


@pytest.mark.parametrize("call", ARGUMENTS)
def test_what_logemit_does_not_do_is_left(call: str) -> None:
    text = f"from prometheus_client import Counter, Gauge\nfrom x import *\ndef f(given, MODE):\n    return {call}\n"
    [trace] = traces_of({"m.py": text}, Kind.INSTRUMENT)
    assert ARGUMENTS[call] in trace.doubt
    assert not trace.edits
    assert f"return {call}" in after({"m.py": text})["m.py"]


def test_names_of_one_import_stay_together() -> None:
    text = "from prometheus_client import Counter\nA = Counter('a_a', 'x')\nB = Counter('b_b', 'x')\nB._value.get()\n"
    doubts = {trace.subject: trace.doubt for trace in traces_of({"m.py": text}, Kind.INSTRUMENT)}
    assert "m.py:4" in doubts["b_b"]
    assert "b_b" in doubts["a_a"]
    assert after({"m.py": text})["m.py"] == text


def test_those_named_by_the_library_part() -> None:
    text = "import prometheus_client as p\nA = p.Counter('a_a', 'x')\nB = p.Counter('b_b', 'x')\nB._value.get()\n"
    assert after({"m.py": text})["m.py"] == "import logemit\n" + text.replace("A = p.", "A = logemit.")


def test_one_name_of_two_instruments_is_left() -> None:
    text = (
        "from prometheus_client import Counter, CollectorRegistry\nR = CollectorRegistry()\n"
        "A = Counter('a_a', 'x')\nB = Counter('a_a', 'x', registry=R)\n"
    )
    assert all("m.py" in trace.doubt for trace in traces_of({"m.py": text}, Kind.INSTRUMENT))


@pytest.mark.parametrize("extra", ["", "\n\ndef view(request):\n    return HttpResponse(generate_latest(R))\n"])
def test_a_registry_that_views_show_is_not_needed(extra: str) -> None:
    text = (
        "from prometheus_client import CollectorRegistry, Counter, generate_latest\n\n"
        f"R = CollectorRegistry()\nA = Counter('a_a', 'x', registry=R)\n{extra}"
    )
    changed = after({"m.py": text}, Stage.CODE)["m.py"]
    assert "A = Counter('a_a', 'x')\n" in changed
    assert "from logemit import Counter\n" in changed


@pytest.mark.parametrize("use", ["push_to_gateway('g', 'j', registry=R)", "R.register(X())", "x = list(R.collect())"])
def test_a_registry_that_somebody_else_needs_keeps_what_is_in_it(use: str) -> None:
    text = (
        "from prometheus_client import CollectorRegistry, Counter, push_to_gateway\n"
        f"R = CollectorRegistry()\nA = Counter('a_a', 'x', registry=R)\n{use}\n"
    )
    [trace] = traces_of({"m.py": text}, Kind.INSTRUMENT)
    assert "m.py:4" in trace.doubt
    assert "registry=R)" in after({"m.py": text})["m.py"]


def test_a_class_that_another_module_hands_on() -> None:
    texts = {
        "shop/prom.py": "from prometheus_client import Counter\n",
        "shop/metrics.py": "from .prom import Counter\nA = Counter('a_a', 'x')\n",
    }
    assert {trace.doubt for trace in traces_of(texts)} == {""}
    changed = after(texts)
    assert changed == {**texts, "shop/prom.py": "from logemit import Counter\n"}


def test_annotations_go_along() -> None:
    texts = {
        "shop/metrics.py": "from prometheus_client import Counter\nA: Counter = Counter('a_a', 'x')\n",
        "shop/use.py": (
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from prometheus_client import Counter\n\n\n"
            'def f(c: "Counter") -> None:\n    c.inc()\n'
        ),
    }
    assert after(texts) == {path: text.replace("prometheus_client", "logemit") for path, text in texts.items()}


def test_an_import_that_is_only_tried_is_left() -> None:
    text = (
        "try:\n    from prometheus_client import Counter\nexcept ImportError:\n    Counter = None\n\n"
        "if Counter:\n    A = Counter('a_a', 'x')\n"
    )
    assert {bool(trace.doubt) for trace in traces_of({"m.py": text})} == {True}
    assert after({"m.py": text})["m.py"] == text


def test_lines_of_a_test_that_reads_lines_forbid_nothing() -> None:
    texts = {
        "m.py": "from prometheus_client import Counter\nA = Counter('shop_orders', 'x')\n",
        "tests/test_a.py": (
            "from logemit.testing import assert_event, capture_events\n"
            "def test_a():\n    with capture_events() as events:\n        pass\n"
            "    assert_event(events, 'measurement', name='shop_orders')\n"
        ),
    }
    assert "logemit" in after(texts)["m.py"]


def test_patching_the_projects_own_name_forbids_nothing() -> None:
    texts = {
        "shop/metrics.py": "from prometheus_client import Counter\nORDERS = Counter('shop_orders', 'x')\n",
        "tests/test_a.py": (
            "from unittest import mock\nfrom shop import metrics\n"
            "@mock.patch('shop.metrics.ORDERS')\ndef test_a(orders): ...\n"
            "def test_b():\n    with mock.patch.object(metrics.ORDERS, 'inc') as inc:\n        inc()\n"
        ),
    }
    assert "logemit" in after(texts)["shop/metrics.py"]


@pytest.mark.parametrize("text", ["class (:\n", "from prometheus_client import\n", "x = " + "(" * 3000, "\x0c\ufeff="])
def test_what_is_no_python_is_no_defect(text: str) -> None:
    texts = {"a.py": f"# prometheus_client\n{text}", "m.py": BASE + WAIT}
    assert found_in(texts, Kind.INSTRUMENT) == {("m.py", 2), ("m.py", 3)}


def test_marks_of_lines() -> None:
    assert lines_with("a  # x\nb\nc  # x\n", "# x") == {1, 3}


def test_a_test_of_the_endpoint_is_waited_for() -> None:
    texts = {"m.py": BASE, **FORBIDDING["the endpoint's text is compared"][0]}
    [trace] = traces_of(texts, Kind.INSTRUMENT)
    assert (trace.edits, trace.doubt) == ((), "")
    assert "tests/test_a.py:2" in trace.waits
    assert [each.doubt for each in audit(project_of(texts)).instruments] == [""]
    assert "logemit" in after({"m.py": BASE, "tests/test_a.py": "def test_a(): ...\n"})["m.py"]


def test_what_moves_later_joins_what_moved_before() -> None:
    text = (
        "from logemit import (\n    Gauge,  # before\n)\nfrom prometheus_client import Counter, start_http_server\n"
        "A = Counter('a_a', 'x')\nstart_http_server(1)\nG = Gauge('g', 'x')\n"
    )
    changed = after({"m.py": text}, Stage.CODE)["m.py"]
    [ours] = [
        node for node in ast.walk(ast.parse(changed)) if isinstance(node, ast.ImportFrom) and node.module == "logemit"
    ]
    assert [alias.name for alias in ours.names] == ["Gauge", "Counter"]
    assert "# before" in changed


@pytest.mark.parametrize("nested", ["(", "[", "-", "not ", "1 + ", "f(", "lambda: "])
def test_what_nests_too_deep_ends_nothing(nested: str) -> None:
    texts = {"a.py": f"import prometheus_client\nx = {nested * 20_000}1\n", "m.py": BASE + WAIT}
    assert found_in(texts, Kind.INSTRUMENT) == {("m.py", 2), ("m.py", 3)}
