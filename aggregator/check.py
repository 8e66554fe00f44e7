"""What stands in a log, without writing anything: events by name, what is foreign, what is rejected and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from .decode import Decoder
from .definitions import Catalogue
from .joins import finished
from .reading import Reader
from .records import Records, unwrap
from .remote import Object
from .streams import Stream

REJECTIONS_SHOWN = 1000
SOURCES_SHOWN = 1000
WARNINGS_SHOWN = 20


@dataclass(slots=True)
class Findings:
    read: int = 0
    foreign: int = 0
    rejected: int = 0
    unfinished: int = 0
    events: dict[str, int] = field(default_factory=dict)
    """Lines by event, most first."""
    fields_invalid: dict[str, int] = field(default_factory=dict)
    """Values left out, by event.field."""
    envelopes: dict[str, dict[str, int]] = field(default_factory=dict)
    """By source, the lines that may hold events by what they are wrapped in; the first thousand sources."""
    rejections: list[str] = field(default_factory=list)
    """`file:line: reason`, the first thousand."""
    warnings: list[str] = field(default_factory=list)


def check(names: Sequence[str | Object], catalogue: Catalogue, envelope: str | None = None) -> Findings:
    """Read files whole, from their start. Raises UsageError, InputError, ReadWriteError."""
    reader, checked = Reader(envelope=envelope), _Checked(Decoder(catalogue))
    for name in names:
        for block in reader.blocks(name):
            checked.take(unwrap(block, reader.stream), str(name))
        checked.take(finished(reader.stream), str(name))
        checked.envelopes(str(name), reader.stream)
    found = checked.found
    found.unfinished, found.warnings = reader.unfinished, reader.warnings
    return checked.summed_up()


class _Checked:
    def __init__(self, decoder: Decoder) -> None:
        self.found = Findings()
        self._decoder = decoder
        self._events: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._unwanted: set[str] = set()

    def take(self, records: Records, name: str) -> None:
        found, decoded = self.found, self._decoder.decode(records)
        found.read += records.read
        found.foreign += records.foreign
        found.rejected += len(decoded.rejections)
        batches = decoded.batches
        self._invalid.update(decoded.fields_invalid)
        self._events.update({event: len(batch) for event, batch in batches.items()})
        self._unwanted.update(batch.plan.warning for batch in batches.values() if batch.plan.warning)
        room = REJECTIONS_SHOWN - len(found.rejections)
        found.rejections.extend(f"{name}:{r.record.line}: {r.reason}" for r in decoded.rejections[:room])

    def envelopes(self, name: str, stream: Stream) -> None:
        """What was recognised in a source that was read."""
        if stream.found and len(self.found.envelopes) < SOURCES_SHOWN:
            self.found.envelopes[name] = dict(stream.found.most_common())

    def summed_up(self) -> Findings:
        found = self.found
        found.events, found.fields_invalid = dict(self._events.most_common()), dict(self._invalid.most_common())
        found.warnings.extend(sorted(self._unwanted)[:WARNINGS_SHOWN])
        return found
