"""What was read of a block."""

from typing import NamedTuple

from .texts import Array

AT, ROWS, ODD, LINES, FOREIGN, USED, BINS_USED = range(7)
"""Of the progress: where it stands in the data, and how many of each there are so far."""


class Records(NamedTuple):
    """What was read of a block, a row for each event; and the lines that are for the reference decoder."""

    plans: Array
    """int16."""
    moments: Array
    """int64, microseconds since 1970."""
    procs: Array
    """int32, codes."""
    seqs: Array
    """int64."""
    begins: Array
    """int64: of the line in the block."""
    records: Array
    """int64: where a row's values begin among the values."""
    values: Array
    """int64: as the layout has them."""
    bins: Array
    """int64[bin, 2]: of folds, where in the grid and how many; a record tells the first and the number of them."""
    odd: Array
    """int64[line, 3]: begin, end, number of the line in the block."""
    progress: Array
    """int64[7]."""
