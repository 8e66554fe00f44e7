"""Duplicates, holes and what is lost, against sets of plain numbers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.intervals import Interval, IntervalSet
from aggregator.processes import DAY, FORGET_AFTER, HORIZON, HOUR, QUIET_AFTER, HistoryRow, Processes
from aggregator.seen import Seen, date_of

NOW = 1_795_176_000_000_000


class Memory:
    """What a run leaves to the next. Of quiet processes only what was put away, unless `keeps` all."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.dates: dict[str, list[Any]] = defaultdict(list)
        self.living: list[HistoryRow] = []
        self.quiet: list[HistoryRow] = []
        self.asked: list[str] = []
        self.keeps = keeps
        self.lost = self.duplicates = self.recovered = self.conflicts = self.unchecked = self.missing = 0

    def run(
        self, events: Sequence[tuple[str | None, int | None, int]], now: int = NOW, checked_from: str = ""
    ) -> list[bool]:
        processes = Processes(self.living, self.put_away, now)
        seen = Seen(lambda hour: self.dates[hour], processes, checked_from)
        admitted = [seen.admit(*event) for event in events]
        self.lost += processes.seal()
        self.missing = processes.missing
        self.dates.update(seen.rows())
        self.living, quiet = processes.rows()
        if self.keeps:
            self.living += quiet
        else:
            self.quiet += quiet
        for name in ("duplicates", "recovered", "conflicts", "unchecked"):
            setattr(self, name, getattr(self, name) + getattr(seen, name))
        return admitted

    def put_away(self, proc: str) -> list[HistoryRow]:
        self.asked.append(proc)
        return [row for row in self.quiet if row.proc == proc]


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
    assert memory.living == []
    assert memory.lost == 1
    assert memory.run([("a", 2, NOW)], now=NOW + FORGET_AFTER + 2) == [False]


def test_only_touched_hours_are_loaded() -> None:
    asked: list[str] = []

    def load(hour: str) -> list[Any]:
        asked.append(hour)
        return []

    seen = Seen(load, Processes([], lambda _: [], NOW), "")
    seen.admit("a", 0, NOW)
    seen.admit("a", 1, NOW + 1)
    assert asked == ["2026-11-20/12"]


later = st.lists(st.tuples(st.integers(0, 30), numbers), max_size=6)


@given(later)
def test_a_process_that_was_put_away_is_as_if_it_had_been_kept(runs: list[tuple[int, list[tuple[str, int]]]]) -> None:
    """Runs some hours apart; every number of a process has one time."""
    kept, memory, now = Memory(keeps=True), Memory(), NOW
    for hours, run in runs:
        now += hours * HOUR
        events = [(proc, seq, NOW - HORIZON // 2 + seq) for proc, seq in run]
        assert memory.run(events, now=now) == kept.run(events, now=now)
        for name in ("lost", "missing", "recovered", "duplicates", "conflicts"):
            assert getattr(memory, name) == getattr(kept, name), name


def test_a_process_that_goes_on_in_order_is_never_asked_for() -> None:
    memory = Memory()
    for run in range(5):
        memory.run([("a", seq, NOW + seq) for seq in range(run * 10, run * 10 + 10)], now=NOW + run)
    assert memory.asked == []
    assert memory.living


def test_a_process_that_comes_back_is_asked_for_once_and_has_no_hole() -> None:
    memory = Memory()
    memory.run([("a", seq, NOW + seq) for seq in range(10)])
    memory.run([], now=NOW + QUIET_AFTER + 1)
    assert (memory.living, len(memory.quiet)) == ([], 2)
    memory.run([("a", seq, NOW + seq) for seq in range(10, 20)], now=NOW + DAY)
    assert (memory.asked, memory.missing) == (["a"], 0)
    memory.run([("a", 25, NOW + 25)], now=NOW + DAY)
    assert memory.missing == 5


def test_a_process_with_a_hole_is_not_put_away() -> None:
    memory = Memory()
    memory.run([("a", 0, NOW), ("a", 2, NOW)])
    memory.run([], now=NOW + QUIET_AFTER + 1)
    assert (memory.missing, memory.quiet) == (1, [])


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


def test_a_forged_number_of_a_process_that_was_put_away_makes_nothing_missing() -> None:
    memory = Memory()
    memory.run([("a", 0, NOW)])
    memory.run([], now=NOW + QUIET_AFTER + 2)
    assert [row.proc for row in memory.quiet] == ["a", "a"]
    assert memory.run([("a", 5 * 10**9, NOW + 5 * HOUR)], now=NOW + 5 * HOUR) == [True]
    assert (memory.missing, memory.unchecked) == (0, 1)


def test_many_sealed_holes() -> None:
    """In time that grows with their number, not its square: else this would take minutes."""
    memory = Memory()
    old = NOW - HORIZON - DAY
    memory.run([("a", seq, old) for seq in range(0, 60_000, 2)])
    memory.run([("a", seq, old) for seq in range(60_001, 90_000, 2)])
    assert memory.lost == 29_999 + 1 + 1 + 14_999
