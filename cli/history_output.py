"""What a backfill prints."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from aggregator.escapes import visible

from .output import print_json, warn

if TYPE_CHECKING:
    from aggregator.history.export import Backfilled

AMENDMENTS_SHOWN = 20


def backfilled(done: "Backfilled", *, as_json: bool) -> None:
    """What was written, and what came too late."""
    for message in done.warnings:
        warn(message)
    if as_json:
        print_json(asdict(done))
        return
    for path in done.finished:
        typer.echo(f"{visible(path)}: is of a backfill that was killed, and has its name now")
    for file in done.files:
        typer.echo(f"{visible(file.path)}: {file.samples:,} samples, {_time(file.begin)} to {_time(file.end)}")
    if done.files:
        would = "would be written" if done.is_dry else "written"
        typer.echo(f"{done.samples:,} samples of {done.families:,} families {would}")
    elif not done.finished:
        typer.echo(f"nothing new since {_time(done.until)}" if done.until else "nothing is sealed yet")
    if done.amended:
        typer.echo(f"{done.amended:,} events came for windows that had been exported; later samples count them:")
    for window in done.amendments[:AMENDMENTS_SHOWN]:
        typer.echo(f"  {visible(window.summary)} {_time(window.start)}, {window.seconds} s: {window.events:,} events")
    if len(done.amendments) > AMENDMENTS_SHOWN:
        typer.echo("  … --json lists more")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
