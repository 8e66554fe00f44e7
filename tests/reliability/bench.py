"""An output folder and the logs it is made from, with a clock in the hand; each run is held against the model."""

import copy
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from aggregator import compact, memory, run
from aggregator.errors import UsageError
from aggregator.rebuild import rebuild

from .derived import CONFIG, Samples, config_of, raw_rows, rows_of, samples
from .faults import Killed, Plan, faulty
from .logs import Logs, Stream
from .model import DAY, Kept, Model, Row, Sum

NOON = 1_795_176_000_000_000
"""2026-11-20T12:00:00Z."""

LIVE = ["app.log", "web.log"]
ACCOUNTS = {
    "logemit_events_total": "events",
    "logemit_records_released_total": "released",
    "logemit_events_conflicting_total": "conflicts",
    "logemit_events_unchecked_total": "unchecked",
    "logemit_events_lost_total": "lost",
    "logemit_events_recovered_total": "recovered",
    "logemit_events_late_total": "late",
    "logemit_records_read_total": "read",
    "logemit_records_foreign_total": "foreign",
    "logemit_records_rejected_total": "rejected",
    "logemit_events_duplicate_total": "duplicates",
}
OF_READING = {"read", "foreign", "rejected", "duplicates", "held", "released"}
OF_PROCESSES = {"conflicts", "lost", "recovered", "missing"}
OF_HOLES = {"lost", "recovered", "missing"}


