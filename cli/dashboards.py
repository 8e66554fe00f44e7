"""The command that makes dashboards."""

from typing import Annotated

import typer

from aggregator.errors import UsageError

from .options import EXIT_CODES, OutputFile, explained, folder


@explained
def dashboard_command(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which one; --list tells them.", show_default=False)
    ] = None,
    output: OutputFile = None,
    all_of_them: Annotated[
        str | None, typer.Option("--all", metavar="DIR", help="Write all, a file each, for provisioning.")
    ] = None,
    interval: Annotated[
        str,
        typer.Option("--interval", metavar="SPAN", help="Time between two runs of logemit aggregate: 30s, 5m, 1h, 1d."),
    ] = "5m",
    datasource: Annotated[
        str | None,
        typer.Option("--datasource", metavar="UID", help="Data source chosen at first; without it, Grafana takes one."),
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the dashboards.")] = False,
) -> None:
    """Print a Grafana dashboard as JSON, for Grafana 11.6 and later; rates are taken over three intervals.

    Needs Grafana's SDK, which the extra grafana brings. All dashboards at once: logemit dashboard --all DIR
    """
    from aggregator.monitoring.dashboards import NAMES, Schedule, load
    from aggregator.spans import parse_interval

    schedule = Schedule(parse_interval(interval))
    if list_them:
        for each in map(load, NAMES):
            typer.echo(f"{each.name:9} {each.description}")
        return
    if datasource == "":
        raise UsageError("--datasource is empty; name the uid of a data source, or leave it out")
    if (name is None) == (all_of_them is None):
        raise UsageError(f"name one dashboard of {', '.join(NAMES)}, or --all DIR")
    if all_of_them is not None and output is not None:
        raise UsageError("--all names a folder for all dashboards; leave --output out")
    from aggregator.monitoring.dashboards import export

    if all_of_them is not None:
        for path in export.write_all(folder(all_of_them, "--all"), schedule, datasource):
            typer.echo(path)
    elif output not in (None, "-"):
        export.write(str(name), folder(str(output), "--output", "a file"), schedule, datasource)
    else:
        typer.echo(export.text(str(name), schedule, datasource), nl=False)


def register(app: typer.Typer) -> None:
    """Add this command to the app."""
    app.command(name="dashboard", epilog=EXIT_CODES)(dashboard_command)
