"""The grid against one made another way: decimals for seconds, fractions for counts."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logemit import grid


def decimal_bounds() -> list[Decimal]:
    bounds = [Decimal(0)]
    for exponent in range(-6, 6):
        value = Decimal(1)
        while value < 10:
            bounds.append(value.scaleb(exponent))
            value += Decimal("0.025") if value < 2 else Decimal("0.05") if value < 5 else Decimal("0.1")
    return [*bounds, Decimal(10**6)]


def test_no_bound_is_an_ulp_off() -> None:
    assert list(grid.SECONDS) == [float(bound) for bound in decimal_bounds()]


def test_bounds_that_people_choose_are_bounds_exactly() -> None:
    chosen = [
        0.001,
        0.005,
        0.01,
        0.0125,
        0.025,
        0.05,
        0.075,
        0.1,
        0.25,
        0.5,
        0.75,
        1.0,
        2.5,
        5.0,
        7.5,
        10.0,
        75.0,
        300.0,
    ]
    assert set(chosen) <= set(grid.SECONDS)


def test_every_power_of_two_is_a_bound_of_counts() -> None:
    assert {float(2**k) for k in range(54)} | {0.0} <= set(grid.COUNTS)
    octave = [bound for bound in grid.COUNTS_INT if 1024 < bound <= 2048]
    assert octave == [int(1024 + Fraction(1024, 32) * step) for step in range(1, 33)]


def test_no_bin_of_seconds_is_wider_than_a_fortieth() -> None:
    bounds = decimal_bounds()[1:]
    assert max((high - low) / low for low, high in pairwise(bounds)) <= Decimal("0.025")


@given(st.integers(0, grid.MAX_MICROSECONDS + 10**7))
def test_a_duration_lies_at_or_below_its_bin_and_above_the_one_before(microseconds: int) -> None:
    bounds = [*decimal_bounds(), Decimal("Infinity")]
    index = bounds.index(Decimal(grid.seconds_le(microseconds)))
    seconds = Decimal(microseconds).scaleb(-6)
    assert seconds <= bounds[index]
    assert index == 0 or seconds > bounds[index - 1]


@pytest.mark.parametrize(
    ("microseconds", "le"), [(0, "0"), (10_000, "0.01"), (10_001, "0.01025"), (10**12 + 1, "+Inf")]
)
def test_le_is_inclusive(microseconds: int, le: str) -> None:
    assert grid.seconds_le(microseconds) == le


def test_bounds_end_with_infinity() -> None:
    assert grid.bounds("seconds")[-1] == grid.bounds("bytes")[-1] == inf


def test_values_lie_on_the_grid_of_seconds_and_its_mirror() -> None:
    seconds = decimal_bounds()
    signed = [-bound for bound in reversed(seconds) if bound] + seconds
    assert [Decimal(text) for text in grid.VALUES_TEXT] == signed
    assert list(grid.bounds("value")) == [*map(float, signed), inf]


@given(st.integers(-(10**16), 10**16))
def test_a_value_lies_at_or_below_its_bin_and_above_the_one_before(nano: int) -> None:
    seconds = decimal_bounds()
    bounds = [Decimal("-Infinity"), *(-bound for bound in reversed(seconds) if bound), *seconds, Decimal("Infinity")]
    le = Decimal(grid.value_le(nano))
    below = bounds[bounds.index(le) - 1]
    assert below < Decimal(nano).scaleb(-9) <= le


@pytest.mark.parametrize(
    ("nano", "le"),
    [
        (0, "0"),
        (1, "0.000001"),
        (-1, "0"),
        (-5_000_000, "-0.005"),
        (-5_000_001, "-0.005"),
        (-4_950_001, "-0.00495"),
        (10**15 + 1, "+Inf"),
        (-(10**18), "-1000000"),
    ],
)
def test_le_of_a_value_is_inclusive(nano: int, le: str) -> None:
    assert grid.value_le(nano) == le
