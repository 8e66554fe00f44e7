"""Groups are numbered in the order of their keys, however many keys there are, and add up exactly or stay at 2^62."""

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.fields import MAX_SUM
from aggregator.grouping import TEXT, Groups, Key, combined


def test_ids_are_in_the_order_of_the_keys_where_their_product_passes_64_bits() -> None:
    rng = random.Random(7)
    kinds = [sorted({f"{rng.random()}é"[: rng.randrange(2, 9)] for _ in range(900)}) for _ in range(13)]
    rows = [tuple(rng.choice(values) for values in kinds) for _ in range(3000)]
    rows += [(*rng.choice(rows)[:8], *rng.choice(rows)[8:]) for _ in range(1000)] + rng.sample(rows, 1000)
    keys = [Key.of(pa.chunked_array([pa.array(column)])) for column in zip(*rows, strict=True)]
    assert np.prod([float(len(key.values)) for key in keys]) > 2.0**100
    groups = Groups.of(combined(keys, len(rows)))
    ordered = [rows[each] for each in groups.order]
    assert ordered == sorted(rows, key=lambda row: [text.encode() for text in row])
    distinct = sorted(set(rows))
    assert [rows[each] for each in groups.firsts] == distinct
    assert [distinct[number] for number in groups.numbers] == rows


@given(st.lists(st.text(max_size=3) | st.sampled_from(["a", "a\0", "é", "\U0001f600", "\ufffd"]), max_size=20))
def test_text_is_in_the_order_of_its_bytes(texts: list[str]) -> None:
    key = Key.of(pa.chunked_array([texts[:5], texts[5:]], pa.string()))
    assert key.values.to_pylist() == sorted(set(texts), key=str.encode)
    assert [key.values[code].as_py() for code in key.codes] == texts


def test_a_dictionary_may_be_in_any_form() -> None:
    chunks = [
        pa.DictionaryArray.from_arrays(pa.array([2, 0], pa.int32()), ["b", "unused", "a"]),
        pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), ["other"]),
        pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int32()), ["c", "b"]).slice(1),
    ]
    key = Key.of(pa.chunked_array(chunks, TEXT))
    assert (key.codes.tolist(), key.values.to_pylist()) == ([0, 1, 2, 1], ["a", "b", "c"])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2**62) | st.sampled_from([0, 1, 2**31, 2**32, 2**62])), max_size=40
    )
)
def test_sums_are_exact_and_stay_where_64_bits_still_hold_them(rows: list[tuple[int, int]]) -> None:
    groups = Groups.of(np.array([number for number, _ in rows], dtype=np.int64))
    wanted = [
        min(sum(value for of, value in rows if of == number), MAX_SUM) for number in sorted({of for of, _ in rows})
    ]
    assert groups.sums(np.array([value for _, value in rows], dtype=np.int64)).tolist() == wanted


def test_many_sums_that_pass_64_bits() -> None:
    groups = Groups.of(np.repeat(np.arange(3), 100_000))
    values = np.repeat([2**62, 2**45, 2**46], 100_000)
    assert groups.sums(values).tolist() == [MAX_SUM, 100_000 * 2**45, MAX_SUM]
    assert all(a <= b for a, b in pairwise(groups.order))
