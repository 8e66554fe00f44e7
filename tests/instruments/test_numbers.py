"""Numbers and names against computations made another way."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from logemit.naming import bound_text, fitted, shortened
from logemit.quantised import LARGEST, exact, nanos, plain

finite = st.floats(-(2.0**53), 2.0**53) | st.floats(-1, 1) | st.integers(-LARGEST, LARGEST)


def by_text(value: float) -> int:
    with localcontext() as context:
        context.prec = 80
        return int((Decimal(str(value)) * 10**9).quantize(Decimal(1), ROUND_HALF_EVEN))


@given(finite)
def test_a_number_is_quantised_by_its_decimal_text(value: float) -> None:
    assert nanos(value) == by_text(value)


@pytest.mark.parametrize(
    ("value", "nano"),
    [
        (0.1, 100_000_000),
        (5e-10, 0),
        (1.5e-9, 2),
        (2.5e-9, 2),
        (-1.5e-9, -2),
        (0.1 + 0.2, 300_000_000),
        (1e8 + 0.1, 100_000_000_100_000_000),
        (True, 10**9),
        (5e-324, 0),
        (2**53, 2**53 * 10**9),
        (2**53 + 1, None),
        (-(2**53) - 2, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
    ],
)
def test_what_is_no_measurement_has_no_nanos(value: float, nano: int | None) -> None:
    assert nanos(value) == nano


@given(st.lists(st.integers(-LARGEST * 10**9, LARGEST * 10**9), min_size=1, max_size=20))
def test_what_is_written_reads_back_as_the_exact_sum(amounts: list[int]) -> None:
    numbers = exact(sum(amounts))
    assert sum(by_text(number) for number in numbers) == sum(amounts)
    assert sum(round(number * 10**9) if isinstance(number, int) else round(number * 1e9) for number in numbers) == sum(
        amounts
    ), "also where a reader multiplies doubles"
    assert all(not isinstance(number, int) or abs(number) < 2**63 for number in numbers)


def test_what_adds_to_a_float_is_taken_and_nothing_else() -> None:
    assert [plain(Fraction(1, 4)), plain(True), plain(3)] == [0.25, 1.0, 3]  # type: ignore[arg-type]
    for odd in ("1", None, Decimal(1), [1]):
        with pytest.raises(TypeError):
            plain(odd)  # type: ignore[arg-type]


@given(st.floats(allow_nan=False))
def test_bounds_are_spelled_as_prometheus_client_spells_them(bound: float) -> None:
    assert bound_text(bound) == floatToGoString(bound)  # type: ignore[no-untyped-call]


@given(st.text(), st.integers(0, 40))
def test_a_text_is_cut_between_characters(text: str, longest: int) -> None:
    cut = shortened(text, longest)
    assert len(cut.encode()) <= longest or cut == text
    assert cut == text or not longest >= 3 or cut.endswith("…")


def test_short_values_stay_whole_beside_a_long_one() -> None:
    cut = fitted({"id": "7", "path": "x" * 5000})
    assert cut["id"] == "7"
    assert 500 < len(cut["path"]) < 1000
