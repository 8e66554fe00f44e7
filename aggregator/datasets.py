"""The Parquet of a summary, as far as it is asked for: some columns, of some time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from . import remote
from .cube import WINDOW_SECONDS, WINDOW_START
from .definitions import Measure, Summary
from .errors import InputError, ReadWriteError, StateError, UsageError
from .grouping import TEXT
from .spans import in_utc, parse_time
from .urls import is_url


@dataclass(frozen=True, slots=True)
class Span:
    """Windows that begin at `since` or later, and before `until`; None for no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def has_date(self, date: str) -> bool:
        """Of a date, as "2026-11-20": whether any of it is meant."""
        first = self.since.date().isoformat() if self.since else ""
        last = self.until.date().isoformat() if self.until else "~"
        is_midnight = self.until is not None and self.until.time() == time.min
        return first <= date <= last and not (is_midnight and date == last)

    @property
    def expression(self) -> pc.Expression:
        start, wanted = pc.field(WINDOW_START.name), pc.scalar(True)
        if self.since is not None:
            wanted &= start >= pa.scalar(self.since, WINDOW_START.type)
        if self.until is not None:
            wanted &= start < pa.scalar(self.until, WINDOW_START.type)
        return wanted


def span(since: datetime | str | None, until: datetime | str | None) -> Span:
    """Of moments, or ISO text; what has no zone is in UTC. Raises UsageError."""
    return Span(_moment(since, "since"), _moment(until, "until"))


def _moment(given: datetime | str | None, name: str) -> datetime | None:
    if given is None or isinstance(given, str):
        return None if given is None else parse_time(given, name)
    try:
        return in_utc(given)
    except (AttributeError, OverflowError):
        raise UsageError(f"{name} is {given!r}, expected a date or a time: 2026-11-20, 2026-11-20T12:30:00Z") from None


def cells(out: str | Path, summary: Summary, columns: Iterable[str], when: Span) -> pa.Table:
    """The rows of a summary with their windows and these columns, each of which is there.

    Of files from before the summary had it, a dimension is "", and a measure or a gauge is null. Raises InputError for
    a folder without this summary, StateError for damaged files.
    """
    types = {"events": pa.int64()}
    for measure in summary.measures:
        kind = pa.int64() if measure.unit in ("bytes", "count") else pa.float64()
        types |= {f"{measure.name}_{suffix}": kind for suffix in ("sum", "min", "max")}
    for gauge in summary.gauges:
        types |= {f"{gauge}_last": pa.float64(), f"{gauge}_last_at": WINDOW_START.type}
    return _table(out, summary.name, summary, columns, types, when)


def bins(out: str | Path, summary: Summary, columns: Iterable[str], measure: Measure, when: Span) -> pa.Table:
    """The same of the bins of a measure, a bin a row: `le` and `n` beside the columns."""
    types = {f"{measure.name}_le": pa.list_(pa.float64()), f"{measure.name}_n": pa.list_(pa.int64())}
    table = _table(out, f"{summary.name}_bins", summary, [*columns, *types], types, when)
    les, counts = (table[name].combine_chunks() for name in types)
    long = table.drop_columns(list(types)).take(pc.list_parent_indices(les))
    return long.append_column("le", pc.list_flatten(les)).append_column("n", pc.list_flatten(counts))


def present(out: str | Path) -> list[str]:
    """The names of the summaries that a folder holds, in the order of the alphabet."""
    if isinstance(out, str) and is_url(out):
        files = remote.filesystem(out)
        with remote.told(out):
            paths = files.glob(f"{remote.path_of(files, out).rstrip('/')}/*/date=*")
    else:
        paths = map(str, Path(out).glob("*/date=*"))
    names = {path.rstrip("/").rsplit("/", 2)[-2] for path in paths}
    return sorted(name for name in names if not name.endswith("_bins") and not name.startswith("_"))


def _table(
    out: str | Path,
    name: str,
    summary: Summary,
    columns: Iterable[str],
    types: dict[str, pa.DataType],
    when: Span,
) -> pa.Table:
    types = {**dict.fromkeys(summary.group, TEXT), **types}
    fields = [pa.field(each, types[each]) for each in dict.fromkeys(columns)]
    schema = pa.schema([WINDOW_START, WINDOW_SECONDS, *fields])
    files, paths = _paths(out, name)
    wanted = [path for path in paths if when.has_date(path.rsplit("/", 2)[-2].removeprefix("date="))]
    with remote.told(str(out)) if files else _told(f"{out}/{name}"):
        found = ds.dataset(wanted, schema, format="parquet", filesystem=files)
        table = found.to_table(filter=when.expression) if wanted else schema.empty_table()
    for at, field in enumerate(schema):
        if field.type == TEXT and table[field.name].null_count:
            table = table.set_column(at, field, table[field.name].cast(pa.string()).fill_null("").cast(TEXT))
    return table


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Raises StateError where a file is damaged."""
    try:
        yield
    except PermissionError as exc:
        raise ReadWriteError(f"{name}: cannot be read: {exc.strerror or exc}; check its permissions") from None
    except (pa.ArrowException, OSError) as exc:
        reason = str(exc).partition("\n")[0]
        raise StateError(f"{name}: not readable as Parquet: {reason}; see logemit repair") from None


def _paths(out: str | Path, name: str) -> tuple[Any, list[str]]:
    """(file system, None for the machine's own; its files of the dataset, in order). Raises InputError."""
    if isinstance(out, str) and is_url(out):
        files = remote.filesystem(out)
        with remote.told(out):
            paths = files.glob(f"{remote.path_of(files, out).rstrip('/')}/{name}/date=*/*.parquet")
    else:
        days = _listed(Path(out, name), "date=*")
        files, paths = None, [str(path) for day in days for path in _listed(day, "*.parquet")]
    if not paths:
        raise InputError(f"{out}: no {name} here; run logemit aggregate … --out {out} on logs that hold such events")
    return files, sorted(paths)


def _listed(folder: Path, pattern: str) -> list[Path]:
    """What is in a folder, if there is one. Raises ReadWriteError where it may not be read, which glob passes over."""
    try:
        return [path for path in folder.iterdir() if path.match(pattern)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise ReadWriteError(f"{folder}: cannot be read: {exc.strerror}; check its permissions") from None
