"""Which file a cube's cells go into: one for each hour, or one for each day."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from . import cube
from .cube import Cube
from .filters import of_rows
from .grouping import Array
from .processes import DAY, HOUR


def by_partition(whole: Cube) -> Iterator[tuple[str, Cube]]:
    """Each partition, as a path below its summary's folder, and what goes into it."""
    form, span = ("%H", HOUR) if whole.summary.partition == "hour" else ("part", DAY)
    spans = whole.cells["window_start"].cast(pa.int64()).to_numpy() // span
    for each in np.unique(spans).tolist():
        name = datetime.fromtimestamp(each * span // 1_000_000, UTC).strftime(f"date=%Y-%m-%d/{form}")
        yield name, _rows(whole, spans == each)


def _rows(whole: Cube, wanted: Array) -> Cube:
    """The cube of some of the rows."""
    if wanted.all():
        return whole
    if whole.is_sorted:
        start, stop = np.flatnonzero(wanted)[[0, -1]].tolist()
        return cube.part(whole, start, stop + 1)
    return of_rows(whole, wanted)
