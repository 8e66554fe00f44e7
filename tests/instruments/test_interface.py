"""The classes take what prometheus_client's take, under the same names."""

import inspect
from typing import Any

import prometheus_client
import pytest

import logemit
from tests.conftest import Events

CLASSES = ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
NOT_HERE = {"collect", "describe"}
"""What reads values back."""


def parameters(function: Any) -> list[tuple[str, Any]]:
    return [(name, parameter.kind) for name, parameter in inspect.signature(function).parameters.items()]


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_") and callable(getattr(cls, name))}


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_have_the_names_and_the_order_of_prometheus_client(name: str) -> None:
    ours, theirs = getattr(logemit, name), getattr(prometheus_client, name)
    assert parameters(ours) == parameters(theirs)
    assert public(ours) == public(theirs) - NOT_HERE
    for method in public(ours):
        assert parameters(getattr(ours, method)) == parameters(getattr(theirs, method)), method


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_are_those_of_prometheus_client(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (logemit, prometheus_client))
    assert {key: p.default for key, p in ours.items() if key != "registry"} == {
        key: p.default for key, p in theirs.items() if key != "registry"
    }


def test_of_two_with_one_name_the_first_says_which_buckets(events: Events) -> None:
    first = logemit.Histogram("h", "First.", buckets=[1, 2])
    second = logemit.Histogram("h", "Second.", buckets=[5])
    first.observe(1)
    second.observe(4)
    logemit.flush()
    (told,) = events("instrument")
    assert (told["help"], told["buckets"]) == ("First.", "1.0,2.0")
    assert [line["count"] for line in events("measurement")] == [2]


def test_two_gauges_with_one_name_are_one_value(events: Events) -> None:
    logemit.Gauge("g", "help").inc(2)
    logemit.Gauge("g", "help").inc(3)
    logemit.flush()
    assert [line["value"] for line in events("measurement")] == [5]


def test_a_subclass_keeps_its_own_through_labels() -> None:
    class Doubled(logemit.Counter):
        def inc(self, amount: float = 1, exemplar: Any = None) -> None:
            super().inc(2 * amount, exemplar)

    assert type(Doubled("c", "help", ["l"]).labels("a")) is Doubled
