"""Lines that a rotation cut in two, or whose rest has not come yet: joined, carried to the next run or given up.

Sources are read in any order. So the first text of a new source that no event begins with waits until all are read;
then what stood at the end of the log before it is put in front of it.
"""

from collections.abc import Iterator

from . import rotation
from .lines import LINE_LIMIT
from .positions import DAY, Checkpoint, Positions
from .records import Records
from .streams import Stream

MOST_CARRIED = 1 << 24
"""Bytes that wait for the rest of their lines, in all sources."""


def settled(positions: Positions) -> Iterator[tuple[str, Records]]:
    """(name of the source, records) of what need not wait any longer, once all sources are read."""
    begun = [each for each in positions.streams() if each[1].is_begin and (each[1].heads or each[1].pending)]
    by_name = _by_name(positions) if begun else {}
    for checkpoint, stream in sorted(begun, key=lambda each: (each[0].modified_at, each[0].key)):
        yield stream.name, _with_tails(positions, _before(by_name, checkpoint), stream)
    carried = 0
    for checkpoint in sorted(positions, key=lambda each: (-each.modified_at, each.key)):
        waiting = positions.stream(checkpoint) if checkpoint.partials else positions.read_now(checkpoint)
        if waiting is None or not waiting.pending:
            continue
        carried += sum(map(len, waiting.pending.values()))
        waiting.waits_since = waiting.waits_since or positions.now
        if carried > MOST_CARRIED or checkpoint.gone or positions.now - waiting.waits_since >= DAY:
            yield checkpoint.path, finished(waiting)


def finished(stream: Stream) -> Records:
    """All that a stream still keeps, as it is."""
    records = Records()
    for head in stream.heads.values():
        _add(records, stream, head.line, head.offset, head.text)
    for text in stream.pending.values():
        _add(records, stream, 0, 0, text)
    stream.heads.clear()
    stream.pending.clear()
    return records


def _add(records: Records, stream: Stream, line: int, offset: int, text: bytes) -> None:
    for written in stream.inner(text):
        records.add(line, offset, written)


def _with_tails(positions: Positions, before: Checkpoint | None, stream: Stream) -> Records:
    tails = positions.stream(before).pending if before else {}
    records = Records()
    for name, head in stream.heads.items():
        _add(records, stream, head.line, head.offset, tails.pop(name, b"") + head.text)
    stream.heads.clear()
    for name in filter(stream.goes_on, list(tails)):
        stream.pending[name] = (tails.pop(name) + stream.pending[name])[: LINE_LIMIT + 1]
    return records


def _by_name(positions: Positions) -> dict[str, list[Checkpoint]]:
    """Sources by where they may have been written: there may be too many to compare each with each."""
    found: dict[str, list[Checkpoint]] = {}
    for checkpoint in positions:
        for name in _names(checkpoint) if checkpoint.offset else ():
            found.setdefault(name, []).append(checkpoint)
    return found


def _before(by_name: dict[str, list[Checkpoint]], checkpoint: Checkpoint) -> Checkpoint | None:
    """The log that was written until this one was begun."""
    others = (c for name in _names(checkpoint) for c in by_name.get(name, ()) if c.key != checkpoint.key)
    older = [c for c in others if c.modified_at <= checkpoint.modified_at]
    return max(older, key=lambda c: (c.modified_at, c.key), default=None)


def _names(checkpoint: Checkpoint) -> set[str]:
    """Where it may have been written."""
    paths = {checkpoint.origin, checkpoint.path, checkpoint.target} - {""}
    return paths.union(*map(rotation.bases, paths))
