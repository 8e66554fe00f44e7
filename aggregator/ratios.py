"""What there is of one thing for each of another: queries per request, seconds in the database per second of work."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from .definitions import Catalogue
from .selections import Selection, Where, divisor


def ratio(
    out: str | Path,
    numerator: str,
    denominator: str,
    *,
    by: Sequence[str] = (),
    freq: str | None = None,
    where: Where | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """One thing per another, grouped as `read` groups.

    Each is a summary whose events count, such as "db_queries", or a measure of one, such as
    "http_requests.db_queries", which is added up, in its unit. Both need the dimensions in `by` and `where`.

    Indexed by `window_start` (UTC, with `freq`) and `by`: what is there of either. Columns: `numerator`, `denominator`,
    0 where there is none, and `ratio`, nan where the denominator is 0.

    Raises UsageError for names that do not exist, InputError for a folder without one of the summaries.
    """

    def total(name: str) -> "pd.Series[float]":
        summary, _, measure = name.partition(".")
        asked = Selection.of(out, summary, by, freq, where, since, until, catalogue)
        found = asked.measure(measure) if measure else None
        column = f"{found.name}_sum" if found else "events"
        added: pd.Series[float] = asked.grouped(asked.cells([column]))[column].sum()
        return added

    above, below = total(numerator), total(denominator)
    rows = below.index.union(above.index)
    table = pd.DataFrame({"numerator": above.reindex(rows, fill_value=0)})
    table["denominator"] = below.reindex(rows, fill_value=0)
    table["ratio"] = table["numerator"] / divisor(table["denominator"])
    return table if by or freq else table.reset_index(drop=True)
