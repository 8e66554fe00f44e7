"""Reports as tables for people and as one JSON object for scripts."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aggregator.definitions import Filter
from aggregator.envelopes import ENVELOPES
from aggregator.escapes import visible

if TYPE_CHECKING:
    from aggregator.check import Findings
    from aggregator.definitions import Catalogue
    from aggregator.doubts import Examined
    from aggregator.report import Report


SOURCES_SHOWN = 20
EVENTS_SHOWN = 8
"""Kinds of events that a report names; --json has them all."""


class Terminal(Console):
    """Of one whose reader went away the commands are told, not ended by rich with an exit code of an error.

    With NO_COLOR nothing is bold either.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto", stderr=stderr)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_json(value: Any) -> None:
    """For scripts, and for terminals: control characters are escaped in JSON's own way."""
    text = json.dumps(value, ensure_ascii=False)
    typer.echo("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text))


def warn(message: str) -> None:
    typer.echo(f"logemit: {visible(message)}", err=True)


def plain(text: str) -> str:
    """Text from a log or a name for a terminal: without control characters, and not read as markup."""
    return escape(visible(text))


def report(found: "Report", *, as_json: bool) -> None:
    """What a run of aggregate did."""
    for message in found.warnings:
        warn(message)
    for message in found.rejections:
        warn(f"rejected {message}")
    if found.rejected > len(found.rejections):
        warn(f"{found.rejected - len(found.rejections)} more rejected; logemit check lists them")
    if found.read and not found.events and not found.duplicates:
        warn(f"no events in {found.read} new lines; is logemit.middleware.EventMiddleware on, and its output here?")
    if found.run == 1 and not found.read:
        warn("nothing to read: the sources are empty")
    if as_json:
        print_json(asdict(found))
        return
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    rows: list[tuple[str, object, str]] = [
        ("lines read", found.read, f"new, from {found.sources} source{'s' * (found.sources != 1)}"),
        ("events", found.events, _by_number(found.by_event)),
        ("foreign", found.foreign, "lines that are no events"),
        ("rejected", found.rejected, "lines that begin as events and are none"),
        ("duplicates", found.duplicates, "delivered before, dropped"),
    ]
    optional = [
        ("held", found.held, "dated in the future, set aside"),
        ("released", found.released, "were held, and their time has come"),
        ("invalid fields", found.fields_invalid, "left out of their events"),
        ("cut", found.texts_cut, "values of labels that were too long"),
        ("late", found.late, "older than the limit, in the totals only"),
        ("gaps", found.gaps, "logs that went away before they were read to their end"),
        ("conflicts", found.conflicts, "numbers used twice by a process, both counted"),
        ("unfinished", found.unfinished, "last lines without an end, left for the next run"),
    ]
    rows.extend(row for row in optional if row[1])
    rows.extend(
        [
            ("missing", found.missing, "written by a process, not arrived yet"),
            ("lost", found.lost, "missing for more than a day, over all runs"),
            ("partitions", found.partitions, "written"),
            ("seconds", f"{found.seconds:.2f}", f"run {found.run}"),
        ]
    )
    for name, value, note in rows:
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value), note)
    console = Terminal()
    console.print(table)
    console.print(f"Parquet     {plain(found.out)}/<summary>/", soft_wrap=True)
    console.print(f"Prometheus  {plain(found.out)}/metrics.prom", soft_wrap=True)


def _by_number(events: Mapping[str, int]) -> str:
    """The most frequent first, and how many kinds are left out."""
    ordered = sorted(events.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{number} {plain(event)}" for event, number in ordered[:EVENTS_SHOWN]]
    more = len(ordered) - EVENTS_SHOWN
    return ", ".join([*shown, *([f"{more} more kinds"] if more > 0 else [])])


def findings(found: "Findings", *, as_json: bool) -> None:
    """What check found."""
    if as_json:
        print_json(asdict(found))
        return
    for message in found.warnings:
        warn(message)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("event")
    table.add_column("lines", justify="right")
    for event, count in list(found.events.items())[:100]:
        table.add_row(plain(event), f"{count:,}")
    table.add_section()
    table.add_row("foreign", f"{found.foreign:,}")
    table.add_row("rejected", f"{found.rejected:,}")
    if found.unfinished:
        table.add_row("unfinished", f"{found.unfinished:,}")
    console = Terminal()
    console.print(table)
    for source, lines in list(found.envelopes.items())[:SOURCES_SHOWN]:
        console.print(f"{plain(source)}: {_wrapped(lines)}", soft_wrap=True)
    if len(found.envelopes) > SOURCES_SHOWN:
        console.print(f"… and {len(found.envelopes) - SOURCES_SHOWN:,} more sources")
    for name, count in sorted(found.fields_invalid.items()):
        console.print(f"left out {plain(name)}: {count:,} values that cannot be measured", soft_wrap=True)
    for message in found.rejections:
        console.print(plain(message), soft_wrap=True)
    if found.rejected > len(found.rejections):
        console.print(f"… and {found.rejected - len(found.rejections):,} more")


def _wrapped(lines: Mapping[str, int]) -> str:
    """The envelopes of a source's lines."""
    titles = {envelope.name: envelope.title for envelope in ENVELOPES}
    return ", ".join(f"{titles.get(name, 'bare lines')} ({count:,})" for name, count in lines.items())


def metrics(catalogue: "Catalogue", *, as_json: bool) -> None:
    """The catalogue."""
    if as_json:
        print_json([asdict(metric) for metric in catalogue.metrics])
        return
    from aggregator.mappings import told

    for summary in catalogue.summaries:
        of_summary = [metric for metric in catalogue.metrics if metric.summary == summary.name]
        rows = f" where {visible(_passing(summary.taken))}" if summary.taken != Filter() else ""
        typer.echo(f"{summary.name}  ({len(of_summary)} metrics of event {summary.event}{rows})")
        for metric in of_summary:
            labels = ",".join(label for label, _ in metric.labels)
            typer.echo(
                f"  {metric.type:9}  {metric.name}{{{labels}}}" if labels else f"  {metric.type:9}  {metric.name}"
            )
            for label, column in metric.labels:
                if not isinstance(column, str):
                    typer.echo(f"{'':13}{label} is {visible(told(column))}")


def _passing(wanted: Filter) -> str:
    conditions = [f"{name} is {_either(values)}" for name, values in wanted.where]
    conditions += [f"{name} is not {_either(values)}" for name, values in wanted.unless]
    return " and ".join(conditions)


def _either(values: tuple[str, ...]) -> str:
    return " or ".join(value or "empty" for value in values)


def examined(found: "Examined", *, as_json: bool) -> None:
    """What metrics --check found."""
    if as_json:
        print_json(asdict(found))
        return
    for problem in found.problems:
        typer.echo(visible(str(problem)))
    for doubt in found.doubts:
        typer.echo(visible(str(replace(doubt, message=f"warning: {doubt.message}"))))
    if not found.problems:
        summaries = f"{found.summaries} summar{'y' if found.summaries == 1 else 'ies'}"
        typer.echo(f"ok: {summaries}, {found.metrics} metric{'s' * (found.metrics != 1)}")
