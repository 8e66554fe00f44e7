"""The commands for the monitoring that reads what runs write."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from aggregator.errors import UsageError
from aggregator.monitoring.thresholds import RUNBOOKS, THRESHOLDS

from .options import EXIT_CODES, ConfigFile, OutputFile, explained, folder, settings


def with_thresholds(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each threshold, in place of the command's `**thresholds`."""
    signature = inspect.signature(command)
    metavars = {"share": "SHARE", "span": "SPAN", "count": "N"}

    @wraps(command)
    def run(**given: Any) -> None:
        command(**given)

    options = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(each.option, metavar=metavars[each.kind], help=f"{each.help} Default {each.default}."),
            ],
        )
        for each in THRESHOLDS
    ]
    own = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = signature.replace(parameters=own + options)  # type: ignore[attr-defined]
    return run


@explained
@with_thresholds
def rules_command(
    interval: Annotated[
        str, typer.Option("--interval", metavar="SPAN", help="Time between two runs of logemit aggregate.")
    ] = "5m",
    service: Annotated[
        list[str] | None,
        typer.Option(
            "--service", metavar="NAME", help="Only for this service, and tell when it is missing; may be repeated."
        ),
    ] = None,
    runbooks: Annotated[
        str,
        typer.Option("--runbooks", metavar="URL", help="Where you keep docs/runbooks.md: alerts link to its parts."),
    ] = RUNBOOKS,
    output: OutputFile = None,
    config: ConfigFile = None,
    alertmanager: Annotated[
        bool,
        typer.Option("--alertmanager", help="Print an example of an alertmanager.yml that routes the alerts instead."),
    ] = False,
    **thresholds: str | None,
) -> None:
    """Print recording and alerting rules for Prometheus, with ranges that fit how often runs come.

    Such as: logemit rules --interval 15m --error-ratio 0.01 -o logemit.rules.yml. A SPAN is 250ms, 30s, 5m or 1h, a
    SHARE 0 to 1. docs/runbooks.md says what to do about each alert.
    """
    from aggregator.monitoring import rules

    given = {name: value for name, value in thresholds.items() if value is not None}
    if alertmanager:
        if given or service or config is not None or runbooks != RUNBOOKS:
            raise UsageError(
                "--alertmanager takes --interval and --output only; the rules have thresholds and services"
            )
        text = rules.alertmanager(interval)
    else:
        labelled = config is None or settings(config).service_label
        if service and not labelled:
            raise UsageError(f"--service: {config} says service_label = false: no metric tells a service; leave it out")
        text = rules.rules(interval, given, service or (), runbooks)
    if output in (None, "-"):
        typer.echo(text, nl=False)
    else:
        from aggregator.published import publish

        publish(folder(str(output), "--output", "a file"), [text.encode()])


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(name="rules", epilog=EXIT_CODES)(rules_command)
