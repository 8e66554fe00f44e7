"""Every row of the table with prometheus_client and with logemit: the same samples, or the difference told here."""

from collections.abc import Callable
from typing import Any, NamedTuple

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry

import logemit
from tests.conftest import Events

from .adder import added
from .conftest import Samples
from .table import ROWS


class Outcome(NamedTuple):
    raised: str
    samples: Samples


class Difference(NamedTuple):
    reason: str
    raised: tuple[str, str] | None = None
    """What prometheus_client raises, and what logemit does."""
    samples: dict[str, tuple[float | None, float | None]] = {}  # noqa: RUF012  read only
    """What prometheus_client shows, and what lines of logemit add up to."""


KEPT = "totals never fall: what a child was told before it was removed stays told"
LAST = "nobody said it, and another process may have: only the declaration tells what an unused one begins with"
NO_NUMBER = "what is not finite is no measurement: it counts, and its value is missing"

pytestmark = pytest.mark.usefixtures("clock")

DIFFERENCES = {
    "a_counter_is_reset": Difference("a counter of many processes never falls", samples={"c_total": (1, 4)}),
    "a_counter_of_more_than_a_double_can_count": Difference(
        "beyond 2**53 a double cannot count on, and there is no measurement", samples={"c_total": (1e300, 0)}
    ),
    "a_counter_of_infinity": Difference(NO_NUMBER, samples={"c_total": (float("inf"), 0)}),
    "a_counter_of_exceptions_in_a_coroutine": Difference(
        "prometheus_client is done when the coroutine is made, before it ran", samples={"c_total": (0, 1)}
    ),
    "a_histogram_of_times_of_a_coroutine": Difference(
        "prometheus_client times how long the coroutine takes to be made",
        samples={'h_bucket{le="0.25"}': (1, 0), 'h_bucket{le="0.5"}': (1, 0), "h_sum": (0.25, 0.75)},
    ),
    "a_gauge_that_is_no_number": Difference(
        "the value is missing, and the last one stays", samples={"g": (float("nan"), 5)}
    ),
    "a_gauges_child_that_is_not_used": Difference(LAST, samples={'g{l="a"}': (0, None)}),
    "a_summary_of_text": Difference(
        "prometheus_client has counted it by the time that it cannot be added", samples={"s_count": (1, 0)}
    ),
    "a_summary_of_what_is_no_number": Difference(NO_NUMBER, samples={"s_sum": (float("nan"), 1)}),
    "a_histogram_of_what_is_no_number": Difference(
        "le=+Inf is the number of observations, also of those that are no number",
        samples={'h_bucket{le="+Inf"}': (1, 2), "h_count": (1, 2), "h_sum": (float("nan"), 0.5)},
    ),
    "a_histogram_of_infinity": Difference(NO_NUMBER, samples={"h_sum": (float("inf"), 0)}),
    "a_histogram_of_a_bound_that_is_missed_by_less_than_a_nano": Difference(
        "observations are quantised to 1e-9 before anything else", samples={'h_bucket{le="0.3"}': (0, 1)}
    ),
    "an_infos_child_that_is_not_used": Difference(LAST, samples={'build_info{part="web"}': (1, None)}),
    "an_info_that_repeats_a_label": Difference(LAST, samples={'build_info{part="web"}': (1, None)}),
    "an_enums_child_that_is_not_used": Difference(
        LAST, samples={'state{part="x",state="a"}': (1, None), 'state{part="x",state="b"}': (0, None)}
    ),
    "two_of_one_name": Difference(
        "a module that is imported again must not end an app: both are one",
        raised=("DuplicateTimeseries", ""),
        samples={"c_total": (1, 2)},
    ),
    "two_of_one_name_and_different_types": Difference("its name", raised=("DuplicateTimeseries", "ValueError")),
    "two_of_one_name_and_different_labels": Difference(
        "its name, and what raised is declared by then", raised=("DuplicateTimeseries", "ValueError")
    ),
    "two_that_would_show_the_same_name": Difference("its name", raised=("DuplicateTimeseries", "ValueError")),
    "a_child_that_is_made_directly": Difference(
        "prometheus_client shows children through their parents only", samples={'child_total{a="x"}': (None, 1)}
    ),
    "a_counters_child_is_removed": Difference(KEPT, samples={'c_total{l="a"}': (None, 1)}),
    "a_child_is_removed_and_made_again": Difference(KEPT, samples={'c_total{l="a"}': (3, 5)}),
    "a_gauges_child_that_adds_up_is_removed": Difference("it shows 0 from then on", samples={'g{l="a"}': (None, 0)}),
    "all_children_are_removed": Difference(
        "they show 0 from then on", samples={'g{l="a"}': (None, 0), 'g{l="b"}': (None, 0)}
    ),
    "children_are_removed_by_some_labels": Difference(
        KEPT, samples={'c_total{a="1",b="x"}': (None, 0), 'c_total{a="1",b="y"}': (None, 0)}
    ),
}


