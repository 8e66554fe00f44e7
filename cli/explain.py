"""The command that shows the lines behind a number."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.errors import UsageError
from aggregator.escapes import visible

from . import completion
from .options import EXIT_CODES, ConfigFile, EnvelopeName, Sources, explained, folder, frugal, settings, without_pandas

if TYPE_CHECKING:
    from aggregator.explain.lines import Explanation, Line

LINES_SHOWN = 20
SAMPLES_SHOWN = 10
Metric = Annotated[
    str,
    typer.Argument(
        metavar="METRIC",
        help="""A sample as in metrics.prom: 'http_total{view="home"}'; labels left out may have any value.""",
        show_default=False,
        autocompletion=completion.samples,
    ),
]


@explained
def explain_command(
    metric: Metric,
    source: Sources,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="WINDOW",
            help="A window by its time, a span, or a date, in UTC: 2026-11-20T12:00, 2026-11-20T12:00/1h, 2026-11-20; "
            "default all time.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="An output folder to compare with; its caps on labels hold then."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=0,
            help=f"Lines to show, {LINES_SHOWN} where it is not given; with --raw all. Totals are of all.",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="SPAN", help="Width of a window; default 1min, or what FILE says."),
    ] = None,
    config: ConfigFile = None,
    envelope: EnvelopeName = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Print the events' exact bytes, a line each, and nothing else; not to a terminal."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Show the lines of logs that make a number, each with its file, its offset and what it adds; and the total.

    Reads the logs twice, from their start, and changes nothing.
    """
    if raw and as_json:
        raise UsageError("--raw and --json are two forms; choose one")
    if raw and sys.stdout.isatty():
        raise UsageError(
            "--raw prints what logs hold as it is, and a terminal may obey it; lead it to a file or a pipe"
        )
    compared = folder(out, "--out") if out is not None else None
    frugal()
    without_pandas()
    from aggregator.explain.lines import explain

    kept: list[Line] = []
    tell = _writer(limit) if raw else _shower(LINES_SHOWN if limit is None else limit, kept, as_json=as_json)
    found = explain(metric, at, source, settings(config, window), tell, envelope=envelope, out=compared)
    if as_json:
        from .output import print_json

        print_json(asdict(found) | {"lines": [_document(line) for line in kept]})
    elif not raw:
        _total(found, LINES_SHOWN if limit is None else limit)


def _writer(limit: int | None) -> Callable[["Line"], None]:
    """Exact bytes of what counts, each once."""
    left = limit

    def write(line: "Line") -> None:
        nonlocal left
        if not line.duplicate and left != 0:
            sys.stdout.buffer.write(line.record.rstrip(b"\r\n") + b"\n")
            left = None if left is None else left - 1

    return write


def _shower(limit: int, kept: list["Line"], *, as_json: bool) -> Callable[["Line"], None]:
    """Keeps the first lines for JSON, or prints them as they come."""
    count = 0

    def show(line: "Line") -> None:
        nonlocal count
        count += 1
        if count > limit:
            return
        if as_json:
            kept.append(line)
        else:
            _print(line)

    return show


def _document(line: "Line") -> dict[str, Any]:
    text = line.record.decode("utf-8", "backslashreplace")
    return {name: value for name, value in asdict(line).items() if name != "record"} | {"text": text}


def _print(line: "Line") -> None:
    unpacked = " unpacked" if line.packed else ""
    place = f"line {line.line}, byte {line.offset}{unpacked}" if line.line else "joined of parts"
    told = "delivered before, dropped" if line.duplicate else f"{'=' if line.sets else '+'}{_number(line.adds)}"
    typer.echo(f"{visible(line.file)}: {place}: {told}")
    typer.echo(f"    {visible(line.record.decode('utf-8', 'backslashreplace').rstrip())}")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)


def _lines(count: int, more: str = "") -> str:
    return f"{count:,} {more}line{'' if count == 1 else 's'}"


def _total(found: "Explanation", limit: int) -> None:
    from aggregator.explain.query import Span
    from aggregator.promtext import series

    from .output import warn

    for message in found.warnings:
        warn(message)
    shown = found.events + found.duplicates
    if shown > limit:
        typer.echo(f"… and {_lines(shown - limit, 'more ')}; --limit, --raw show them")
    name = visible(series(found.metric, found.labels))
    when = "all time" if found.begin is None or found.end is None else str(Span(found.begin, found.end))
    typer.echo(f"{chr(10) if shown else ''}{name}, {when}")
    if found.value is None:
        for sample, value in found.samples[:SAMPLES_SHOWN]:
            typer.echo(f"  {_number(value):>14}  {visible(sample)}")
    else:
        typer.echo(f"  {_number(found.value):>14}  in these logs, by {_lines(found.events)} of {found.read:,}")
    for count, told in (
        (found.duplicates, "lines were delivered before and dropped"),
        (found.rejected, "lines were rejected; logemit check says why"),
        (found.ahead, "events are dated in the future and wait"),
        (found.unfinished, "last lines have no end yet and wait"),
    ):
        if count:
            typer.echo(f"  {count:>14,}  {told}")
    if found.folder:
        _compared(found)


def _compared(found: "Explanation") -> None:
    compared = found.folder
    assert compared
    typer.echo(f"  {_number(compared.value):>14}  in {compared.where} of {visible(compared.out)}")
    if compared.value == found.value:
        return
    typer.echo("These differ. What is known of the folder:" if compared.reasons else "These differ.")
    for reason in compared.reasons:
        typer.echo(f"  - {visible(reason)}")


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(name="explain", epilog=EXIT_CODES)(explain_command)
