"""The Typer app: arguments in, tables or JSON out. Each command imports what it needs: `--help` stays quick."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from aggregator.errors import LogemitError, ReadWriteError, UsageError

F = TypeVar("F", bound=Callable[..., Any])

EXIT_CODES = (
    "Exit codes: 0 done · 1 check found rejected lines · 2 usage · 65 damaged state · 66 no such input · "
    "70 defect of logemit's own · 73 output cannot be written · 74 reading or writing failed · "
    "75 another run holds the lock · 78 bad logemit.toml · 130 interrupted."
)

app = typer.Typer(
    help="Turn the JSON events that Django processes write to stdout into Parquet summaries and Prometheus text.\n\n"
    "Start with: logemit aggregate /var/log/app/*.log --out metrics",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Log files, folders or globs, plain, .gz or .zst; - is standard input.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="A logemit.toml with summaries and metrics of your own."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def _path(name: str | None) -> Path | None:
    return Path(name) if name is not None else None


def explained(command: F) -> F:
    """Every error that a user could have caused is one line and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except LogemitError as exc:
            typer.echo(f"logemit: {exc}", err=True)
            raise typer.Exit(exc.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("logemit: interrupted; run it again: nothing is lost or counted twice", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # Who read our output has gone; that is its right.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as exc:
            typer.echo(f"logemit: {exc.filename or 'output'}: {exc.strerror or exc}", err=True)
            raise typer.Exit(ReadWriteError.exit_code) from None
        except Exception as exc:
            if os.environ.get("LOGEMIT_DEBUG"):
                raise
            typer.echo(f"logemit: a defect of logemit's own: {exc!r}; LOGEMIT_DEBUG=1 shows where", err=True)
            raise typer.Exit(LogemitError.exit_code) from None

    return run  # type: ignore[return-value]


@app.command(name="aggregate", epilog=EXIT_CODES)
@explained
def aggregate_command(
    source: Sources,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder for Parquet, metrics.prom and state.")],
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="SPAN",
            help="Width of a row in time: 30s, 1min, 15min, 1h; default 1min, or what FILE says.",
        ),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take in what is new in the logs; every event counts exactly once, however often you run it.

    A run that is killed leaves nothing half done. Run it from cron, every minute or once a day.
    """
    from aggregator import aggregate
    from aggregator import config as configuration

    from . import output, progress

    settings = configuration.load(_path(config), window)
    if not out:
        raise UsageError("--out is empty; name a folder for the output")
    with progress.shown(sys.stderr.isatty() and not as_json) as tell:
        report = aggregate(source, Path(out), settings, tell)
    output.report(report, as_json=as_json)


@app.command(name="check", epilog=EXIT_CODES)
@explained
def check_command(source: Sources, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say what stands in logs, and write nothing: events by name, foreign lines, rejected lines and why.

    Exits with 1 when a line was rejected.
    """
    from aggregator import check, sources
    from aggregator import config as configuration

    from . import output

    found = check.check(sources.find(source), configuration.load(_path(config)).catalogue)
    output.findings(found, as_json=as_json)
    raise typer.Exit(1 if found.rejected else 0)


@app.command(name="metrics", epilog=EXIT_CODES)
@explained
def metrics_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List every metric: its type, labels and the summary it is a view of."""
    from aggregator import config as configuration

    from . import output

    output.metrics(configuration.load(_path(config)).catalogue, as_json=as_json)


@app.command(name="schema", epilog=EXIT_CODES)
@explained
def schema_command() -> None:
    """Print the JSON Schema of an event's line."""
    import json

    from logemit.jsonschema import line_schema

    typer.echo(json.dumps(line_schema(), indent=2))


def _version(wanted: bool) -> None:
    if wanted:
        from logemit import __version__

        typer.echo(f"logemit {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""
