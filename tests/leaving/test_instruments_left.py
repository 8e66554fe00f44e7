"""Instruments of prometheus_client that are left: each with its reason and place, and the others replaced."""

from collections.abc import Mapping

import pytest

from cli.leaving.audit import audit
from cli.leaving.traces import Kind, Stage

from .texts import after, found_in, lines_with, project_of, traces_of

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


@pytest.mark.parametrize("nested", ["(", "[", "-", "not ", "1 + ", "f(", "lambda: "])
def test_what_nests_too_deep_ends_nothing(nested: str) -> None:
    texts = {"a.py": f"import prometheus_client\nx = {nested * 20_000}1\n", "m.py": BASE + WAIT}
    assert found_in(texts, Kind.INSTRUMENT) == {("m.py", 2), ("m.py", 3)}


@pytest.mark.parametrize(("start", "each", "end"), [("", "1 + ", "1"), ("", "1 + \\\n", "1"), ("(", "1 +\n", "1)")])
def test_what_nests_where_python_reads_nothing_ends_nothing(start: str, each: str, end: str) -> None:
    """In a file of a later Python, which LibCST may read, or of none."""
    nested = f"x = {start}{each * 20_000}{end}"
    for first in ("type X = int", "import $$"):
        texts = {"a.py": f"import prometheus_client\n{first}\n{nested}\n", "m.py": BASE + WAIT}
        assert found_in(texts, Kind.INSTRUMENT) == {("m.py", 2), ("m.py", 3)}
