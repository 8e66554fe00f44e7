"""The command that shows an output folder in a terminal."""

from typing import Annotated

import typer

from aggregator.errors import UsageError

from . import completion
from .options import EXIT_CODES, AsJson, ConfigFile, Output, Since, Until, explained, moments, output, settings

EVERY = "5s"
_LEAST_SECONDS = 0.1


@explained
def show_command(
    directory: Output,
    since: Since = None,
    until: Until = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME,…", help="Dimensions to group by; default view, or those of the summary."),
    ] = None,
    summary: Annotated[
        str | None,
        typer.Option(
            "--summary",
            metavar="NAME",
            help="Only this summary: db_queries, tasks …",
            autocompletion=completion.summaries,
        ),
    ] = None,
    measure: Annotated[
        str | None, typer.Option("--measure", metavar="NAME", help="With --summary: of what mean and quantiles are.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="COLUMN", help="Of requests, or of the summary, as --json names it.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=0, help="Rows of a table; 0 for all.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[
        str | None, typer.Option("--every", metavar="SPAN", help="With --watch: the time between; default 5s.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in an output folder: requests, queries, caches, tasks, feeds, jobs, health, and what was lost.

    Changes nothing, and may be asked while a run is at work. Exits with 65 when the state cannot be read.
    """
    target = output(directory, "DIR")
    if measure is not None and summary is None:
        raise UsageError("--measure goes with --summary; name both")
    if every is not None and not watch:
        raise UsageError("--every goes with --watch; name both")
    from datetime import UTC, datetime

    from aggregator.panels import Asked, View, overview, single
    from aggregator.spans import parse_span

    from . import show_output

    pause = max(parse_span(every or EVERY, "--every"), _LEAST_SECONDS)
    catalogue = settings(config).catalogue
    names = tuple(name.strip() for name in by.split(",") if name.strip()) if by is not None else None

    def look() -> View:
        asked = Asked(target, *moments(since, until, datetime.now(UTC)), catalogue)
        return overview(asked, names or ("view",)) if summary is None else single(asked, summary, names, measure)

    how = show_output.How(single=summary is not None, sort=sort, limit=limit)
    if watch:
        show_output.watch(look, how, pause, as_json=as_json)
        return
    view = look()
    show_output.show(view, how, as_json=as_json)
    raise typer.Exit(65 if view.problem else 0)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(name="show", epilog=EXIT_CODES)(show_command)
