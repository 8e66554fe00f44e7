"""What a request costs with logemit and with django-prometheus, beside bare Django."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from . import machine, report
from .cases import BARE, CONTENDERS, PARTS, QUERIES, Case, Contender, Handler, Output
from .live import EndedError, Taken, database, measure
from .profiling import profile as profiled

ROUNDS = 48
PROFILED_REQUESTS = 3000
QUICK_REQUESTS = 3
ABOUT = """\
What a request costs with logemit and with django-prometheus. Made by `make bench-emitter`; the figures are one
machine's, and the ratios travel better than the microseconds.

Each contender is a process that calls Django's own WSGI or ASGI handler: the same view, the same SQLite file, the
collector as Django leaves it. Of each round every contender has its turn, in rotating order, and is compared with bare
Django of the same round; the table has the medians over the rounds. `ratio` is what logemit adds by what
django-prometheus adds. logemit writes a line for the request and one for its queries, with its default settings;
django-prometheus has both middlewares and its database wrapper, and keeps its counters in the process.
A pipe's reader is a process of its own, and its work is not counted. Django gives each request under ASGI a thread of
its own, so there each request with queries opens the database anew.
"""
app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _measured(
    cases: Sequence[Case], contenders: Sequence[Contender], rounds: int, requests: int | None
) -> dict[Case, dict[str, Taken]]:
    with database() as path:
        return {case: measure(case, contenders, path, rounds, requests, _say) for case in cases}


def _comparison(cases: Sequence[Case], contenders: Sequence[Contender], rounds: int, requests: int | None) -> str:
    start, load = time.monotonic(), machine.load()
    results = _measured(cases, contenders, rounds, requests)
    day, seconds = datetime.now(UTC).date(), time.monotonic() - start
    made = f"{day}, {rounds} rounds in {seconds:.0f} s, load {load} before and {machine.load()} after"
    sections = [
        ["# What the emitter costs", "", ABOUT.rstrip()],
        ["## Microseconds per request", "", *report.comparison(results)],
    ]
    if written := report.written(results):
        sections.append(["## What logemit writes per request", "", *written])
    sections.append(["## The machine", "", *(f"- {line}" for line in (*machine.describe(), made))])
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _profile(case: Case, requests: int) -> str:
    with database() as path:
        lines = profiled(case, path, requests)
    return "\n".join([f"{case}; cProfile makes calls dearer than they are", "", *lines]) + "\n"


@app.command(help=__doc__)
def main(
    rounds: Annotated[int, typer.Option(min=1, help="Turns that each contender has on each case.")] = ROUNDS,
    requests: Annotated[
        int | None,
        typer.Option(min=1, help="Requests in a turn.", show_default="what bare Django serves in 0.06 s"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One round of few requests, to see that it runs.")] = False,
    contender: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(c.name for c in CONTENDERS)}; may be repeated.", show_default="all"),
    ] = None,
    handler: Annotated[list[Handler] | None, typer.Option(help="May be repeated.", show_default="both")] = None,
    queries: Annotated[
        list[int] | None,
        typer.Option(help="Queries in the view, may be repeated.", show_default=", ".join(map(str, QUERIES))),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the page to this file, too.", dir_okay=False)] = None,
    sink: Annotated[
        list[Output] | None, typer.Option(help="Where the lines go; may be repeated.", show_default="both")
    ] = None,
    breakdown: Annotated[
        bool, typer.Option("--breakdown", help="Instead: logemit with more and more of it on, sync, to /dev/null.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Instead: where logemit's time goes on the first case.")
    ] = False,
) -> None:
    if quick:
        rounds, requests = 1, requests or QUICK_REQUESTS
    handlers, sinks = handler or list(Handler), sink or list(Output)
    cases = [Case(*case) for case in product(handlers, queries or QUERIES, sinks)]
    contenders = _chosen(contender)
    try:
        if profile:
            page = _profile(cases[0], requests or PROFILED_REQUESTS)
        elif breakdown:
            cases = [Case(Handler.SYNC, count, Output.NULL) for count in queries or QUERIES]
            page = "\n".join(report.parts(_measured(cases, (BARE, *PARTS), rounds, requests))) + "\n"
        else:
            page = _comparison(cases, contenders, rounds, requests)
    except EndedError as exc:
        _say(str(exc))
        raise typer.Exit(1) from None
    if output is not None:
        output.write_text(page, "utf-8")
    typer.echo(page, nl=False)


def _chosen(names: list[str] | None) -> list[Contender]:
    """In their own order, and bare Django always: it is what the others are held against."""
    known = [contender.name for contender in CONTENDERS]
    if unknown := set(names or ()) - set(known):
        raise typer.BadParameter(f"no contender {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [c for c in CONTENDERS if c is BARE or not names or c.name in names]


if __name__ == "__main__":
    app()
