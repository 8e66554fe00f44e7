"""The command that writes the past for Prometheus."""

import sys
from typing import Annotated

import typer

from . import completion
from .options import (
    EXIT_CODES,
    AsJson,
    ConfigFile,
    Output,
    explained,
    folder,
    frugal,
    output,
    refuse_if_held,
    settings,
    without_pandas,
)


@explained
def backfill_command(
    directory: Output,
    target: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Name of the files: history.om makes history-2026-11-20.om …"
        ),
    ] = "history.om",
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="The first sample: 2026-11-01, 2026-11-01T12:30Z."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="The last sample: just before live scraping began.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="Only this family; may be given several times.",
            autocompletion=completion.metrics,
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option("--step", metavar="SPAN", help="Between samples; default the window, but at least 1min."),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", metavar="SPAN", help="What one file holds: 6h, 1d; none for a single FILE.")
    ] = "1d",
    sealed_after: Annotated[
        str,
        typer.Option(
            "--sealed-after",
            metavar="SPAN",
            help="Leave out windows that ended later than so long before the newest event.",
        ),
    ] = "1h",
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME=VALUE", help="A label of every series, such as job=logemit."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Export also what was exported before: for another, empty TSDB.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the past as OpenMetrics for promtool tsdb create-blocks-from openmetrics: sealed windows, once each.

    What was exported is remembered in DIR: the next backfill goes on from there, and tells which events came too late.
    A metric that is new in logemit.toml gets its whole history.
    """
    out, file = output(directory, "DIR"), folder(target, "--output", "a file")
    refuse_if_held(out)
    frugal()
    without_pandas()
    from aggregator.history.arguments import wanted
    from aggregator.history.export import backfill

    from . import history_output, progress

    asked = wanted(begin, until, metric or (), step, split, sealed_after, label or ())
    loaded = settings(config)
    with progress.shown(sys.stderr.isatty() and not as_json, "backfilling", in_bytes=False) as tell:
        done = backfill(out, file, loaded, asked, tell, force=force, anew=anew, dry_run=dry_run)
    history_output.backfilled(done, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(name="backfill", epilog=EXIT_CODES)(backfill_command)
