"""Error budgets: what an objective allows to fail, and how much of that is spent."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd

from .definitions import Catalogue
from .errors import UsageError
from .histograms import binned, rounded_up
from .selections import Selection, Where, divisor


def error_budget(
    out: str | Path,
    summary: str = "http_requests",
    *,
    objective: float = 0.999,
    slower_than: float | None = None,
    measure: str | None = None,
    by: Sequence[str] = (),
    freq: str | None = None,
    where: Where | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """How much of what an objective allows to fail did fail, grouped as `read` groups.

    `objective` is the share of events that shall be good, such as 0.999. Bad are the errors of the summary and, with
    `slower_than`, events with more than so much of `measure` (by default its first that has bins); that limit must be a
    bound of the bins, so that each count is exact.

    Indexed by `window_start` (UTC, with `freq`) and `by`. Columns: `events`; `errors`, the bad ones; `burn_rate`, their
    share over the share allowed (at 1 all that is allowed is spent in the end, at 10 in a tenth of the time), nan where
    there are no events; `allowed`, how many may be bad of all events of the group, over all the time asked for; and
    `spent`, the share of that until the row's end, which may be more than 1.

    Raises UsageError for names that do not exist, an objective that is not between 0 and 1, and a limit off the bins;
    InputError for a folder without this summary.
    """
    asked = Selection.of(out, summary, by, freq, where, since, until, catalogue)
    if not 0 < objective < 1:
        raise UsageError(f"objective is {objective!r}, expected a share between 0 and 1, such as 0.999")
    if asked.summary.errors is None and slower_than is None:
        raise UsageError(f"{summary} does not say what an error is; give slower_than")
    cells = asked.cells()
    table = pd.DataFrame({"events": asked.grouped(cells)["events"].sum()})
    errors = asked.grouped(cells[asked.failed(cells)])["events"].sum().reindex(table.index, fill_value=0)
    if slower_than is not None:
        errors += _slower(asked, measure, slower_than).reindex(table.index, fill_value=0)
    table["errors"] = errors
    share = float(1 - Decimal(str(objective)))
    table["burn_rate"] = errors / divisor(table["events"]) / share
    groups = table.groupby(list(asked.by) or (lambda _: 0), observed=True)
    table["allowed"] = groups["events"].transform("sum") * share
    table["spent"] = groups["errors"].cumsum() / divisor(table["allowed"])
    return table if asked.keys else table.reset_index(drop=True)


def _slower(asked: Selection, measure: str | None, limit: float) -> "pd.Series[int]":
    """Events above the limit that are no errors."""
    shown = binned(asked, measure)
    held = asked.bins(shown)
    above = rounded_up(held["le"], [limit], shown) > limit
    slow: pd.Series[int] = asked.grouped(held[above & ~asked.failed(held)])["n"].sum()
    return slow
