"""Everything derived anew from logs, beside what is there, and put in its place by one commit."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from . import cube, sources
from .config import Config
from .errors import InputError, NewerStateError, StateError, UsageError
from .history.marks import FOLDER as EXPORTED
from .history.marks import MARKS_PATH
from .outputs import check_summaries, partition_files
from .report import Progress, Report
from .run import Cluster, aggregate
from .store import State, Store, claimed, files, manifests, opened, tables

REBUILT = "_logemit/rebuild"
_OWN = ("_logemit/commit/", "_logemit/lock", "_logemit/staging", "_logemit/manifest/", "_logemit/damaged/", REBUILT)


def rebuild(
    patterns: Sequence[str],
    out: Path,
    config: Config,
    progress: Progress | None = None,
    *,
    discard: bool = False,
    workers: int | None = None,
    cluster: Callable[[], Cluster] | None = None,
) -> Report:
    """Replace all that stands in `out` by what the logs tell, also where it is damaged; all or nothing.

    Dates of which the logs hold nothing, and summaries that are not configured, go with `discard`, and are otherwise
    refused. No event is late for a rebuild. `workers` and `cluster` are those of aggregate. Raises a LogemitError; then
    nothing has changed.
    """
    sources.find(patterns)
    if not discard:
        check_summaries(out, config.catalogue)
    with claimed(out) as store:
        _finish_last(store)
        side = out / REBUILT
        files.remove_tree(side)  # over a damaged state, recovery does not come to what another rebuild left
        report = aggregate(patterns, side, _without_limit(config), progress, workers, cluster=cluster)
        if report.vanished:
            raise InputError(f"{report.vanished} of the sources vanished before they were read; run it again")
        with opened(side) as rebuilt:
            state = rebuilt.state
        if not discard:
            _check_dates(out, side, state.dropped_before)
        _replace(store, side, state, config)
        files.remove_tree(side)
    report.out = str(out)
    return report


def _without_limit(config: Config) -> Config:
    return replace(config, retention=replace(config.retention, late_days=None))


def _finish_last(store: Store) -> None:
    try:
        store.recover()
    except NewerStateError:
        raise
    except StateError:
        pass  # what is damaged is replaced


def _check_dates(out: Path, side: Path, dropped_before: str) -> None:
    """Refuses to lose dates unasked; a configured `drop_after` asks."""
    missing = sorted(date for date in _dates(out) - _dates(side) if date >= dropped_before)
    if missing:
        span = missing[0] if len(missing) == 1 else f"{missing[0]} to {missing[-1]} ({len(missing)} dates)"
        raise UsageError(
            f"{out}: these sources have nothing of {span}, which it holds; "
            "name the logs of that time too, or give --discard to empty it"
        )


def _dates(out: Path) -> set[str]:
    """Dates with a row in any summary."""
    return {path.parent.name.removeprefix("date=") for path in partition_files(out) if not _is_empty(path)}


def _is_empty(path: Path) -> bool:
    try:
        return tables.row_count(path) == 0
    except StateError:
        return False


def _replace(store: Store, side: Path, state: State, config: Config) -> None:
    """One commit: the rebuilt files over the old ones, nothing or empty files where there are none."""
    exported = dict(_exported(store))
    before = store.state
    store.begin_anew()
    for name, content in exported.items():
        store.stage(name, [content])
    new = {str(path.relative_to(side)) for path in side.rglob("*") if path.is_file()}
    new = {name for name in new if not name.startswith(_OWN)}
    for name in sorted(new):
        store.take(name, side / name)
    old = {str(path.relative_to(store.out)) for path in store.out.rglob("*") if path.is_file()}
    stale = {name for name in old - new - exported.keys() if name.startswith("_logemit/") and not name.startswith(_OWN)}
    stale_partitions = {str(path.relative_to(store.out)) for path in partition_files(store.out)} - new
    emptied = _empty_files(store, sorted(stale_partitions), config)
    old_manifests = {name for name in old if name.startswith(f"{manifests.FOLDER}/")}
    removed = stale | (stale_partitions - emptied) | old_manifests
    number, until, amended = store.state.commit + 1, before.history_until, before.history_amended
    store.commit(replace(state, commit=number, history_until=until, history_amended=amended), removed)


def _exported(store: Store) -> Iterator[tuple[str, bytes]]:
    """What tells what was exported, as far as it is whole: what is in Prometheus is not there again."""
    for path in (store.path(MARKS_PATH), *store.path(EXPORTED).glob(f"{manifests.DATED}/*.parquet")):
        name = str(path.relative_to(store.out))
        with suppress(StateError):
            if (content := store.read(name)) is not None:
                yield name, content


def _empty_files(store: Store, paths: Sequence[str], config: Config) -> set[str]:
    """Partitions that keep an empty file, which no reader fails on; those of no known summary go."""
    emptied = set()
    for path in paths:
        folder = path.partition("/")[0]
        summary = config.catalogue.summary(folder.removesuffix("_bins"))
        if summary is None:
            continue
        cells, bins = tables.partition_tables(cube.empty(summary))
        table = bins if folder.endswith("_bins") else cells
        if table is not None:
            store.stage(path, [tables.encoded(table)])
            emptied.add(path)
    return emptied
