"""How quickly `logemit aggregate` takes in logs, beside DuckDB, Polars, a plain loop and mtail on the same log."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .. import machine
from .equal import UnequalError
from .logs import MB, Logs, kept
from .measure import QUICK, Bench, Sizes
from .page import made_in, page
from .programs import programs
from .running import FailedError

LARGE = 5000 * MB
RESULTS = Path(__file__).parents[1] / "RESULTS.md"

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


class Section(StrEnum):
    MAIN = "main"
    SCALING = "scaling"
    FOREIGN = "foreign"
    PACKED = "packed"
    ENVELOPES = "envelopes"
    INCREMENT = "increment"
    START_UP = "start-up"


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _measure(bench: Bench, sections: Sequence[Section]) -> None:
    unpackers = [name for name, module in (("isal", "isal"), ("zlib", "zlib")) if find_spec(module)]
    steps: dict[Section, Callable[[], None]] = {
        Section.MAIN: lambda: bench.main(programs()),
        Section.SCALING: bench.scaling,
        Section.FOREIGN: bench.foreign,
        Section.PACKED: lambda: bench.packed(unpackers),
        Section.ENVELOPES: bench.envelopes,
        Section.INCREMENT: bench.increment,
        Section.START_UP: bench.start_up,
    }
    for section, step in steps.items():
        if section in sections:
            _say(f"== {section}")
            step()


@app.command(help=__doc__)
def main(
    folder: Annotated[
        Path | None, typer.Option(help="Keeps the logs for the next time.", show_default="a temporary one")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Turns of each program.", show_default="5")] = None,
    lines: Annotated[int | None, typer.Option(min=100, help="Of the main log.", show_default="2,000,000")] = None,
    large: Annotated[bool, typer.Option("--large", help="Scale to 5 GB, too.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="All sections with small logs, to see that they run.")] = False,
    section: Annotated[list[Section] | None, typer.Option(help="May be repeated.", show_default="all")] = None,
    output: Annotated[
        Path | None, typer.Option(help="The page.", dir_okay=False, show_default="RESULTS.md; of --quick none")
    ] = None,
) -> None:
    sizes = QUICK if quick else Sizes(large=LARGE if large else 0)
    sizes = replace(sizes, rounds=rounds or sizes.rounds, lines=lines or sizes.lines)
    began, load = time.monotonic(), machine.load()
    try:
        with kept(folder) as place:
            bench = Bench(Logs(place, _say), sizes, _say)
            _measure(bench, section or list(Section))
    except (UnequalError, FailedError) as exc:
        _say(str(exc))
        raise typer.Exit(1) from None
    text = page(bench.measured, programs(), sizes, made_in(time.monotonic() - began, sizes.rounds, load))
    target = output or (None if quick else RESULTS)
    if target is not None:
        target.write_text(text, "utf-8")
    typer.echo(text, nl=False)


if __name__ == "__main__":
    app()
