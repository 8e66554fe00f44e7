"""The Typer app: arguments in, tables or JSON out. Each command imports what it needs: `--help` stays quick."""

import sys
from typing import Annotated

import typer

from aggregator.errors import ConfigError, UsageError

from . import dashboards, explain, history, html_report, init, leave, maintenance, monitoring, serving, show
from .engine import ClusterSpec, EngineName, Scheduler, cluster
from .options import (
    EXIT_CODES,
    AsJson,
    ConfigFile,
    DropAfter,
    EnvelopeName,
    FoldAfter,
    LateLimit,
    LookBack,
    RejectsFile,
    Sources,
    TextFolder,
    Workers,
    days,
    explained,
    folder,
    frugal,
    output,
    refuse_if_held,
    settings,
    without_pandas,
)

app = typer.Typer(
    help="Turn the JSON events that Django processes write to stdout into Parquet summaries and Prometheus text.\n\n"
    "Start with: logemit aggregate /var/log/app/*.log --out metrics",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(name="aggregate", epilog=EXIT_CODES)
@explained
def aggregate_command(
    source: Sources,
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="DIR", help="Folder for Parquet, metrics.prom and state; or a URL: s3://bucket/metrics."
        ),
    ],
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="SPAN",
            help="Width of a row in time: 30s, 1min, 15min, 1h; default 1min, or what FILE says.",
        ),
    ] = None,
    fold_after: FoldAfter = None,
    drop_after: DropAfter = None,
    late_limit: LateLimit = None,
    look_back: LookBack = None,
    config: ConfigFile = None,
    envelope: EnvelopeName = None,
    rejects: RejectsFile = None,
    textfile: TextFolder = None,
    workers: Workers = None,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    cluster_spec: ClusterSpec = None,
    as_json: AsJson = False,
) -> None:
    """Take in what is new in the logs; every event counts exactly once, however often you run it.

    A run that is killed leaves nothing half done. Run it from cron, every minute or once a day.
    """
    target = output(out, "--out")
    refuse_if_held(target)
    frugal()
    without_pandas()
    from aggregator import aggregate

    from . import output as printed
    from . import progress

    loaded = settings(config, window, fold_after=fold_after, drop_after=drop_after, late_limit=late_limit)
    kept = folder(rejects, "--rejects", "a file") if rejects is not None else None
    with progress.shown(sys.stderr.isatty() and not as_json) as tell:
        report = aggregate(
            source,
            target,
            loaded,
            tell,
            workers,
            envelope=envelope,
            rejects=kept,
            look_back=days(look_back, "--look-back"),
            textfile=folder(textfile, "--textfile") if textfile is not None else None,
            cluster=cluster(engine, scheduler, cluster_spec, workers),
        )
    printed.report(report, as_json=as_json)


@app.command(name="check", epilog=EXIT_CODES)
@explained
def check_command(
    source: Sources, config: ConfigFile = None, envelope: EnvelopeName = None, as_json: AsJson = False
) -> None:
    """Say what stands in logs, and write nothing: what they are wrapped in, events by name, rejected lines and why.

    Exits with 1 when a line was rejected.
    """
    from aggregator import check, remote, sources

    from . import output

    found = check.check([*sources.find(source), *remote.find(source)], settings(config).catalogue, envelope)
    output.findings(found, as_json=as_json)
    raise typer.Exit(1 if found.rejected else 0)


@app.command(name="metrics", epilog=EXIT_CODES)
@explained
def metrics_command(
    config: ConfigFile = None,
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="FILE", help="Say what is wrong or doubtful in a logemit.toml, by line."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every metric: its type, labels and the summary it is a view of."""
    from . import output

    if check is None:
        output.metrics(settings(config).catalogue, as_json=as_json)
        return
    if config is not None:
        raise UsageError("--check names the file that is looked through; leave --config out")
    from aggregator.doubts import examine

    found = examine(folder(check, "--check", "a file"))
    output.examined(found, as_json=as_json)
    raise typer.Exit(ConfigError.exit_code if found.problems else 0)


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


for each in (show, html_report, dashboards, explain, history, init, leave, maintenance, monitoring, serving):
    each.register(app)
