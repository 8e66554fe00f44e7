"""What must come out of logs, told in plain sets and sums; it knows of the program only what is promised.

Times are microseconds since 1970, dates texts such as "2026-11-20".
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

MINUTE, HOUR = 60_000_000, 3_600_000_000
DAY = 24 * HOUR
MARKER = b'{"logemit":'
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Event(NamedTuple):
    proc: str | None
    seq: int | None
    moment: int
    service: str
    kind: str
    took: int


class Kept(NamedTuple):
    """Retention, in days."""

    fold: int | None = None
    drop: int | None = None
    late: int | None = None


class Row(NamedTuple):
    date: str
    start: int
    seconds: int
    service: str
    kind: str


@dataclass
class Sum:
    events: int = 0
    took: int = 0
    low: int = 0
    high: int = 0

    def add(self, other: "Sum") -> None:
        self.low = min(self.low, other.low) if self.events else other.low
        self.high = max(self.high, other.high)
        self.events, self.took = self.events + other.events, self.took + other.took


@dataclass
class Process:
    seen: set[int] = field(default_factory=set)
    known: dict[int, int | None] = field(default_factory=dict)
    """Time by number, also of numbers given up: None."""
    heard_at: int = 0

    @property
    def is_complete(self) -> bool:
        return min(self.known, default=-1) == 0 and not holes(self.known)

    def would_gap(self, seq: int) -> bool:
        return seq > max(self.known, default=-1) + 1 or seq < min(self.known, default=0)

    def unite(self, other: "Process") -> None:
        self.seen |= other.seen
        for seq, moment in other.known.items():
            own = self.known.get(seq, moment)
            self.known[seq] = moment if own is None else own if moment is None else min(own, moment)


@dataclass
class Hour:
    """Of one process in one hour of its events."""

    first: dict[int, int] = field(default_factory=dict)
    """Time of the event that had a number first."""
    exact: set[int] = field(default_factory=set)
    """Numbers whose own time is still known, not only that of their neighbours."""
    others: set[tuple[int, int]] = field(default_factory=set)

    def is_repeat(self, seq: int, moment: int) -> bool:
        if (seq, moment) in self.others:
            return True
        if seq in self.exact:
            return self.first[seq] == moment
        times = [self.first[number] for number in neighbours(self.first, seq)]
        return min(times) <= moment <= max(times)


def neighbours(numbers: dict[int, int], number: int) -> Iterator[int]:
    yield number
    for step in (-1, 1):
        each = number + step
        while each in numbers:
            yield each
            each += step


def text_of(moment: int) -> str:
    return (EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_of(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def date_of(moment: int) -> str:
    return text_of(moment)[:10]


def day_after(date: str, days: int) -> str:
    return str((datetime.fromisoformat(date) + timedelta(days=days)).date())


class Model:
    def __init__(self, dates_known: int) -> None:
        self.sources: set[bytes] = set()
        """What was read of each, from its beginning."""
        self.accounts: Counter[str] = Counter()
        self.held: list[Event] = []
        self.totals: dict[tuple[str, str], Sum] = defaultdict(Sum)
        self.took: list[int] = []
        self.minutes: dict[Row, Sum] = defaultdict(Sum)
        self.partitions: set[str] = set()
        self.folded_before = self.dropped_before = self.checked_from = ""
        self.newest = 0
        self.has_forgotten = False
        """A process that was not heard of for a week."""
        self._dates_known = dates_known
        self._dates: set[str] = set()
        self._hours: dict[tuple[str, int], Hour] = {}
        self._processes: dict[str, Process] = {}
        self._put_away: dict[str, list[tuple[str, Process]]] = defaultdict(list)
        """With the date: complete and quiet. They are asked before a hole is believed, so who begins at 0 is new."""

    # Runs.

    def run(self, files: Sequence[bytes], now: int, kept: Kept) -> None:
        """Everything new in files, of which the contents are given."""
        self.move_marks(now, kept)
        limit = now - kept.late * DAY if kept.late else 0
        late_before = max(text_of(limit), self.dropped_before)
        due = [event for event in self.held if event.moment <= now + 5 * MINUTE]
        self.held = [event for event in self.held if event not in due]
        self.accounts["released"] += len(due)
        touched: set[str] = set()
        for event in due:
            self._take(event, now, late_before, touched)
        for line in self._new_lines(files):
            found = self._event_in(line)
            if found and found.moment > now + 5 * MINUTE:
                self.held.append(found)
            elif found:
                self._take(found, now, late_before, touched)
        self._seal(now)
        self._forget(now, touched)

    def _new_lines(self, files: Sequence[bytes]) -> Iterator[bytes]:
        """A file goes on where the longest beginning of it that was read before ends, whatever its name."""
        for content in files:
            whole = content[: content.rfind(b"\n") + 1]
            before = max((each for each in self.sources if content.startswith(each)), key=len, default=b"")
            if whole:
                self.sources.add(whole)
                yield from whole[len(before) :].split(b"\n")[:-1]

    def _event_in(self, line: bytes) -> Event | None:
        self.accounts["read"] += 1
        if not line.startswith(MARKER):
            self.accounts["foreign"] += 1
            return None
        try:
            found = json.loads(line)
            since = moment_of(found["timestamp"])
        except ValueError:
            self.accounts["rejected"] += 1
            return None
        took = round(found["took"] * 1_000_000)
        return Event(found.get("proc"), found.get("seq"), since, found["service"], found["kind"], took)

    def _take(self, event: Event, now: int, late_before: str, touched: set[str]) -> None:
        if not self._is_new(event, now, touched):
            self.accounts["duplicates"] += 1
            return
        self.accounts["events"] += 1
        self.newest = max(self.newest, event.moment)
        own = Sum(1, event.took, event.took, event.took)
        self.totals[event.service, event.kind].add(own)
        self.took.append(event.took)
        if text_of(event.moment) < late_before:
            self.accounts["late"] += 1
            return
        date, start = date_of(event.moment), event.moment // MINUTE * MINUTE
        self.partitions.add(date)
        self.minutes[Row(date, start, 60, event.service, event.kind)].add(own)

    # What was seen.

    def _is_new(self, event: Event, now: int, touched: set[str]) -> bool:
        proc, seq, moment = event.proc, event.seq, event.moment
        if proc is None or seq is None or date_of(moment) < self.checked_from:
            self.accounts["unchecked"] += 1
            return True
        process = self._processes.setdefault(proc, Process())
        process.heard_at = now
        if process.would_gap(seq):
            for _, before in self._put_away[proc]:
                process.unite(before)
        if process.seen and abs(seq - max(process.seen)) > 10**9:
            self.accounts["unchecked"] += 1
            return True
        touched.add(date_of(moment))
        hour = self._hours.setdefault((proc, moment // HOUR), Hour())
        if seq in hour.first:
            if hour.is_repeat(seq, moment):
                return False
            hour.others.add((seq, moment))
            self.accounts["conflicts"] += 1
            return True
        hour.first[seq] = moment
        hour.exact.add(seq)
        if seq in process.seen:
            self.accounts["conflicts"] += 1
            return True
        process.seen.add(seq)
        if seq in process.known:
            self.accounts["recovered"] += 1
        process.known.setdefault(seq, moment)
        return True

    def _seal(self, now: int) -> None:
        """A hole is as old as the oldest event in the unbroken numbers behind it."""
        for proc, process in list(self._processes.items()):
            for hole, block in holes(process.known):
                if min(at for number in block if (at := process.known[number]) is not None) < now - DAY:
                    self.accounts["lost"] += len(hole)
                    process.known.update(dict.fromkeys(hole))
            if process.heard_at < now - 2 * HOUR and process.is_complete:
                self._put_away[proc].append((date_of(now), process))
                del self._processes[proc]
            elif process.heard_at < now - 7 * DAY:
                del self._processes[proc]
                self.has_forgotten = True
        for proc, parts in self._put_away.items():
            kept = [part for part in parts if part[0] >= date_of(now - 7 * DAY)]
            self.has_forgotten |= len(kept) < len(parts)
            self._put_away[proc] = kept

    @property
    def missing(self) -> int:
        return sum(len(hole) for process in self._processes.values() for hole, _ in holes(process.known))

    def _forget(self, now: int, touched: set[str]) -> None:
        kept = sorted(self._dates | touched)[-self._dates_known :]
        if len(kept) < len(self._dates | touched):
            self.checked_from = kept[0]
        self._dates = set(kept)
        for (proc, number), hour in list(self._hours.items()):
            date = date_of(number * HOUR)
            if date < self.checked_from:
                del self._hours[proc, number]
            elif date < date_of(now - 8 * DAY):
                hour.exact.clear()

    # Retention.

    def move_marks(self, now: int, kept: Kept) -> bool:
        """One commit's way, a month at most; whether anything moved."""
        before, now = (self.folded_before, self.dropped_before), min(now, self.newest + DAY) if self.newest else now
        self.folded_before = moved(self.folded_before, now, kept.fold, self.partitions)
        self.dropped_before = moved(self.dropped_before, now, kept.drop, self.partitions)
        for row in [row for row in self.minutes if row.date < self.dropped_before]:
            del self.minutes[row]
        return before != (self.folded_before, self.dropped_before)

    def remove(self) -> None:
        self.partitions = {date for date in self.partitions if date >= self.dropped_before}

    def rows(self) -> dict[Row, Sum]:
        """What the partitions hold."""
        found: dict[Row, Sum] = defaultdict(Sum)
        for row, own in self.minutes.items():
            hour = row._replace(start=row.start // HOUR * HOUR, seconds=3600)
            found[hour if row.date < self.folded_before else row].add(own)
        return found

    @property
    def dates(self) -> set[str]:
        return {row.date for row in self.minutes}


def holes(known: dict[int, int | None]) -> list[tuple[range, list[int]]]:
    """Numbers that are missing, and the unbroken ones behind them."""
    blocks: list[list[int]] = []
    for number in sorted(known):
        if blocks and blocks[-1][-1] == number - 1:
            blocks[-1].append(number)
        else:
            blocks.append([number])
    return [(range(before[-1] + 1, after[0]), after) for before, after in pairwise(blocks)]


def moved(mark: str, now: int, days: int | None, dates: Iterable[str]) -> str:
    target = date_of(now - days * DAY) if days else ""
    passed = [date for date in dates if mark <= date < target]
    return min(target, day_after(min(passed), 31)) if passed else max(mark, target)
