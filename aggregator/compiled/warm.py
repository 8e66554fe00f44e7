"""Loading the machine code, or making it, before there is anything to do for it."""

from functools import cache

import numpy as np

from ..catalogue import shipped
from ..config import Config
from ..envelopes import ENVELOPES
from ..exemplars import wishes_of
from ..lines import PADDING, Block
from ..streams import Stream
from . import cells, context, kept, layout, runs, texts

LINE = (
    b'{"logemit":1,"event":"db_query","timestamp":"2026-11-21T08:25:15.095531Z","service":"s","proc":"p","seq":1,'
    b'"statements":2,"count":2,"duration_seconds":0.000285,"bins":"0.00012:1,0.000165:1"}\n'
)


@cache
def warm() -> None:
    """Goes through all of it once, in a process. Raises whatever numba raises."""
    catalogue = shipped()
    wishes = wishes_of(Config(catalogue))
    scanner = context.make(catalogue, layout.plans_of(catalogue, wishes), 60, wishes)
    data = LINE + bytes(PADDING)
    for envelope in ENVELOPES:
        scanner.scan(Block(data, len(LINE), 1), Stream(envelope=envelope))
    scanned = scanner.scan(Block(data, len(LINE), 1), Stream())
    assert (scanned.rows, context.count_newlines(data, len(LINE))) == (1, 1)
    records = scanned.records
    runs.runs_of(records.procs[:1], records.seqs[:1], records.moments[:1], int(scanner.texts.used[0]))
    scanner.add(scanned, np.full(1, context.IN_TIME, np.int8))
    texts.grown(scanner.texts)
    for sums in scanner.sums:
        cells.with_room(sums.cells, len(sums.cells.events), len(sums.cells.bins))
        cells.bins_by_cell(sums.cells)
    kept.tell_made()
