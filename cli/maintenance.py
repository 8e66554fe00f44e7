"""The commands that look after an output folder."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from .engine import ClusterSpec, EngineName, Scheduler, cluster
from .options import (
    EXIT_CODES,
    AsJson,
    ConfigFile,
    DropAfter,
    FoldAfter,
    Output,
    Sources,
    Workers,
    explained,
    folder,
    frugal,
    output,
    refuse_if_held,
    settings,
    without_pandas,
)

FOLD_AFTER = "30d"


@explained
def status_command(
    directory: Output,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also list every log that was read, and how far it was read.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an output folder holds: the last run, the counts over all runs, sizes, logs, what is staged.

    Changes nothing, and may be asked while a run is at work. Exits with 65 when the state cannot be read.
    """
    from aggregator.status import status

    from . import status_output

    found = status(output(directory, "DIR"))
    status_output.status(found, sources=sources, as_json=as_json)
    raise typer.Exit(65 if found.problem else 0)


@explained
def repair_command(
    directory: Output,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is damaged and what would be done.")] = False,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Move away what cannot be mended, and say what that costs.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Look through an output folder file by file, explain what is damaged, and mend what loses nothing.

    Exits with 0 when the next run can work, with 65 when something stands in its way.
    """
    target = folder(directory, "DIR")
    from aggregator.repair import repair

    from . import status_output

    found = repair(target, settings(config), dry_run=dry_run, set_aside=set_aside)
    status_output.repaired(found, as_json=as_json)
    raise typer.Exit(65 if found.left else 0)


@explained
def compact_command(
    directory: Output,
    fold_after: FoldAfter = None,
    drop_after: DropAfter = None,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove", help="Also delete the files of emptied partitions; no reader may be at work meanwhile."
        ),
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make old summaries smaller: windows older than 30 days become hours, or as the options or the file say.

    Counters do not change, and readers may be at work. What is folded or emptied stays so.
    """
    target = output(directory, "DIR")
    from aggregator.compact import compact

    from . import progress, status_output

    loaded = settings(config, fold_after=fold_after, drop_after=drop_after)
    if loaded.retention.fold_days is None and loaded.retention.drop_days is None:
        loaded = settings(config, fold_after=FOLD_AFTER)
    with progress.shown(sys.stderr.isatty() and not as_json, "compacting", in_bytes=False) as tell:
        done = compact(target, loaded, tell, remove=remove)
    status_output.compacted(done, as_json=as_json)


@explained
def rebuild_command(
    source: Sources,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The output folder to derive anew.")],
    discard: Annotated[
        bool,
        typer.Option(
            "--discard",
            help="Empty dates that these sources do not hold, and summaries not configured.",
        ),
    ] = False,
    window: Annotated[
        str | None, typer.Option("--window", metavar="SPAN", help="Width of a row in time, as for aggregate.")
    ] = None,
    fold_after: FoldAfter = None,
    drop_after: DropAfter = None,
    config: ConfigFile = None,
    workers: Workers = None,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    cluster_spec: ClusterSpec = None,
    as_json: AsJson = False,
) -> None:
    """Derive everything anew from logs, beside what is there, and put it in its place at once.

    For a changed logemit.toml, or a damaged state. Name all logs: what they do not hold is not there afterwards.
    """
    target = folder(out, "--out")
    refuse_if_held(target)
    frugal()
    without_pandas()
    from aggregator.rebuild import rebuild

    from . import output as printed
    from . import progress

    loaded = settings(config, window, fold_after=fold_after, drop_after=drop_after)
    with progress.shown(sys.stderr.isatty() and not as_json) as tell:
        report = rebuild(
            source,
            target,
            loaded,
            tell,
            discard=discard,
            workers=workers,
            cluster=cluster(engine, scheduler, cluster_spec, workers),
        )
    printed.report(report, as_json=as_json)


@explained
def compile_command() -> None:
    """Make the machine code that long logs are read with, ahead of the first run: as part of an image, for example.

    It takes some ten seconds, and is kept under $NUMBA_CACHE_DIR, $XDG_CACHE_HOME or ~/.cache, for this version of
    logemit and this kind of processor.
    """
    without_pandas()
    from aggregator.engines import compile_now

    typer.echo(compile_now())


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    commands: dict[str, Callable[..., None]] = {
        "status": status_command,
        "compact": compact_command,
        "rebuild": rebuild_command,
        "repair": repair_command,
        "compile": compile_command,
    }
    for name, command in commands.items():
        app.command(name=name, epilog=EXIT_CODES)(command)
