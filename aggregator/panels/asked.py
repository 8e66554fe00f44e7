"""What panels are made of: an output folder, a span of time, a catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from .. import datasets
from ..catalogue import shipped
from ..definitions import Catalogue, Summary
from ..errors import UsageError
from ..frames import QUANTILES, read
from ..origin import suggestion


@dataclass(frozen=True, slots=True)
class Asked:
    """Windows that begin at `since` or later and before `until`; None for no bound."""

    out: str | Path
    """A folder, or a URL."""
    since: datetime | None = None
    until: datetime | None = None
    catalogue: Catalogue = field(default_factory=shipped)

    def definition(self, summary: str) -> Summary:
        """Raises UsageError, which names what is in the folder."""
        found = self.catalogue.summary(summary)
        if found is not None:
            return found
        present = datasets.present(self.out)
        if summary in present:
            raise UsageError(f"{summary} is declared in another logemit.toml; name it with --config")
        near = suggestion(summary, [*present, *(each.name for each in self.catalogue.summaries)])
        raise UsageError(f"no summary {summary!r}; here are {', '.join(present) or 'none yet'}{near}")

    def read(
        self,
        summary: str,
        by: Sequence[str] = (),
        *,
        freq: str | None = None,
        measure: str | None = None,
        quantiles: Sequence[float] = QUANTILES,
    ) -> pd.DataFrame:
        """As `aggregator.read`, which raises UsageError and InputError."""
        return read(
            self.out,
            summary,
            by=by,
            freq=freq,
            measure=measure,
            since=self.since,
            until=self.until,
            quantiles=quantiles,
            catalogue=self.catalogue,
        )

    def cells(self, summary: str, columns: Sequence[str]) -> pd.DataFrame:
        """The rows of a summary with their windows and these columns. Raises InputError."""
        when = datasets.span(self.since, self.until)
        frame: pd.DataFrame = datasets.cells(self.out, self.definition(summary), columns, when).to_pandas()
        return frame

    def sums(self, summary: str, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        """These columns added up, indexed by dimensions. Raises InputError."""
        frame = self.cells(summary, [*by, *columns])
        return frame.groupby(list(by) or (lambda _: 0), observed=True)[list(columns)].sum()

    def counts(self, summary: str, by: Sequence[str], of: str, values: Sequence[str]) -> pd.DataFrame:
        """Events by dimensions, a column for each of some values of another one. Raises InputError."""
        events = self.sums(summary, [*by, of], ["events"])["events"]
        return events.unstack(of, fill_value=0).reindex(columns=list(values), fill_value=0).astype("int64")
