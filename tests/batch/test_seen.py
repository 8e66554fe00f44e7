"""Duplicates, holes and what is lost, against sets of plain numbers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.intervals import Interval, IntervalSet
from aggregator.seen import DAY, FORGET_AFTER, HORIZON, Seen, date_of

NOW = 1_795_176_000_000_000


class Memory:
    """What a run leaves to the next."""

    def __init__(self) -> None:
        self.dates: dict[str, list[Any]] = defaultdict(list)
        self.history: list[Any] = []
        self.lost = self.duplicates = self.recovered = self.conflicts = self.unchecked = self.missing = 0

    def run(
        self, events: Sequence[tuple[str | None, int | None, int]], now: int = NOW, checked_from: str = ""
    ) -> list[bool]:
        seen = Seen(lambda date: self.dates[date], self.history, checked_from, now)
        admitted = [seen.admit(*event) for event in events]
        self.lost += seen.seal()
        self.missing = seen.missing
        self.dates.update(seen.rows())
        self.history = seen.history_rows()
        for name in ("duplicates", "recovered", "conflicts", "unchecked"):
            setattr(self, name, getattr(self, name) + getattr(seen, name))
        return admitted


@given(st.lists(st.integers(0, 60)))
def test_an_interval_set_is_a_set(numbers: list[int]) -> None:
    intervals, plain = IntervalSet(), set[int]()
    for number in numbers:
        assert (intervals.find(number) is not None) == (number in plain)
        if number not in plain:
            intervals.add(number, number * 10)
            plain.add(number)
    assert {n for i in intervals for n in range(i.first, i.last + 1)} == plain
    holes = {n for hole in intervals.holes() for n in range(hole.first, hole.last + 1)}
    assert holes == (set(range(min(plain), max(plain))) - plain if plain else set())
    assert all(i.earliest == i.first * 10 and i.latest == i.last * 10 for i in intervals)
    firsts = [i.first for i in intervals]
    assert firsts == sorted(firsts)
    assert IntervalSet(list(intervals)).find(-1) is None


numbers = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=60)


@given(st.lists(numbers, max_size=4))
def test_whatever_the_order_and_the_runs_each_event_counts_once(runs: list[list[tuple[str, int]]]) -> None:
    memory, plain = Memory(), set[tuple[str, int]]()
    for run in runs:
        admitted = memory.run([(proc, seq, NOW - DAY + seq) for proc, seq in run])
        for event, counted in zip(run, admitted, strict=True):
            assert counted == (event not in plain)
            plain.add(event)
    by_proc = {proc: {seq for p, seq in plain if p == proc} for proc, _ in plain}
    assert memory.missing == sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in by_proc.values())
    assert memory.duplicates == sum(map(len, runs)) - len(plain)
    assert (memory.lost, memory.conflicts, memory.unchecked) == (0, 0, 0)


@given(numbers, numbers)
def test_an_old_hole_is_lost_once_and_what_comes_later_is_recovered(
    first: list[tuple[str, int]], second: list[tuple[str, int]]
) -> None:
    memory = Memory()
    old = NOW - HORIZON - DAY
    memory.run([(proc, seq, old + seq) for proc, seq in first])
    assert memory.missing == 0
    lost_before = memory.lost
    memory.run([])
    assert memory.lost == lost_before
    memory.run([(proc, seq, old + seq) for proc, seq in second])
    seen: dict[str, set[int]] = defaultdict(set)
    for proc, seq in [*first, *second]:
        seen[proc].add(seq)
    truly_missing = sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in seen.values())
    assert memory.lost - memory.recovered == truly_missing
    assert memory.lost >= lost_before


def test_a_process_first_seen_in_the_middle_is_no_loss() -> None:
    memory = Memory()
    memory.run([("a", 500, NOW), ("a", 501, NOW)])
    assert (memory.missing, memory.lost) == (0, 0)


def test_a_repeat_at_another_time_is_a_conflict_and_both_count() -> None:
    memory = Memory()
    assert memory.run([("a", 1, NOW), ("a", 1, NOW + 5)]) == [True, True]
    assert (memory.conflicts, memory.duplicates) == (1, 0)


def test_another_event_of_the_same_number_is_a_conflict_also_between_others() -> None:
    """As of two clones of one snapshot, which count on from the same number at the same time."""
    memory = Memory()
    first = [("a", seq, NOW + 10 * seq) for seq in range(200)]
    clone = [("a", seq, NOW + 10 * seq + 3) for seq in range(200)]
    assert all(memory.run(first))
    assert all(memory.run(clone))
    assert memory.conflicts == 200
    assert not any(memory.run([*clone, *first]))
    assert (memory.conflicts, memory.duplicates) == (200, 400)


def test_a_process_that_lives_over_midnight_has_no_hole_there() -> None:
    memory = Memory()
    midnight = NOW // DAY * DAY
    memory.run([("a", 0, midnight - 2), ("a", 2, midnight)])
    assert memory.missing == 1
    memory.run([("a", 1, midnight - 1)])
    assert (memory.missing, len(memory.dates)) == (0, 2)


def test_events_without_proc_pass_unchecked() -> None:
    memory = Memory()
    assert memory.run([(None, None, NOW)] * 2) == [True, True]
    assert memory.unchecked == 2


def test_events_beyond_the_retained_dates_pass_unchecked() -> None:
    memory = Memory()
    assert memory.run([("a", 1, NOW)] * 2, checked_from=date_of(NOW + DAY)) == [True, True]
    assert (memory.unchecked, memory.duplicates) == (2, 0)


def test_a_process_not_heard_of_for_a_week_is_forgotten_but_its_duplicates_are_not() -> None:
    memory = Memory()
    memory.run([("a", 0, NOW), ("a", 2, NOW)])
    memory.run([], now=NOW + FORGET_AFTER + 1)
    assert memory.history == []
    assert memory.lost == 1
    assert memory.run([("a", 2, NOW)], now=NOW + FORGET_AFTER + 2) == [False]


def test_only_touched_hours_are_loaded() -> None:
    asked: list[str] = []

    def load(hour: str) -> list[Any]:
        asked.append(hour)
        return []

    seen = Seen(load, [], "", NOW)
    seen.admit("a", 0, NOW)
    seen.admit("a", 1, NOW + 1)
    assert asked == ["2026-11-20/12"]


def test_intervals_keep_the_times_of_their_events() -> None:
    intervals = IntervalSet()
    for number, moment in ((5, 50), (7, 70), (6, 65)):
        intervals.add(number, moment)
    assert list(intervals) == [Interval(5, 7, 50, 70)]


def test_a_conflict_delivered_again_is_a_duplicate() -> None:
    memory = Memory()
    two = [("a", 1, NOW), ("a", 1, NOW + 5)]
    assert memory.run(two) == [True, True]
    assert memory.run(two) == [False, False]
    assert (memory.conflicts, memory.duplicates) == (1, 2)


def test_a_conflict_over_midnight_is_told() -> None:
    memory = Memory()
    midnight = NOW // DAY * DAY
    assert memory.run([("a", 1, midnight - 1), ("a", 1, midnight)]) == [True, True]
    assert memory.conflicts == 1


def test_a_forged_number_makes_nothing_missing() -> None:
    memory = Memory()
    assert memory.run([("a", 0, NOW), ("a", 2**61, NOW), ("a", 1, NOW)]) == [True] * 3
    assert (memory.missing, memory.unchecked) == (0, 1)


def test_many_sealed_holes() -> None:
    """In time that grows with their number, not its square: else this would take minutes."""
    memory = Memory()
    old = NOW - HORIZON - DAY
    memory.run([("a", seq, old) for seq in range(0, 60_000, 2)])
    memory.run([("a", seq, old) for seq in range(60_001, 90_000, 2)])
    assert memory.lost == 29_999 + 1 + 1 + 14_999
