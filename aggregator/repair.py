"""An output folder looked through file by file: what is damaged, what of it can be mended, and what going on costs.

What follows from other files is made again: a commit's record from its copy, totals from partitions, a manifest from
the files that it names. What does not (the numbers seen, a partition, held events) is gone without a backup or the
logs; it can be set aside, so that runs go on, and what that means is said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date as calendar_date
from datetime import timedelta
from pathlib import Path

from . import cube, damage, live
from .config import Config
from .damage import Finding, Kind, Outcome, problem_of
from .definitions import Summary
from .errors import NewerStateError, StateError
from .fields import LONGEST
from .memory import SEEN_FOLDER
from .migration import migrate
from .outputs import Outputs
from .store import Store, claimed, files, manifests, records, require_output

DAMAGED = "_logemit/damaged"
_WHOLE = "restore the whole folder from a backup, or give its logs to logemit rebuild"


@dataclass(slots=True)
class Repaired:
    out: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Findings that still stand in the way of a run; what the next run mends by itself does not."""
        stands = (finding for finding in self.findings if finding.outcome in ("mendable", "lost"))
        return sum(finding.stops_runs for finding in stands)


def repair(out: Path, config: Config, *, dry_run: bool = False, set_aside: bool = False) -> Repaired:
    """Mend what can be mended without losing anything; with `set_aside`, go on without the rest.

    `dry_run` only says what it would do. Raises InputError, LockedError, OutputError, ReadWriteError, NewerStateError.
    """
    require_output(out)
    done = Repaired(str(out))
    with claimed(out) as store:
        if _mend_record(store, done, dry_run=dry_run):
            found = sorted(damage.find(store), key=lambda finding: finding.kind != "partition")
            for first in (True, False):  # what is derived from partitions needs their manifests
                work = _Work(store, config, dry_run=dry_run, set_aside=set_aside)
                chosen = [finding for finding in found if (finding.kind == "manifest") == first]
                done.findings.extend(work.settled(finding) for finding in chosen)
                work.commit()
    return done


def _mend_record(store: Store, done: Repaired, *, dry_run: bool) -> bool:
    """Whether the newest commit can be read and is in its place."""
    try:
        found = records.mend(store.out, dry_run=dry_run)
        if found:
            outcome: Outcome = "mendable" if dry_run else "mended"
            done.findings.append(Finding(found, "record", "was damaged", "restored from its copy", outcome))
            if dry_run:
                return False
        store.load()
        if not store.is_applied:
            problem, remedy = "was cut short while its files were put in place", "finished, as the next run would"
            name = f"_logemit/commit/{store.state.commit:010d}.json"
            done.findings.append(Finding(name, "commit", problem, remedy, "mendable" if dry_run else "mended"))
        if dry_run:
            return store.is_applied and not store.is_older
        store.recover()
        if store.is_older:
            migrate(store)
    except NewerStateError:
        raise
    except StateError as exc:
        done.findings.append(Finding("_logemit", "record", problem_of(exc), _WHOLE, "lost"))
        return False
    return True


