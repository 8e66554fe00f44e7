"""Old partitions made smaller: minutes to hours, and nothing where nothing is kept any more."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from .config import Config
from .migration import opened
from .outputs import Change, Outputs, check_summaries, partition_files
from .report import Progress
from .retention import Cutoffs, until
from .store import Store, bucket, require_output


@dataclass(slots=True)
class Compacted:
    """What compact did. `removed` are the files of emptied partitions that were deleted."""

    out: str
    partitions: int = 0
    removed: int = 0
    steps: int = 0
    folded_before: str = ""
    dropped_before: str = ""
    bytes_before: int = 0
    bytes_after: int = 0


def compact(out: Path | str, config: Config, progress: Progress | None = None, *, remove: bool = False) -> Compacted:
    """Fold and empty partitions as the configuration's retention says, a month a commit; no counter changes.

    `remove` also deletes the files of emptied partitions: no reader may be at work then. `progress` is told commits
    done and commits in all. Raises a LogemitError; what was committed before is whole.
    """
    if isinstance(out, str):
        bucket.require_output(out)
    else:
        require_output(out)
    with opened(out) as store:
        now = until(time.time_ns() // 1000, store.state.newest_event)
        check_summaries(store.out, config.catalogue)
        done = Compacted(str(out), bytes_before=_size(store.out))
        total = _steps(store, config, now)
        while _step(store, config, now, done):
            if progress:
                progress(done.steps, max(total, done.steps))
        if remove:
            _remove(store, done)
        done.folded_before, done.dropped_before = store.state.folded_before, store.state.dropped_before
        done.bytes_after = _size(store.out)
    return done


def _steps(store: Store, config: Config, now: int) -> int:
    """About how many commits it will take."""
    cutoffs, dates, steps = Cutoffs.of(store.state), Outputs(store).dates(), 0
    while (after := cutoffs.moved(config.retention, now, dates)) != cutoffs:
        cutoffs, steps = after, steps + 1
    return steps


def _step(store: Store, config: Config, now: int, done: Compacted) -> bool:
    """One commit; False where nothing is left to do."""
    outputs, before = Outputs(store), Cutoffs.of(store.state)
    after = before.moved(config.retention, now, outputs.dates())
    if after == before:
        return False
    done.partitions += outputs.write_partitions(config.catalogue, Change(before, after))
    folded, dropped = after.folded_before, after.dropped_before
    number, lost = store.state.commit + 1, store.state.partitions_lost + len(store.gone)
    store.commit(
        replace(store.state, commit=number, folded_before=folded, dropped_before=dropped, partitions_lost=lost)
    )
    done.steps += 1
    return True


def _remove(store: Store, done: Compacted) -> None:
    gone = _emptied(store, Cutoffs.of(store.state))
    if gone:
        store.commit(replace(store.state, commit=store.state.commit + 1), gone)
        done.removed = len(gone)


def _emptied(store: Store, cutoffs: Cutoffs) -> list[str]:
    paths = (str(path.relative_to(store.out)) for path in partition_files(store.out))
    return sorted(path for path in paths if cutoffs.is_dropped(path.partition("/")[2]))


def _size(out: Path) -> int:
    return sum(path.stat().st_size for path in partition_files(out))
