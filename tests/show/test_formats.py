"""Numbers as people read them."""

from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.panels import Unit, formats


@pytest.mark.parametrize(
    ("values", "unit", "suffix", "texts"),
    [
        ([0.0123, 1.5, nan], "seconds", "ms", ["12.3", "1,500.0", "-"]),
        ([0.0123, 15, 3600], "seconds", "s", ["<0.1", "15.0", "3,600.0"]),
        ([0.0000031, 0.00022], "seconds", "ms", ["0.003", "0.220"]),
        ([0, 0.0], "seconds", "ms", ["0.0", "0.0"]),
        ([0.5, 1, 0, 0.99999, 0.00001, nan], "share", "%", ["50.0", "100.0", "0.0", ">99.9", "<0.1", "-"]),
        ([1234567, 0], "count", "", ["1,234,567", "0"]),
        ([2.5, 0.001], "rate", "/s", ["2.50", "<0.01"]),
        ([0.5], "rate", "/min", ["30.0"]),
        ([0.001], "rate", "/h", ["3.60"]),
        ([0.00001], "rate", "/d", ["0.864"]),
        ([512, 100], "bytes", "B", ["512", "100"]),
        ([20_000, 1], "bytes", "kB", ["20.0", "<0.1"]),
        ([3_500_000], "bytes", "MB", ["3.50"]),
        ([12_000_000_000.0], "bytes", "GB", ["12.0"]),
        ([-1.5, -0.00001, 3], "number", "", ["-1.50", ">-0.01", "3.00"]),
        ([3.0, 120.0], "number", "", ["3", "120"]),
        ([inf, 1.0], "number", "", ["inf", "1"]),
        (["a", ""], "text", "", ["a", ""]),
        ([datetime(2026, 11, 20, 12, 5, tzinfo=UTC), pd.NaT], "time", "UTC", ["2026-11-20 12:05", "-"]),
        ([datetime(2026, 11, 20, 12, 5, 7, tzinfo=UTC)], "time", "UTC", ["2026-11-20 12:05:07"]),
        ([], "seconds", "ms", []),
    ],
)
def test_a_column_has_one_unit_and_as_many_decimals(
    values: list[Any], unit: Unit, suffix: str, texts: list[str]
) -> None:
    assert formats.column(values, unit) == (suffix, texts)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0345, "seconds", "34.5 ms"),
        (90, "seconds", "90.0 s"),
        (24_647, "seconds", "6.8 h"),
        (864_000, "seconds", "10.0 days"),
        (nan, "seconds", "-"),
        (0.021, "share", "2.1 %"),
        (0.5, "rate", "30.0/min"),
        (9079, "count", "9,079"),
    ],
)
def test_one_value_stands_with_its_unit(value: float, unit: Unit, text: str) -> None:
    assert formats.value(value, unit) == text


@given(st.lists(st.floats(0, 1e9, allow_subnormal=False), min_size=1), st.sampled_from(["seconds", "number", "rate"]))
def test_nothing_but_zero_looks_like_zero(values: list[float], unit: Unit) -> None:
    for value, text in zip(values, formats.column(values, unit)[1], strict=True):
        assert (not any(digit in text for digit in "123456789")) == (value == 0)
