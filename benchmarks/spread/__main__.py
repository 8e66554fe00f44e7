"""What a run on a cluster costs, beside the same run without one, on this machine."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .. import machine
from ..aggregate.equal import UnequalError
from ..aggregate.logs import MB, kept
from ..aggregate.page import made_in
from ..aggregate.running import FailedError
from .costs import load, save
from .measure import QUICK, Bench, Sizes
from .page import page, write

PACKAGES = ("logemit", "distributed", "dask", "numpy", "pyarrow", "orjson", "numba")

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command(help=__doc__)
def main(
    folder: Annotated[
        Path | None, typer.Option(help="Keeps the logs for the next time.", show_default="a temporary one")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Turns of each.", show_default="3")] = None,
    largest: Annotated[int | None, typer.Option(min=1, help="MB of the largest log.", show_default="2000")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small logs, to see that it runs; writes no page.")] = False,
    pages: Annotated[bool, typer.Option("--pages", help="The pages anew from what was measured.")] = False,
) -> None:
    if pages:
        write(*load())
        return
    sizes = QUICK if quick else Sizes()
    logs = (*sizes.logs[:-1], largest * MB) if largest else sizes.logs
    began, load_before = time.monotonic(), machine.load()
    try:
        with kept(folder) as place:
            bench = Bench(place, replace(sizes, rounds=rounds or sizes.rounds, logs=logs), _say)
            bench.measure()
    except (UnequalError, FailedError) as exc:
        _say(str(exc))
        raise typer.Exit(1) from None
    made = made_in(time.monotonic() - began, rounds or sizes.rounds, load_before)
    facts = [*machine.describe(PACKAGES), made]
    if not quick:
        save(bench.measured, facts)
        write(bench.measured, facts)
    typer.echo(page(bench.measured, facts), nl=False)


if __name__ == "__main__":
    app()
