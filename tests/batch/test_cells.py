"""What machine code adds up with, piece by piece, beside the same in plain Python."""

from collections import Counter

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator import marks
from aggregator.catalogue import shipped
from aggregator.compiled import cells, runs

SUMMARY = next(summary for summary in shipped().summaries if summary.name == "feed_polls")
MOMENTS = st.integers(946_684_800_000_000, 253_402_300_799_999_999)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 40)), max_size=300))
def test_bins_grow_and_come_out_by_cell(added: list[tuple[int, int, int]]) -> None:
    held = cells.make(SUMMARY, bins=4)
    wanted: Counter[int] = Counter()
    for number, (cell, measure, place) in enumerate(added):
        held = cells.with_room(held, 0, 1)
        key = cell << cells.CELL_SHIFT | measure << cells.BIN_BITS | place
        cells.place_bins(np.array([[key, number]]), held)
        wanted[key] += number
    held.used[0] = 6
    assert held.used[1] == len(wanted)
    keys, counts = cells.bins_by_cell(held)
    assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == wanted
    assert (np.diff(keys >> cells.CELL_SHIFT) >= 0).all()


@settings(deadline=None)
@given(st.lists(MOMENTS, min_size=1, max_size=50), st.booleans())
@example([0], False)
def test_marks_are_those_of_the_reference(moments: list[int], is_backward: bool) -> None:
    numbers = np.arange(len(moments))
    seqs = numbers[::-1].copy() if is_backward else numbers
    found = runs.runs_of(np.ones(len(moments), np.int32), seqs, np.array(moments), 2)
    assert found.marks.tolist() == [marks.mark(moments[row]) for row in found.rows.tolist()]