class _Work:
    """Settles findings one by one, and commits what that changes."""

    def __init__(self, store: Store, config: Config, *, dry_run: bool, set_aside: bool) -> None:
        self._store = store
        self._config = config
        self._dry_run = dry_run
        self._set_aside = set_aside
        self._state = replace(store.state, commit=store.state.commit + 1)
        self._removed: list[str] = []
        self._derived: set[str] = set()
        self._mended = 0

    def settled(self, finding: Finding) -> Finding:
        mend = _MENDED_BY.get(finding.kind)
        if mend is not None and (remedy := mend(self, finding)):
            self._mended += not self._dry_run
            return replace(finding, remedy=remedy, outcome="mendable" if self._dry_run else "mended")
        cost = _COSTS.get(finding.kind)
        if finding.kind == "totals" and self._summary(finding) is None:
            return replace(finding, remedy="this summary is not configured; give its --config", outcome="lost")
        if cost is None or not self._set_aside or self._dry_run:
            remedy = f"{_WHOLE}; --set-aside goes on without it: {cost}" if cost else _WHOLE
            return replace(finding, remedy=remedy, outcome="lost")
        self._put_aside(finding)
        return replace(finding, remedy=cost, outcome="set aside")

    def commit(self) -> None:
        if self._mended:
            self._store.commit(self._state, self._removed)

    # What can be made again. Each gives what it did, or "" if it cannot.

    def manifest(self, finding: Finding) -> str:
        self._state.partitions_lost += 1  # it alone knew which there were
        if not self._dry_run:
            date = Path(finding.path).stem.removeprefix("date=")
            self._store.drop_manifest(date)
            self._store.adopt(damage.digests(self._store, date))
        return "written anew: the files of its date are taken as they are"

    def removed_partition(self, finding: Finding) -> str:
        self._state.partitions_lost += 1
        if not finding.is_removed_partition:
            return ""
        if not self._dry_run:
            self._removed.append(finding.path)
        return "forgotten: what it held is in the totals only"

    def exemplars(self, finding: Finding) -> str:
        if not self._dry_run:
            self._removed.append(finding.path)
        return "forgotten: nothing follows from them, and the next run begins anew"

    def totals(self, finding: Finding) -> str:
        summary = self._summary(finding)
        if summary is None or not self._is_derivable(summary):
            return ""
        if not self._dry_run:
            self._derive(summary)
        return "derived again from the partitions"

    def _summary(self, finding: Finding) -> Summary | None:
        name = Path(finding.path).stem
        return self._config.catalogue.summary(name) or self._config.catalogue.summary(name.removesuffix("_bins"))

    def _is_derivable(self, summary: Summary) -> bool:
        """Whether the partitions hold all that was ever counted, to the last microsecond."""
        state = self._state
        if state.dropped_before or state.late or state.partitions_lost or summary.name in state.folded:
            return False
        try:
            for whole in Outputs(self._store).partitions(summary):
                for measure in summary.measures:
                    column = whole.cells[f"{measure.name}_sum"]
                    if measure.unit == "seconds" and cube.largest(column) >= LONGEST:
                        return False
        except StateError:
            return False
        return True

    def _derive(self, summary: Summary) -> None:
        if summary.name in self._derived:
            return
        self._derived.add(summary.name)
        outputs = Outputs(self._store)
        total = cube.empty(summary, windowed=False)
        for whole in outputs.partitions(summary):
            total = cube.merge([total, cube.totals(whole)])
        outputs.replace_totals(live.settled(total))

    # What cannot.

    def _put_aside(self, finding: Finding) -> None:
        """Out of the way, and out of the account."""
        self._mended += 1
        if finding.kind == "totals" and (summary := self._summary(finding)):
            self._derive(summary)
            return
        self._removed.append(finding.path)
        source = self._store.path(finding.path)
        if source.exists():
            target = self._store.path(f"{DAMAGED}/{self._state.commit}/{finding.path}")
            files.make_folder(target.parent)
            files.rename(source, target)
        if finding.kind == "seen":
            self._check_from(_day_after(manifests.date_in(finding.path) or ""))
        if finding.kind == "held":
            held = self._state.held
            self._state.released += held
            self._state.rejected = {**self._state.rejected, "damaged": self._state.rejected.get("damaged", 0) + held}

    def _check_from(self, date: str) -> None:
        """What was seen on the dates before is asked no more, and goes."""
        state = self._state
        state.checked_from = max(state.checked_from, date)
        given_up = [known for known in state.seen_dates if known < state.checked_from]
        state.seen_dates = [known for known in state.seen_dates if known >= state.checked_from]
        for before in given_up:
            names = (str(path.relative_to(self._store.out)) for path in damage.on_disk(self._store, before))
            self._removed.extend(name for name in names if name.startswith(SEEN_FOLDER))


_MENDED_BY: Mapping[Kind, Callable[[_Work, Finding], str]] = {
    "manifest": _Work.manifest,
    "partition": _Work.removed_partition,
    "totals": _Work.totals,
    "exemplars": _Work.exemplars,
}
_COSTS: Mapping[Kind, str] = {
    "partition": "its windows begin empty; totals and metrics keep what it held",
    "totals": "counters begin with what the partitions hold, and fall once",
    "seen": "duplicates are known from the day after it only; events of that day and before count unchecked",
    "history": "lines missing now, and lines lost in the last week, are forgotten",
    "objects": "objects are read again: their events are known as duplicates, other lines count twice",
    "held": "events that waited for their time are counted as rejected",
    "admitted": "which series are shown is decided anew where a metric has too many of them; some may vanish or fall",
    "exported": "a backfill exports again what this said was exported, or does not notice what comes late for it",
    "unknown": "it is no part of what the state knows",
}


def _day_after(date: str) -> str:
    return (calendar_date.fromisoformat(date) + timedelta(days=1)).isoformat()
