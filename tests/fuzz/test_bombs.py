"""Through the real command, in a process of its own: memory stays bounded, and what surrounds a bomb is counted."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import zstandard

from tests.conftest import LOGEMIT
from tests.peak import peak_of
from tests.scale import FULL, scaled, sized

from . import bombs
from .bombs import FOREIGN, MIB, ZEROS, times

BOUND = 550
"""MB at most, of a process that begins with 100; 466 of them were seen."""

PATIENCE = 3600 if FULL else 300

GIB = 1 << 30
PLAIN = sized(GIB, 5 * GIB)
SLOW = sized(GIB // 4, 2 * GIB)
"""Of what unpacks slowly."""

NO_EVENTS = sized(400_000, 800_000)


def aggregated(log: Path) -> tuple[int, dict[str, int]]:
    """The most memory that it took, in MB, and the counts."""
    told, peak = peak_of(LOGEMIT, "aggregate", log, "--out", log.parent / "out", "--json", timeout=PATIENCE)
    report = json.loads(told)
    assert report["warnings"] == []
    return peak >> 20, {name: report[name] for name in ("events", "rejected", "duplicates", "unfinished")}


Bomb = Callable[[Path], None]
EVENTS = {"events": 2, "rejected": 0, "duplicates": 0, "unfinished": 0}
ONE_REJECTED = EVENTS | {"rejected": 1}
BOMBS: dict[str, tuple[str, Bomb, dict[str, int]]] = {
    "foreign lines.gz": ("gz", lambda log: bombs.in_itself(log, FOREIGN, PLAIN, 1), EVENTS),
    "one line.gz": ("gz", lambda log: bombs.in_itself(log, ZEROS, PLAIN, 1), EVENTS),
    "gz in gz": ("gz", lambda log: bombs.in_itself(log, FOREIGN, PLAIN), EVENTS),
    "one line.zst": ("zst", lambda log: bombs.packed(log, times(ZEROS, PLAIN), "zst"), EVENTS),
    "foreign lines.zst": ("zst", lambda log: bombs.packed(log, times(FOREIGN, PLAIN), "zst"), EVENTS),
    "one line.xz": ("xz", lambda log: bombs.packed(log, times(ZEROS, SLOW), "xz"), EVENTS),
    "one line.bz2": ("bz2", lambda log: bombs.packed(log, times(ZEROS, SLOW), "bz2"), EVENTS),
    "the largest window.xz": ("xz", lambda log: bombs.with_window(log, GIB // 4, "xz"), EVENTS),
    "the largest window.zst": ("zst", lambda log: bombs.with_window(log, GIB // 4, "zst"), EVENTS),
    "a line of 1 GiB": ("log", lambda log: bombs.endless_line(log, GIB), EVENTS),
    "an event of 1 GiB": ("log", lambda log: bombs.endless_line(log, GIB, b'{"logemit":1,'), ONE_REJECTED),
    "parts without end": ("log", lambda log: bombs.parts_without_end(log, sized(GIB // 4, GIB)), ONE_REJECTED),
    "glued objects": ("gz", lambda log: bombs.glued_objects(log, sized(32 * MIB, GIB), 1), EVENTS),
    "one endless object": ("gz", lambda log: bombs.glued_objects(log, sized(32 * MIB, GIB), 8000), EVENTS),
    "tiny members.gz": ("gz", partial(bombs.tiny_members, count=sized(30_000, 10**6), pack=gzip.compress), EVENTS),
    "tiny members.bz2": ("bz2", partial(bombs.tiny_members, count=sized(5_000, 10**5), pack=bz2.compress), EVENTS),
    "tiny members.xz": ("xz", partial(bombs.tiny_members, count=sized(5_000, 10**5), pack=lzma.compress), EVENTS),
    "tiny members.zst": (
        "zst", partial(bombs.tiny_members, count=sized(30_000, 10**6), pack=zstandard.compress), EVENTS
    ),
    "1,000 deep": ("log", lambda log: bombs.deep_lines(log, 400), EVENTS | {"rejected": 300}),
    "no event": ("log", lambda log: bombs.shortest(log, b'{"logemit":\n', NO_EVENTS), EVENTS | {"rejected": NO_EVENTS}),
    "no event's word": ("log", lambda log: bombs.shortest(log, b'"logemit\n', sized(300_000, 10**6)), EVENTS),
}  # fmt: skip


ONE_OF_EACH_KIND = (
    *("gz in gz", "the largest window.xz", "an event of 1 GiB", "parts without end", "1,000 deep"),
    *("foreign lines.gz", "one line.gz", "one line.zst", "glued objects", "tiny members.gz", "no event's word"),
)


@pytest.mark.parametrize("name", BOMBS if FULL else ONE_OF_EACH_KIND[: scaled(3, 11, 11)])
def test_memory_stays_bounded(name: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    ending, write, wanted = BOMBS[name]
    log = tmp_path / f"app.{ending}"
    write(log)
    peak, counts = aggregated(log)
    assert counts == wanted
    assert peak < BOUND
    figure(f"peak memory, {name}: {peak} MB")
