"""Imports of django_prometheus and prometheus_client: in use or not, and how they go."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.leaving.traces import Kind, Stage
from tests.scale import scaled

from .texts import after, found_in, traces_of

USED = {
    "by name": "from django_prometheus.conf import NAMESPACE\nx = NAMESPACE\n",
    "by another name": "from django_prometheus.conf import NAMESPACE as N\nx = N\n",
    "dotted": "import django_prometheus.models\nx = django_prometheus.models.X\n",
    "in a function": "def f():\n    from django_prometheus.conf import NAMESPACE\n    return NAMESPACE\n",
    "in a class": "from django_prometheus.models import X\nclass A(X): ...\n",
    "in __all__": "from django_prometheus.conf import NAMESPACE\n__all__ = ['NAMESPACE']\n",
    "in an annotation in quotes": "from django_prometheus.conf import T\ndef f(x: 'list[T]'): ...\n",
    "by a decorator": "from django_prometheus.x import d\n@d\ndef f(): ...\n",
}
UNUSED = {
    "by name": "import os\nfrom django_prometheus.conf import NAMESPACE\nx = os\n",
    "shadowed": "from django_prometheus.conf import X\ndef f(X):\n    return X\n",
    "another's attribute": "from django_prometheus.conf import X\nimport os\nos.X = os.X(X=3)\n",
    "dotted": "import django_prometheus.models\nx = 3\n",
    "by another name": "import prometheus_client as p\nx = 'p'\n",
    "all that is in a function": "def f():\n    from django_prometheus.conf import NAMESPACE\n",
    "for types": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from prometheus_client import Counter\nx = 3\n"
    ),
    "two in a block": "if x:\n    import prometheus_client\n    import django_prometheus\n",
    "tried": "try:\n    import prometheus_client\nexcept ImportError:\n    prometheus_client = None\nx = 3\n",
    "after a semicolon": "import os; import prometheus_client\nos\n",
    "one of several lines": "from prometheus_client import (\n    Counter,  # one\n    Gauge,\n)\n",
}


@pytest.mark.parametrize("name", USED)
def test_what_is_used_stays(name: str) -> None:
    assert {trace.kind for trace in traces_of({"m.py": USED[name]}, Kind.IMPORT, Kind.UNUSED_IMPORT)} == {Kind.IMPORT}
    assert after({"m.py": USED[name]})["m.py"] == USED[name]


@pytest.mark.parametrize("name", UNUSED)
def test_what_is_unused_goes_in_any_stage(name: str) -> None:
    found = traces_of({"m.py": UNUSED[name]}, Kind.IMPORT, Kind.UNUSED_IMPORT)
    assert {trace.kind for trace in found} == {Kind.UNUSED_IMPORT}
    for stage in (Stage.MODELS, Stage.SETTINGS):
        changed = after({"m.py": UNUSED[name]}, stage)["m.py"]
        assert not modules(changed) & {"prometheus_client", "django_prometheus"}
        kept = [line for line in UNUSED[name].splitlines() if "prom" not in line and line.endswith(("3", "X)", "'p'"))]
        assert [line for line in kept if line not in changed] == []


def modules(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    return found


ELSEWHERE = {
    "by name": "from shop.prom import Info\nInfo\n",
    "relative": "from .prom import Info\nInfo\n",
    "over lines": "from shop.prom import (\n    X,\n    Info,\n)\n",
    "by the module": "from shop import prom\nprom.Info\n",
    "all": "from .prom import *\n",
    "in a text": "from unittest.mock import patch\npatch('shop.prom.Info')\n",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_another_module_takes_from_here_stays(name: str) -> None:
    texts = {"shop/prom.py": "from django_prometheus.x import Info\n", "shop/use.py": ELSEWHERE[name]}
    assert after(texts) == texts
    assert after({**texts, "shop/use.py": "from shop.other import Info\n"})["shop/prom.py"] == ""


KEPT = {
    "a star": "from prometheus_client import *\n",
    "on purpose": "import django_prometheus.models  # noqa: F401\n",
    "a flag": (
        "try:\n    import prometheus_client\n    HAS = True\nexcept ImportError:\n    HAS = False\nif HAS:\n    pass\n"
    ),
    "asked for": (
        "try:\n    import prometheus_client\nexcept ImportError:\n    prometheus_client = None\n"
        "if prometheus_client is None:\n    print('no metrics')\n"
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_may_be_meant_is_left_with_its_reason(name: str) -> None:
    doubts = [trace.doubt for trace in traces_of({"m.py": KEPT[name]}, Kind.IMPORT, Kind.UNUSED_IMPORT)]
    assert doubts
    assert all(doubts)
    assert after({"m.py": KEPT[name]})["m.py"] == KEPT[name]


def test_others_are_not_meant() -> None:
    text = "from .prometheus_client import Counter\nfrom shop.django_prometheus import X\nimport prometheus_clients\n"
    assert not found_in({"m.py": text}, Kind.IMPORT, Kind.UNUSED_IMPORT)
    assert after({"m.py": text})["m.py"] == text


def test_where_it_goes_first_the_stage_tells() -> None:
    text = "from prometheus_client import multiprocess\nmultiprocess.x\n"
    [trace] = traces_of({"m.py": text}, Kind.IMPORT)
    assert trace.stage is Stage.SETTINGS


PARTS = st.lists(
    st.sampled_from(["Counter", "Gauge as G", "REGISTRY", "Info as Counter2", "start_http_server"]),
    min_size=1,
    unique=True,
)
LAYOUTS = st.sampled_from(["{}", "({})", "(\n    {},\n)", "(  # why\n    {}  # all\n)", "\\\n    {}"])


@settings(max_examples=scaled(10, 30, 30))
@given(PARTS, st.data(), LAYOUTS, st.sampled_from([", ", ",", ",\n    ", ",  # one\n    "]))
def test_unused_names_go_however_they_are_written(
    names: list[str], data: st.DataObject, layout: str, comma: str
) -> None:
    if "\n" in comma and "(" not in layout:
        comma = ", "
    bound = [name.rpartition(" ")[2] for name in names]
    used = data.draw(st.sets(st.sampled_from(bound)))
    text = f"from prometheus_client import {layout.format(comma.join(names))}\n" + "".join(
        f"f({name})\n" for name in sorted(used)
    )
    ast.parse(text)
    changed = after({"m.py": text}, Stage.MODELS)["m.py"]
    left = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(changed))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert left == used


def test_parts_that_have_no_counterpart_are_explained() -> None:
    text = "from django_prometheus.conf import NAMESPACE\nfrom django_prometheus.models import X\nf(NAMESPACE, X)\n"
    found = traces_of({"m.py": text}, Kind.IMPORT)
    assert [(trace.line, bool(trace.doubt), bool(trace.waits)) for trace in found] == [
        (1, True, False),
        (2, False, True),
    ]
