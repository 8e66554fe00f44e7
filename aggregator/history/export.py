"""From the windows of a folder to files for promtool, and what was exported into the folder's state.

The order that no kill can break: the files are written under temporary names and brought to the disk, then a commit of
the folder says what was exported and names them, then they get their names. Killed before the commit, nothing was
exported, and the next backfill writes over what was left; killed after it, the next one gives the files their names.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from glob import escape
from hashlib import sha256
from itertools import chain
from pathlib import Path

from ..admission import ADMITTED_PATH, Admission
from ..config import Config
from ..errors import LogemitError, OutputError
from ..migration import opened
from ..outputs import Outputs
from ..promtext import gathered
from ..report import Progress
from ..spans import DAY
from ..store import Store, bucket, files, require_output
from ..store.commit import told
from ..urls import is_url
from .amendments import Amendment, survey
from .families import Folder, Group
from .marks import MARKS_PATH, File, Marks
from .openmetrics import EOF, Document
from .timeline import STALE_AFTER, Slice, Wanted, slices, upwards

_CHUNK = 1 << 18
SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Written:
    """A file, its samples, and the times of the first and the last, in seconds since 1970."""

    path: str
    samples: int
    begin: int
    end: int


@dataclass(slots=True)
class Backfilled:
    """What a backfill did. Times are seconds since 1970."""

    out: str
    files: list[Written] = field(default_factory=list)
    families: int = 0
    samples: int = 0
    until: int = 0
    """Until then all is exported that was asked for; 0 where nothing ever was."""
    amended: int = 0
    """Events that came for windows that had been exported, since the last backfill."""
    amendments: list[Amendment] = field(default_factory=list)
    """The first of these windows."""
    finished: list[str] = field(default_factory=list)
    """Files of a backfill that was killed, which have their names now."""
    warnings: list[str] = field(default_factory=list)
    is_dry: bool = False


def backfill(
    out: Path | str,
    target: Path,
    config: Config,
    wanted: Wanted,
    progress: Progress | None = None,
    *,
    force: bool = False,
    anew: bool = False,
    dry_run: bool = False,
) -> Backfilled:
    """Write what is sealed in `out` and was not exported yet to files named after `target`.

    `force` writes over files, `anew` exports what was exported before, too; `dry_run` only tells what there would be.
    `progress` is told files done and files in all. Raises a LogemitError; then nothing was exported.
    """
    if isinstance(out, str):
        bucket.require_output(out)
    else:
        require_output(out)
    _check_target(target)
    with opened(out) as store:
        return _Backfill(store, target, config, wanted, force=force, anew=anew, dry_run=dry_run).run(progress)


class _Backfill:
    def __init__(
        self, store: Store, target: Path, config: Config, wanted: Wanted, *, force: bool, anew: bool, dry_run: bool
    ) -> None:
        self._store, self._target, self._config, self._wanted = store, target, config, wanted
        self._force, self._dry_run = force, dry_run
        self._now = time.time_ns() // 1000
        self._step = wanted.step or max(config.window_seconds, 60)
        self._known = Marks.of(store.read(MARKS_PATH))
        self._marks = Marks() if anew else self._known
        # Others may write to the same folder.
        place = store.name if is_url(store.name) else str(Path(store.name).resolve())
        self._token = sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self._outputs = Outputs(store)
        self._end = self._last_sample()
        self.done = Backfilled(store.name, is_dry=dry_run)
        if self._step > STALE_AFTER:
            self.done.warnings.append(
                f"a sample every {self._step} s: Prometheus shows a gap after 300 s; give a --step of at most 4min"
            )

    def _last_sample(self) -> int:
        """Of a window that is sealed; never in the future."""
        newest = min(self._store.state.newest_event, self._now)
        sealed = newest // SECOND - self._wanted.sealed_after
        until = sealed if self._wanted.end is None else min(sealed, self._wanted.end)
        return max(0, min(until, self._now // SECOND) // self._step * self._step)

    def run(self, progress: Progress | None) -> Backfilled:
        self._finish_last()
        admission = Admission(self._store.read(ADMITTED_PATH))
        wanted = self._wanted.metrics
        folder = Folder(
            self._outputs, self._config, admission, self._step, self._end, wanted, self._mark, self._wanted.labels
        )
        groups = [group for group in folder.groups() if group.families]
        self.done.warnings.extend(folder.warnings)
        written = self._write(groups, progress) if groups else []
        self._commit(groups, admission, written)
        return self.done

    def _mark(self, family: str) -> int:
        return max(self._marks.families.get(family, 0), self._wanted.begin - 1)

    def _finish_last(self) -> None:
        """Give the files of a backfill that was killed their names."""
        for file in self._known.files:
            try:
                if self._dry_run or files.digest(Path(file.temporary)) != file.sha256:
                    continue
            except OSError as exc:
                message = f"{file.temporary}: {exc.strerror}; if the last backfill was killed, {file.path} is there"
                self.done.warnings.append(message)
                continue
            if not file.replaces and Path(file.path).exists():
                raise OutputError(f"{file.path}: stands where a file of the last backfill belongs; move it away")
            _put(file)
            self.done.finished.append(file.path)
        if not self._dry_run:
            for path in self._target.parent.glob(f".{escape(self._target.stem)}*.{self._token}.tmp"):
                files.remove(path)

    # The files.

    def _write(self, groups: Sequence[Group], progress: Progress | None) -> list[File]:
        marks = [family.mark for group in groups for family in group.families]
        begins = [begin for group in groups if (begin := group.begin) is not None]
        begin = min([*begins, *(self._after(mark) for mark in marks if mark)], default=self._end + 1)
        all_of = list(slices(upwards(begin, self._step), self._end, self._step, self._wanted.split))
        paths = [self._path(of, min(marks)) for of in all_of]
        if not self._force:
            self._check_free(path for of, path in zip(all_of, paths, strict=True) if of.end > min(marks))
        written: list[File] = []
        try:
            for number, (of, path) in enumerate(zip(all_of, paths, strict=True)):
                if progress:
                    progress(number, len(all_of))
                written.extend(self._write_slice(of, groups, path))
        except LogemitError:
            for file in written:
                files.remove(Path(file.temporary))
            raise
        return written

    def _after(self, mark: int) -> int:
        """The first sample after a time."""
        return (mark // self._step + 1) * self._step

    def _path(self, of: Slice, mark: int) -> Path:
        """Named after the day or the hour; after the first sample where a part of that was exported before."""
        target, split = self._target, self._wanted.split
        if not split:
            return target
        begin = of.begin // split * split
        form = "%Y-%m-%dT%H%M" if split % DAY else "%Y-%m-%d"
        if mark and self._after(mark) > upwards(begin, self._step):
            begin, form = max(of.begin, self._after(mark)), "%Y-%m-%dT%H%M%S"
        return target.with_name(f"{target.stem}-{datetime.fromtimestamp(begin, UTC):{form}}{target.suffix}")

    def _check_free(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path.exists():
                raise OutputError(
                    f"{path}: is there already; remove it once it is imported, or give --output or --force"
                )

    def _write_slice(self, of: Slice, groups: Sequence[Group], path: Path) -> Iterator[File]:
        """One file; none of a slice without samples."""
        document = Document(of.times, self._now / SECOND)
        pieces = gathered(self._families(of, groups, document), _CHUNK)
        first = next(pieces, None)
        if first is None:
            return
        if self._dry_run:
            deque(pieces, maxlen=0)
        else:
            temporary = path.with_name(f".{path.name}.{self._store.state.commit + 1}.{self._token}.tmp")
            with told(path):
                sha = files.write(temporary, chain([first], pieces, [EOF]))
            yield File(str(path.absolute()), str(temporary.absolute()), sha, self._force)
        times = [time for time in of.times if time > min(family.mark for group in groups for family in group.families)]
        self.done.files.append(Written(str(path), document.samples, times[0], times[-1]))
        self.done.samples += document.samples

    def _families(self, of: Slice, groups: Sequence[Group], document: Document) -> Iterator[bytes]:
        for group in groups:
            if of.end <= group.after:
                continue
            for family, tracks in group.tracks(of):
                after = self._after(family.mark)
                first = max(0, (after - of.begin) // of.step)
                yield from document.family(family.past.head, tracks, self._wanted.labels, first)

    # The state.

    def _commit(self, groups: Sequence[Group], admission: Admission, written: list[File]) -> None:
        store, known, done = self._store, self._known, self.done
        exported = [group for group in groups if done.files]
        after = dict(known.summaries)
        for summary in (summary for group in exported for summary in group.summaries):
            after[summary.name] = max(self._end, after.get(summary.name, 0))
        found = survey(store, self._outputs, self._config.catalogue.summaries, known.summaries, after)
        done.amended, done.amendments = found.events, found.listed
        families = [family.name for group in exported for family in group.families]
        done.families = len(families)
        marks = {**known.families, **dict.fromkeys(families, self._end)}
        done.until = max(marks.values(), default=0)
        if self._dry_run or not (written or found.records):
            return
        store.stage(MARKS_PATH, [Marks(marks, after, written or known.files).encoded()])
        found.write(store)
        if (admitted := admission.encoded(is_all=False)) is not None:
            store.stage(ADMITTED_PATH, [admitted])
        state = store.state
        for folder in {Path(file.path).parent for file in written}:
            with told(folder):
                files.sync_folder(folder)
        state = replace(
            state,
            commit=state.commit + 1,
            history_until=max(done.until, state.history_until),
            history_amended=state.history_amended + found.events,
            partitions_lost=state.partitions_lost + len(store.gone),
        )
        store.commit(state)
        for file in written:
            _put(file)


def _check_target(target: Path) -> None:
    if target.is_dir():
        raise OutputError(f"{target}: is a folder, expected the name of a file, such as {target / 'history.om'}")
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent}: no such folder; make it, or choose another --output")


def _put(file: File) -> None:
    """Give it its name."""
    path = Path(file.path)
    with told(path):
        files.rename(Path(file.temporary), path)
        files.sync_folder(path.parent)
