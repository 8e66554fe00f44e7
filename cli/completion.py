"""What a shell may complete, beside commands and options: names that are known without reading a log."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from aggregator.definitions import Catalogue


def starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def samples(context: typer.Context, incomplete: str) -> list[str]:
    """Names that samples of the catalogue have."""
    from aggregator.explain.numbers import metrics_by_sample

    return starting(incomplete, metrics_by_sample(_catalogue(context)))


def metrics(context: typer.Context, incomplete: str) -> list[str]:
    return starting(incomplete, (metric.name for metric in _catalogue(context).metrics))


def summaries(context: typer.Context, incomplete: str) -> list[str]:
    return starting(incomplete, (summary.name for summary in _catalogue(context).summaries))


def envelopes(incomplete: str) -> list[str]:
    from aggregator.envelopes import BARE, ENVELOPES

    return starting(incomplete, [BARE, *(envelope.name for envelope in ENVELOPES)])


def _catalogue(context: typer.Context) -> "Catalogue":
    """With the metrics of --config, where it stands before."""
    from aggregator.catalogue import shipped
    from aggregator.errors import LogemitError

    from .options import settings

    with suppress(LogemitError):
        return settings(context.params.get("config")).catalogue
    return shipped()
