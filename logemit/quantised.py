"""Numbers of instruments as whole multiples of 1e-9, which add up exactly and in any order."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

NANO = 10**9

LARGEST = 2**53
"""A greater number, either side of 0, is no measurement: a double could not count on from there. All of one fold add
up within 64 bits."""

_CERTAIN = 2**50
"""Nanos up to which a double's product with 1e9 is off by an eighth at most."""

_EXACT = Context(prec=64)  # whatever the app's own context says


def nanos(value: float) -> int | None:
    """The multiple of 1e-9 nearest to the number's decimal text; None for what is not finite or beyond LARGEST."""
    return nearest(value) if -LARGEST <= value <= LARGEST else None


def nearest(value: float) -> int:
    """The same of any number that is finite."""
    if isinstance(value, int):
        return value * NANO
    scaled = value * 1e9
    rounded = round(scaled)
    if -_CERTAIN < scaled < _CERTAIN and abs(scaled - rounded) < 0.25:
        return rounded
    return int(Decimal(repr(value)).scaleb(9, _EXACT).to_integral_value(ROUND_HALF_EVEN, _EXACT))


def measured(values: Iterable[float]) -> tuple[dict[int, int], list[float]]:
    """How often there were which nanos, ascending, and what cannot be measured."""
    found: dict[int, int] = {}
    odd = []
    for value, count in Counter(values).items():  # most are 1, or the same few
        nano = nanos(value)
        if nano is None:
            odd.extend([value] * count)
        else:
            found[nano] = found.get(nano, 0) + count
    return dict(sorted(found.items())), odd


def total(found: Mapping[int, int]) -> int:
    return sum([nano * count for nano, count in found.items()])


def exact(nano: int) -> tuple[float, ...]:
    """Numbers that are read back as what they are, and add up to these nanos: one, or two where none holds them."""
    whole, rest = divmod(nano, NANO)
    if not rest:
        return (whole,)
    if -_CERTAIN < nano < _CERTAIN:
        return (nano / NANO,)
    return (whole, rest / NANO)


def plain(amount: float) -> float:
    """An int or a float of Python's own, of whatever adds to one. Raises TypeError for what does not."""
    return amount if type(amount) in {int, float} else float(0.0 + amount)
