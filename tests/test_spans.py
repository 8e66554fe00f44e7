"""Spans of time as users write them."""

import pytest

from aggregator.errors import UsageError
from aggregator.history.arguments import wanted
from aggregator.spans import parse_seconds, parse_span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), (" 90s ", 90), ("1.5h", 5400), ("36hour", 129_600), ("2w", 1_209_600), ("366d", 31_622_400)],
)
def test_whole_seconds(text: str, seconds: int) -> None:
    assert parse_seconds(text, "--x") == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "250ms", "0.5s", "1y", "367d", "1s 1s", "٣s"])
def test_what_is_no_span_of_whole_seconds(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--x is .*; expected whole seconds"):
        parse_seconds(text, "--x")


def test_a_fraction_is_a_span_and_nothing_is_none() -> None:
    assert parse_span("250ms", "--x") == 0.25
    for text in ("0s", "0", ""):
        with pytest.raises(UsageError, match=r"^--x is"):
            parse_span(text, "--x")


@pytest.mark.parametrize(
    ("step", "split", "sealed", "expected"),
    [
        ("0s", "1d", "1h", "--step is '0s', expected from 1s to 1d"),
        ("2d", "1d", "1h", "--step is '2d', expected from 1s to 1d"),
        ("250ms", "1d", "1h", "--step is '250ms'; expected whole seconds"),
        ("1min", "7h", "1h", "--split is '7h', expected whole hours"),
        ("1min", "0s", "1h", "--split is '0s', expected whole hours"),
        ("1min", "none", "soon", "--sealed-after is 'soon'; expected whole seconds"),
    ],
)
def test_spans_of_the_past_that_cannot_be_meant(step: str, split: str, sealed: str, expected: str) -> None:
    with pytest.raises(UsageError, match=f"^{expected}"):
        wanted(None, None, (), step, split, sealed, ())


def test_the_past_may_be_sealed_at_once() -> None:
    assert wanted(None, None, (), "1min", "6h", "0s", ()).sealed_after == 0
