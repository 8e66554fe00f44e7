"""The command that makes a report to look at."""

from typing import Annotated

import typer

from aggregator.errors import OutputError

from .options import EXIT_CODES, ConfigFile, Output, Since, Until, explained, folder, moments, output, settings


@explained
def report_command(
    directory: Output,
    file: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Write it there; - is standard output.")
    ] = "report.html",
    since: Since = None,
    until: Until = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="What stands above it.")] = None,
    config: ConfigFile = None,
) -> None:
    """Write what is in an output folder as one HTML file, with charts, to read anywhere, keep or send.

    It loads nothing from anywhere. Needs the extra report. Exits with 65 when the state cannot be read.
    """
    target = output(directory, "DIR")
    path = None if file == "-" else folder(file, "-o", "a file")
    from datetime import UTC, datetime

    from aggregator import htmlreport
    from aggregator.panels import Asked
    from aggregator.published import publish
    from aggregator.urls import shown

    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        why = "it is a folder; name a file" if path.is_dir() else "there is no such folder"
        raise OutputError(f"{path}: cannot be written: {why}")
    htmlreport.require()
    now = datetime.now(UTC)
    asked = Asked(target, *moments(since, until, now), settings(config).catalogue)
    name = shown(target) if isinstance(target, str) else target.resolve().name
    contents = htmlreport.gather(asked, title or f"Report of {name}", now.timestamp())
    page = htmlreport.render(contents)
    if path is None:
        typer.echo(page, nl=False)
    else:
        publish(path, [page.encode()])
        typer.echo(path)
    raise typer.Exit(65 if contents.problem else 0)


def register(app: typer.Typer) -> None:
    """Add this command to the app."""
    app.command(name="report", epilog=EXIT_CODES)(report_command)
