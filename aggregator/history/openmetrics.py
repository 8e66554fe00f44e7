"""One file of OpenMetrics with timestamps, and what it may not hold: Prometheus would take it, and be the worse for it.

promtool takes a duplicate, drops what is out of order without a word, and knows nothing of counters; one sample in the
future makes Prometheus delete good blocks. Nothing of that leaves here, whatever was computed.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from ..errors import LogemitError
from ..promtext import number, series

CUMULATIVE = ("counter", "histogram", "summary")
_SUFFIXES = {
    "counter": ("", "_total", "_created"),
    "histogram": ("", "_bucket", "_count", "_sum", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
}
EOF = b"# EOF\n"
_AT_ONCE = 1440
"""Times of a run that are written together."""


@dataclass(frozen=True, slots=True)
class Head:
    """Of a family. `name` is without _total."""

    name: str
    type: str
    help: str


Run = tuple[int, Sequence[float] | None]
"""From this place of the times on, up to the next run, these values; None where there is no sample."""


@dataclass(frozen=True, slots=True)
class Track:
    """Samples that go together, such as the buckets of a histogram: (suffix, labels) of each, and their runs."""

    samples: Sequence[tuple[str, Mapping[str, str]]]
    runs: Sequence[Run]


class Document:
    """Of samples at these times. Raises LogemitError for what may not be."""

    def __init__(self, times: Sequence[int], now: float) -> None:
        if any(after <= before for before, after in itertools.pairwise(times)):
            raise LogemitError("samples out of order; nothing was written")
        if times and times[-1] > now:
            raise LogemitError(f"a sample at {times[-1]}, which is in the future; nothing was written")
        self._times = [f"{time}\n" for time in times]
        self._names: set[str] = set()
        self.samples = 0

    def family(self, head: Head, tracks: Iterator[Track], labels: Mapping[str, str], first: int) -> Iterator[bytes]:
        """A family from the place `first` of the times on, in pieces; nothing where it has no samples."""
        begun = False
        of_tracks = head
        head = self._named(head)
        seen: set[str] = set()
        for track in tracks:
            names = [series(f"{of_tracks.name}{suffix}", {**labels, **own}) for suffix, own in track.samples]
            if len(seen) + len(names) != len(seen.union(names)):
                raise LogemitError(f"{head.name}: a series twice; nothing was written")
            seen.update(names)
            self._check(of_tracks, track)
            for piece in self._lines(names, track.runs, first):
                if not begun:
                    yield _about(head)
                    begun = True
                yield piece

    def _named(self, head: Head) -> Head:
        """OpenMetrics keeps more names for a family than text 0.0.4: who comes second is of unknown type."""
        taken = {f"{head.name}{suffix}" for suffix in _SUFFIXES.get(head.type, ("",))}
        if self._names & taken and head.type in ("counter", "gauge"):
            suffix = "_total" if head.type == "counter" else ""
            head = Head(f"{head.name}{suffix}", "unknown", head.help)
            taken = {head.name}
        if head.type != "unknown" and self._names & taken:
            raise LogemitError(f"{head.name}: a family twice; nothing was written")
        self._names |= taken
        return head

    def _check(self, head: Head, track: Track) -> None:
        if head.type not in CUMULATIVE:
            return
        grows = [suffix != "_sum" for suffix, _ in track.samples]
        before: Sequence[float] = [0.0] * len(grows)
        for _, values in track.runs:
            if values is None:
                continue
            for least, value, must_grow in zip(before, values, grows, strict=True):
                if not isfinite(value) or (must_grow and value < least):
                    raise LogemitError(
                        f"{head.name}: a {head.type} goes from {least:g} to {value:g}; leave it out: name the others "
                        "with --metric"
                    )
            before = values

    def _lines(self, names: Sequence[str], runs: Sequence[Run], first: int) -> Iterator[bytes]:
        ends = [*(place for place, _ in runs[1:]), len(self._times)]
        for (place, values), end in zip(runs, ends, strict=True):
            if values is None:
                continue
            pieces = [f"{name} {number(value)} " for name, value in zip(names, values, strict=True)]
            for start in range(max(place, first), end, _AT_ONCE):
                times = self._times[start : min(end, start + _AT_ONCE)]
                self.samples += len(times) * len(pieces)
                yield "".join([piece + time for time in times for piece in pieces]).encode()


def _about(head: Head) -> bytes:
    help_text = head.help.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f"# HELP {head.name} {help_text}\n# TYPE {head.name} {head.type}\n".encode()
