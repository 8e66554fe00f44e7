"""What stands in a log, without writing anything: events by name, what is foreign, what is rejected and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import sources
from .decode import Decoder
from .definitions import Catalogue
from .envelopes import unwrap

REJECTIONS_SHOWN = 1000
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
    rejections: list[str] = field(default_factory=list)
    """`file:line: reason`, the first thousand."""
    warnings: list[str] = field(default_factory=list)


def check(names: Sequence[str], catalogue: Catalogue) -> Findings:
    """Read files whole, from their start. Raises InputError, ReadWriteError."""
    found, reader, decoder = Findings(), sources.Reader(), Decoder(catalogue)
    events: Counter[str] = Counter()
    invalid: Counter[str] = Counter()
    unwanted: set[str] = set()
    for name in names:
        for block in reader.blocks(name):
            records = unwrap(block)
            decoded = decoder.decode(records)
            found.read += records.read
            found.foreign += records.foreign
            found.rejected += len(decoded.rejections)
            invalid.update(decoded.fields_invalid)
            events.update({event: len(batch) for event, batch in decoded.batches.items()})
            unwanted.update(batch.plan.warning for batch in decoded.batches.values() if batch.plan.warning)
            room = REJECTIONS_SHOWN - len(found.rejections)
            found.rejections.extend(f"{name}:{r.line}: {r.reason}" for r in decoded.rejections[:room])
    found.events, found.fields_invalid = dict(events.most_common()), dict(invalid.most_common())
    found.unfinished, found.warnings = reader.unfinished, reader.warnings
    found.warnings.extend(sorted(unwanted)[:WARNINGS_SHOWN])
    return found