class Bench:
    """With `is_exotic`, logs may hold a part of one another, and so be read again: nothing counts twice."""

    done: ClassVar[Counter[str]] = Counter()

    def __init__(self, *, dates_known: int = 400, is_exotic: bool = False, by_name: bool = False) -> None:
        memory_folder = Path("/dev/shm")
        self._temporary = tempfile.TemporaryDirectory(dir=memory_folder if memory_folder.is_dir() else None)
        folder = Path(self._temporary.name)
        self.out = folder / "out"
        self.logs = Logs(folder / "logs", NOON)
        self.logs.folder.mkdir()
        self.is_exotic, self.by_name = is_exotic, by_name
        self.model = Model(dates_known)
        self.few_dates, self._dates_known = dates_known < 400, dates_known
        self._before: Samples = {}
        self._stood: dict[str, Stream] = {}
        self.known: set[Stream] = set()
        self._last_run = 0
        self._owes_gap = self._was_split = False
        self._gaps = 0.0
        clock = SimpleNamespace(time_ns=lambda: self.logs.now * 1000, monotonic=lambda: 0.0)
        self._patch = pytest.MonkeyPatch()
        for module in (run, compact):
            self._patch.setattr(module, "time", clock)
        self._patch.setattr(memory, "RETAINED_DATES", dates_known)
        for name in (*LIVE, "other.log"):
            self.logs.create(name)
        self.logs.append("other.log", b"Another server\n")

    @property
    def has_run(self) -> bool:
        return bool(self._stood)

    def close(self) -> None:
        self._patch.undo()
        self._temporary.cleanup()

    # What is done.

    def aggregate(self, names: Sequence[str], kept: Kept, kill: Plan | None = None, *, as_folder: bool = False) -> None:
        """`names` are all logs in any order, or only those that are written to."""
        seen = self._visible(names)
        after = copy.deepcopy(self.model)
        after.run([self.logs.files[name].content for name in seen], self.logs.now, kept)
        patterns = [str(self.logs.folder)] if as_folder else self.logs.paths(names)
        made, is_dead = self._attempt("aggregate", lambda: run.aggregate(patterns, self.out, config_of(kept)), kill)
        assert made or is_dead
        if made:
            self.model = after
            self._have_run(seen)
        self._check(is_dead)

    def aggregate_meanwhile(self, names: Callable[[], list[str]], change: Callable[[], None], at: int) -> None:
        """The logs change while a run is at work, after so many of its blocks; the next run brings what is right."""
        blocks = count(1)

        def progress(_done: int, _all: int) -> None:
            if next(blocks) == at:
                self.logs.now += 1000
                change()

        patterns = self.logs.paths(names())
        made, _ = self._attempt("aggregate", lambda: run.aggregate(patterns, self.out, CONFIG, progress), None)
        assert made
        self.done["changed meanwhile"] += next(blocks) > at
        self._was_split = True
        self.aggregate(names(), Kept())

    def compact(self, kept: Kept, kill: Plan | None = None, *, remove: bool = False) -> None:
        after, states = copy.deepcopy(self.model), [self.model]
        while after.move_marks(self.logs.now, kept):
            states.append(copy.deepcopy(after))
        if remove and any(date < after.dropped_before for date in after.partitions):
            after.remove()
            states.append(after)
        made, is_dead = self._attempt(
            "compact", lambda: compact.compact(self.out, config_of(kept), remove=remove), kill
        )
        assert is_dead or made == len(states) - 1
        self.model = states[made]
        self._check(is_dead)

    def rebuild(self, names: Sequence[str], kept: Kept, kill: Plan | None = None, *, discard: bool = False) -> None:
        after = Model(self._dates_known)
        after.run([self.logs.files[name].content for name in names], self.logs.now, kept._replace(late=None))
        gone = {date for date in self.model.dates - after.dates if date >= after.dropped_before}
        is_refused = False

        def action() -> None:
            nonlocal is_refused
            try:
                rebuild(self.logs.paths(names), self.out, config_of(kept), discard=discard)
            except UsageError:
                is_refused = True

        made, is_dead = self._attempt("rebuild", action, kill)
        assert is_dead or is_refused == bool(gone and not discard), gone
        assert made == (not is_refused) or is_dead
        if made:
            after.partitions |= self.model.partitions
            self.model, self._before, self._gaps, self.known = after, {}, 0.0, set()
            self._have_run(names)
            self.logs.vanished, self._owes_gap, self._was_split = [], False, False
        self._check(is_dead)

    def _attempt(self, what: str, action: Callable[[], object], kill: Plan | None) -> tuple[int, bool]:
        """How many commits were made, and whether it was killed."""
        before, is_dead = self.commits, False
        with faulty(kill) if kill else nullcontext():
            try:
                action()
            except Killed:
                is_dead = True
        made = self.commits - before
        self.done[what] += 1
        self.done["killed"] += is_dead
        self.done["killed after the commit"] += is_dead and made > 0
        self.logs.now += 1_000_000
        return made, is_dead

    @property
    def commits(self) -> int:
        return max((int(path.stem) for path in (self.out / "_logemit/commit").glob("*.json")), default=0)

    # What a run sees, and owes.

    def _visible(self, names: Sequence[str]) -> list[str]:
        """Also what was rotated away from its name, what was written since to logs that were, and what grew there."""
        files = self.logs.files
        found = list(names)
        for base in self._stood if self.by_name else ():
            stood = self._stood[base]
            is_rotated = stood is not files[base].stream
            beside = [name for name in files if name.startswith((f"{base}.", f"{base}-"))]
            new = [name for name in beside if files[name].modified_at > self._last_run]
            found += [name for name in new if is_rotated or files[name].stream in self.known]
            found += [name for name in beside if is_rotated and files[name].stream is stood and name not in new]
        return found

    def _have_run(self, seen: Sequence[str]) -> None:
        logs = self.logs
        self._owes_gap |= any(stream.grown and stream.open and not logs.holders(stream) for stream in logs.vanished)
        ran = logs.now - 1_000_000
        for name in seen:
            file = logs.files[name]
            file.stream.open = file.stream.base == name and b"\n" in file.content and ran - file.modified_at < DAY
        for stream in [*logs.vanished, *(logs.files[name].stream for name in seen)]:
            stream.grown = False
        self._stood = {name: logs.files[name].stream for name in LIVE if name in logs.files}
        self.known |= {logs.files[name].stream for name in seen if b"\n" in logs.files[name].content}
        self._last_run = ran

    # What came out.

    def _check(self, is_dead: bool) -> None:
        if is_dead or not self.commits:
            return
        found = samples((self.out / "metrics.prom").read_text())
        for key, value in self._before.items():
            if key[0].endswith(("_total", "_sum", "_count", "_bucket")):
                assert found[key] >= value, key
        self._before = found
        self._check_totals(found)
        self._check_accounts(found)
        rows, wanted = rows_of(self.out / "jobs"), self.model.rows()
        assert rows == dict(wanted), differences(rows, wanted)
        assert {row: own.events for row, own in rows_of(self.out / "hourly").items()} == {
            r: s.events for r, s in wanted.items()
        }
        binned = Counter({row: sum(each["took_n"]) for row, each in raw_rows(self.out / "jobs_bins")})
        assert binned == Counter({row: own.events for row, own in wanted.items()})

    def _check_totals(self, found: Samples) -> None:
        model, s = self.model, 'service="s"'
        wanted: Samples = {("jobs_total", f'kind="{kind}",{s}'): own.events for (_, kind), own in model.totals.items()}
        if model.took:
            wanted["job_seconds_sum", s] = sum(model.took) / 1e6
            wanted["job_seconds_count", s] = wanted["job_seconds_bucket", f'le="+Inf",{s}'] = len(model.took)
            wanted["job_seconds_bucket", f'le="0.5",{s}'] = sum(took <= 500_000 for took in model.took)
        told = {key: value for key, value in found.items() if key[0].startswith("job") and "created" not in key[0]}
        assert told == wanted

    def _check_accounts(self, found: Samples) -> None:
        told: Counter[str] = Counter()
        for (name, _), value in found.items():
            if name in ACCOUNTS:
                told[ACCOUNTS[name]] += int(value)
        told["missing"], told["held"] = int(found["logemit_events_missing", ""]), int(found["logemit_events_held", ""])
        wanted = self.model.accounts + Counter(missing=self.model.missing, held=len(self.model.held))
        unsure = OF_READING | (OF_PROCESSES if self.model.has_forgotten else set()) if self.is_exotic else set()
        if self._was_split:  # a hole may have been sealed before the rest was read
            unsure = unsure | OF_HOLES
            assert unsure >= OF_PROCESSES or not_arrived(told) == not_arrived(wanted)
        different = {name for name in told | wanted if told[name] != wanted[name]} - unsure
        assert not different, {name: (told[name], wanted[name]) for name in different}
        gaps = found["logemit_source_gaps_total", ""]
        if not self.is_exotic:
            assert gaps == 0 or self.logs.vanished
            assert gaps > self._gaps or not self._owes_gap
        self._gaps, self._owes_gap = gaps, False


def not_arrived(accounts: Counter[str]) -> int:
    return accounts["lost"] - accounts["recovered"] + accounts["missing"]


def differences(found: dict[Row, Sum], wanted: dict[Row, Sum]) -> list[object]:
    keys = sorted({*found, *wanted})
    return [(key, found.get(key), wanted.get(key)) for key in keys if found.get(key) != wanted.get(key)]
