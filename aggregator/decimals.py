"""Sums of values, which are whole nanos as decimals of nine places: exact, whatever their size and sign.

Parquet shows people the nearest double, and beside it what that leaves: both make the sum again, to the last digit.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa

from .grouping import Array, Groups

DECIMAL = pa.decimal128(38, 9)
NANOS = 10**9
_PLAIN_BELOW = 1e6
"""A double of less holds all nanos."""
_MOST_REST = 2**63 - 1
"""So a sum beyond 10^26 is as exact as a double: no line may stop a run."""
_HALF = np.int64(2**32 - 1)


def decimals(nanos: Sequence[int]) -> pa.Array:
    return _array(b"".join(value.to_bytes(16, "little", signed=True) for value in nanos))


def nanos(column: pa.Array | pa.ChunkedArray) -> list[int]:
    low, high = _words(column)
    if np.array_equal(high, low >> 63):
        plain: list[int] = low.tolist()
        return plain
    return [(above << 64) + below for above, below in zip(high.tolist(), low.view(np.uint64).tolist(), strict=True)]


def sums(column: pa.ChunkedArray, groups: Groups) -> pa.Array:
    """What each group adds up to: in halves of words, which do not overflow."""
    low, high = (word[groups.order] for word in _words(column))
    halves = (low & _HALF, low >> 32 & _HALF, high & _HALF, high >> 32)
    added = [np.add.reduceat(half, groups.starts) for half in halves]
    for place in range(3):
        added[place + 1] += added[place] >> 32
    words = [added[place] & _HALF | added[place + 1] << 32 for place in (0, 2)]
    return _array(np.stack(words, axis=1).tobytes())


def shown(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """(nearest doubles, what they leave in nanos)."""
    low, high = _words(column)
    doubles, rests = low / NANOS, np.zeros(len(low), dtype=np.int64)
    is_plain = (high == low >> 63) & (np.abs(doubles) < _PLAIN_BELOW)
    for row in np.flatnonzero(~is_plain).tolist():
        whole = (int(high[row]) << 64) + int(low.view(np.uint64)[row])
        doubles[row] = whole / NANOS
        rests[row] = min(max(whole - _nanos_of(doubles[row]), -_MOST_REST), _MOST_REST)
    return pa.array(doubles), pa.array(rests)


def kept(doubles: pa.ChunkedArray, rests: pa.ChunkedArray) -> pa.Array:
    """The column that was shown so."""
    numbers, left = doubles.to_numpy(), rests.to_numpy().tolist()
    plain = np.where(np.abs(numbers) < _PLAIN_BELOW, numbers, 0)
    found = np.rint(plain * NANOS).astype(np.int64).tolist()
    for row in np.flatnonzero(plain != numbers).tolist():
        found[row] = _nanos_of(numbers[row]) + left[row]
    return decimals(found)


def _nanos_of(number: float) -> int:
    return round(Fraction(float(number)) * NANOS)


def _words(column: pa.Array | pa.ChunkedArray) -> tuple[Array, Array]:
    """The lower and the upper half of each value, as int64."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    words = np.frombuffer(whole.buffers()[1] or b"", np.int64).reshape(-1, 2)[whole.offset : whole.offset + len(whole)]
    return np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])


def _array(data: bytes) -> pa.Array:
    return pa.Array.from_buffers(DECIMAL, len(data) // 16, [None, pa.py_buffer(data)])