def outcome(row: Callable[..., None], instruments: Any, samples: Callable[[], Samples], **more: Any) -> Outcome:
    return Outcome(raised_by(lambda: row(instruments, more)), samples())


def raised_by(call: Callable[[], object]) -> str:
    """The name of the exception; a row's own assertions pass on."""
    try:
        call()
    except AssertionError:
        raise
    except Exception as exc:
        return type(exc).__name__
    return ""


def theirs(row: Callable[..., None]) -> Outcome:
    registry = CollectorRegistry()

    def samples() -> Samples:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    return outcome(row, prometheus_client, samples, registry=registry)


def ours(row: Callable[..., None], events: Events) -> Outcome:
    def samples() -> Samples:
        logemit.flush()
        return added(events())

    return outcome(row, logemit, samples, registry=CollectorRegistry())


def shown(key: tuple[str, frozenset[tuple[str, str]]]) -> str:
    name, labels = key
    pairs = ",".join(f'{label}="{value}"' for label, value in sorted(labels))
    return f"{name}{{{pairs}}}" if pairs else name


def differing(one: Samples, other: Samples) -> dict[str, str]:
    keys = one.keys() | other.keys()
    return {shown(key): str((one.get(key), other.get(key))) for key in keys if not same(one.get(key), other.get(key))}


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=1e-12, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ROWS)
def test_the_same_calls_make_the_same_samples(name: str, events: Events) -> None:
    known, found = theirs(ROWS[name]), ours(ROWS[name], events)
    declared = DIFFERENCES.get(name, Difference(""))
    assert (known.raised, found.raised) == (declared.raised or (known.raised, known.raised))
    expected = {key: str((a and float(a), b and float(b))) for key, (a, b) in declared.samples.items()}
    real = differing(known.samples, found.samples)
    assert numbers(real) == numbers(expected), declared.reason
    if declared.reason:
        assert known.raised != found.raised or real, "the difference does not occur any more"


def numbers(pairs: dict[str, str]) -> dict[str, list[str]]:
    return {key: [text.removesuffix(".0") for text in pair.strip("()").split(", ")] for key, pair in pairs.items()}


def test_every_declared_difference_is_of_a_row() -> None:
    assert DIFFERENCES.keys() <= ROWS.keys()


MESSAGES = {
    "a_counter_refuses_to_fall": "Counters can only be incremented by non-negative amounts.",
    "a_counter_with_labels_is_used_through_them": "counter metric is missing label values",
    "a_gauge_of_an_unknown_mode": "Invalid multiprocess mode: sometimes",
    "a_gauge_of_the_most_recent_value_does_not_move": "inc must not be used with the mostrecent mode",
    "a_histogram_of_buckets_out_of_order": "Buckets not in sorted order",
    "a_histogram_of_one_bucket": "Must have at least two buckets",
    "an_info_of_nothing": "Label value cannot be None",
    "an_enum_without_states": "No states provided for Enum metric: state",
    "a_unit_of_an_enum": "Metric name is of a type that cannot have a unit: e_seconds",
    "a_reserved_label": "Reserved label metric name: __reserved",
    "a_childs_child": "counter:c already has labels set ({'l': 'a'}); can not chain calls to .labels()",
    "a_child_of_none": "No label names were set when constructing counter:c",
    "too_few_values": "Incorrect label count",
    "values_under_other_names": "Incorrect label names",
    "values_both_ways": "Can't pass both *args and **kwargs",
    "children_are_removed_by_unknown_labels": "Unknown label names: ['b']; expected ('a',)",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_refusal_says_what_prometheus_client_says(name: str) -> None:
    for instruments in (prometheus_client, logemit):
        with pytest.raises((ValueError, RuntimeError)) as refused:
            ROWS[name](instruments, {"registry": CollectorRegistry()})
        assert str(refused.value) == MESSAGES[name]
