"""Logs read as a first run reads them, without a folder: which events count, and which were delivered before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .. import joins
from ..decode import Batch, Decoder
from ..definitions import Catalogue
from ..held import TOLERANCE
from ..positions import Positions
from ..processes import Processes
from ..reading import Reader
from ..records import Records, unwrap
from ..remote import Object
from ..seen import Seen

WARNINGS = 20


class Met(NamedTuple):
    """Events of one name, of a part of a source: those that count, and those that were delivered before."""

    source: str
    counted: Batch
    repeated: Batch


@dataclass
class Walk:
    """Once through the sources, in order. What is not of interest is passed over, but for its numbers."""

    names: Sequence[str | Object]
    catalogue: Catalogue
    now: int
    envelope: str | None = None
    ends: dict[str, int] = field(default_factory=dict)
    """How far each source was read; where that is known before, no further: logs grow."""
    read: int = 0
    events: int = 0
    """Lines that begin as events."""
    rejected: int = 0
    ahead: int = 0
    unfinished: int = 0
    warnings: list[str] = field(default_factory=list)

    def of(self, events: frozenset[str]) -> Iterator[Met]:
        """Raises ReadWriteError."""
        reader, decoder = Reader(Positions((), self.now), envelope=self.envelope), Decoder(self.catalogue)
        seen = Seen(lambda hour: (), Processes((), lambda proc: (), self.now), "")
        bounds = dict(self.ends)
        for name in self.names:
            for block in reader.blocks(name):
                end = bounds.get(str(name), block.offset + block.size)
                self.ends[str(name)] = max(self.ends.get(str(name), 0), end)
                if block.offset < end:
                    found = _before(unwrap(block, reader.stream), end)
                    yield from self._met(found, str(name), decoder, seen.admit, events)
                block.release()
        for stream in reader.passing:
            yield from self._met(joins.finished(stream), stream.name, decoder, seen.admit, events)
        for source, records in joins.settled(reader.positions):
            yield from self._met(records, source, decoder, seen.admit, events)
        self.unfinished, self.warnings = reader.unfinished, reader.warnings[:WARNINGS]

    def _met(
        self,
        records: Records,
        source: str,
        decoder: Decoder,
        admit: Callable[[str | None, int | None, int], bool],
        events: frozenset[str],
    ) -> Iterator[Met]:
        decoded = decoder.decode(records)
        self.read += records.read
        self.events += len(records.events)
        self.rejected += len(decoded.rejections)
        batches = [self._present(batch) for batch in decoded.batches.values()]
        wanted = [[False] * len(batch) for batch in batches]
        places = (
            (record.line, which, row) for which, batch in enumerate(batches) for row, record in enumerate(batch.records)
        )
        for _, which, row in sorted(places):
            wanted[which][row] = admit(*batches[which].origin(row))
        for batch, each in zip(batches, wanted, strict=True):
            if batch.plan.name in events and len(batch):
                counted = batch if all(each) else batch.keep(each)
                yield Met(source, counted, batch.keep([not counts for counts in each]))

    def _present(self, batch: Batch) -> Batch:
        """Without what is dated ahead."""
        is_present = [moment <= self.now + TOLERANCE for moment in batch.columns["timestamp"]]
        self.ahead += is_present.count(False)
        return batch if all(is_present) else batch.keep(is_present)


def _before(records: Records, end: int) -> Records:
    """Those of lines that begin before `end`."""
    if all(record.offset < end for record in records.events):
        return records
    return Records([record for record in records.events if record.offset < end], records.too_long, records.foreign)
