"""The whole way from a question to the lines behind a number, through the logs twice: to add up, and to tell."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import remote, sources
from ..admission import Admission
from ..config import Config
from ..content import Content
from ..decode import Batch
from ..errors import ReadWriteError, UsageError
from ..filters import taken
from ..promtext import series
from ..records import Record
from ..rollup import rollup
from . import query as asking
from .folder import Compared, Folder
from .measured import OfInstrument
from .numbers import Number, OfMetric, metrics_by_sample, total
from .query import Query, Span
from .sums import Sums
from .walk import Walk

MOST_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """An event behind the number. `offset` is that of its line's first byte, in the unpacked file where it is packed.

    Where an event came in parts, it is that of the last of them; without a line, parts of two sources were joined.
    """

    file: str
    line: int
    offset: int
    packed: bool
    adds: float
    """What it adds to the number, or what it sets; 0 where it was delivered before."""
    sets: bool
    """It does not add, but is what was told last."""
    duplicate: bool
    record: bytes
    """The event as it was written, out of its envelope."""


@dataclass(slots=True)
class Explanation:
    """What makes a number. Times are seconds since 1970."""

    metric: str
    labels: dict[str, str]
    begin: int | None = None
    end: int | None = None
    """Until before then; None where it is all time."""
    value: float | None = None
    """What the samples add up to; None where several do not."""
    samples: list[tuple[str, float]] = field(default_factory=list)
    """As in metrics.prom, the first thousand."""
    events: int = 0
    """Lines behind it that count."""
    duplicates: int = 0
    """Lines that were delivered before, and are dropped."""
    read: int = 0
    rejected: int = 0
    ahead: int = 0
    """Events dated in the future, which wait."""
    unfinished: int = 0
    folder: Compared | None = None
    warnings: list[str] = field(default_factory=list)


def explain(
    metric: str,
    at: str | None,
    patterns: Sequence[str],
    config: Config,
    tell: Callable[[Line], None],
    *,
    envelope: str | None = None,
    out: Path | None = None,
) -> Explanation:
    """What a sample of metrics.prom is made of, in a window or over all time. `tell` gets each line, in their order.

    `out` is an output folder to compare with, whose caps hold then. Changes nothing. Raises UsageError for what does
    not exist, InputError, ReadWriteError, StateError.
    """
    query = asking.parsed(metric)
    span = None if at is None else asking.spanned(at, config.window_seconds)
    folder = Folder(out) if out is not None else None
    number = _number(query, config, folder.admission() if folder else Admission(None))
    names: list[str | remote.Object] = [*_files(patterns), *remote.find(patterns)]
    sums = Sums(number.summaries, folder.before if folder else None)
    work = _Explain(number, query, span, config, Walk(names, config.catalogue, _now(), envelope))
    explained = work.run(sums, tell)
    if folder:
        explained.folder = folder.compared(number, query, span, work.walk)
    return explained


def _now() -> int:
    return time.time_ns() // 1000


def _files(patterns: Sequence[str]) -> list[str]:
    """Raises UsageError for what cannot be read twice."""
    names = sources.find(patterns)
    for name in names:
        if not Path(name).is_file():
            raise UsageError(f"{'standard input' if name == '-' else name}: is read twice here; name files or URLs")
    return names


def _number(query: Query, config: Config, admission: Admission) -> Number:
    """Raises UsageError."""
    known = metrics_by_sample(config.catalogue)
    if query.name in known:
        return OfMetric(query, known[query.name], config, admission)
    if query.name.startswith("logemit_"):
        raise UsageError(
            f"{query.name:.200} tells of the runs, and no line alone makes it; see logemit status DIR, "
            "logemit check SOURCE, logemit aggregate --rejects"
        )
    for family in config.catalogue.metrics:
        if family.type == "histogram" and family.name == query.name:
            raise UsageError(f"{query.name} is a histogram; name {query.name}_count, _sum, or _bucket with le")
    return OfInstrument(query, config, admission)


class _Explain:
    def __init__(self, number: Number, query: Query, span: Span | None, config: Config, walk: Walk) -> None:
        self._number, self._span, self._config, self.walk = number, span, config, walk
        self._packed: dict[str, bool] = {}
        self._events = frozenset(summary.event for summary in number.summaries)
        self._found = Explanation(query.name, dict(query.labels))
        if span:
            self._found.begin, self._found.end = span.begin, span.end

    def run(self, sums: Sums, tell: Callable[[Line], None]) -> Explanation:
        found, number, walk = self._found, self._number, self.walk
        self._add_up(sums)
        source = sums.source()
        number.settle(source)
        samples = number.samples(source)
        found.samples = [(series(sample.name, sample.labels), sample.value) for sample in samples[:MOST_SAMPLES]]
        found.value = total(number, samples)
        found.read, found.rejected, found.ahead = walk.read, walk.rejected, walk.ahead
        found.unfinished, found.warnings = walk.unfinished, walk.warnings
        self._tell(tell)
        return found

    def _add_up(self, sums: Sums) -> None:
        for met in self.walk.of(self._events):
            batch = self._in_span(met.counted)
            for summary in self._number.summaries if len(batch) else ():
                if summary.event == batch.plan.name:
                    sums.add(taken(rollup(batch, summary, self._config.window_seconds)))

    def _tell(self, tell: Callable[[Line], None]) -> None:
        again = Walk(self.walk.names, self.walk.catalogue, self.walk.now, self.walk.envelope, self.walk.ends)
        for met in again.of(self._events):
            for line in self._lines(met.source, self._in_span(met.counted), is_duplicate=False):
                self._found.events += 1
                tell(line)
            if self._number.adds_up:
                for line in self._lines(met.source, self._in_span(met.repeated), is_duplicate=True):
                    self._found.duplicates += 1
                    tell(line)
        if again.events != self.walk.events:
            raise ReadWriteError("the logs were rotated or changed while they were read; run it again")

    def _lines(self, source: str, batch: Batch, *, is_duplicate: bool) -> Iterator[Line]:
        number = self._number
        for row, adds in number.lines(batch) if len(batch) else ():
            record: Record = batch.records[row]
            if source not in self._packed:
                self._packed[source] = self._is_packed(source)
            value = 0.0 if is_duplicate else float(adds)
            yield Line(
                source,
                record.line,
                record.offset,
                self._packed[source],
                value,
                not number.adds_up,
                is_duplicate,
                record.text,
            )

    def _in_span(self, batch: Batch) -> Batch:
        if self._span is None:
            return batch
        return batch.keep([self._span.holds(moment) for moment in batch.columns["timestamp"]])

    def _is_packed(self, source: str) -> bool:
        """Whether what is read of a source is not what lies there, byte for byte."""
        for each in self.walk.names:
            if str(each) == source:
                with each.opened() if isinstance(each, remote.Object) else sources.opened(each) as file:
                    return Content(file, file.seek(0, 2)).is_packed
        return False
