"""Instruments of prometheus_client: each is found, and comes from logemit where nothing forbids it."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.leaving.audit import audit
from cli.leaving.traces import Kind, Stage
from tests.scale import scaled

from .texts import after, found_in, project_of, traces_of

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


@settings(max_examples=scaled(10, 30, 30))
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
