"""Reports as tables for people and as one JSON object for scripts."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from aggregator.check import Findings
    from aggregator.definitions import Catalogue
    from aggregator.report import Report


EVENTS_SHOWN = 8
"""Kinds of events that a report names; --json has them all."""


def print_json(value: Any) -> None:
    """For scripts."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def _visible(text: str) -> str:
    """Text from a log without its control characters: a terminal would obey them."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _warn(message: str) -> None:
    typer.echo(f"logemit: {_visible(message)}", err=True)


def plain(text: str) -> str:
    """Text from a log or a name for a terminal: without control characters, and not read as markup."""
    return escape(_visible(text))


def report(found: "Report", *, as_json: bool) -> None:
    """What a run of aggregate did."""
    for message in found.warnings:
        _warn(message)
    for message in found.rejections:
        _warn(f"rejected {message}")
    if found.rejected > len(found.rejections):
        _warn(f"{found.rejected - len(found.rejections)} more rejected; logemit check lists them")
    if found.read and not found.events and not found.duplicates:
        _warn(f"no events in {found.read} new lines; is logemit.middleware.EventMiddleware on, and its output here?")
    if found.run == 1 and not found.read:
        _warn("nothing to read: the sources are empty")
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
    console = Console(highlight=False)
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
        _warn(message)
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
    console = Console(highlight=False)
    console.print(table)
    for name, count in sorted(found.fields_invalid.items()):
        console.print(f"left out {plain(name)}: {count:,} values that cannot be measured", soft_wrap=True)
    for message in found.rejections:
        console.print(plain(message), soft_wrap=True)
    if found.rejected > len(found.rejections):
        console.print(f"… and {found.rejected - len(found.rejections):,} more")


def metrics(catalogue: "Catalogue", *, as_json: bool) -> None:
    """The catalogue."""
    if as_json:
        print_json([asdict(metric) for metric in catalogue.metrics])
        return
    for summary in catalogue.summaries:
        of_summary = [metric for metric in catalogue.metrics if metric.summary == summary.name]
        typer.echo(f"{summary.name}  ({len(of_summary)} metrics of event {summary.event})")
        for metric in of_summary:
            labels = ",".join(label for label, _ in metric.labels)
            typer.echo(
                f"  {metric.type:9}  {metric.name}{{{labels}}}" if labels else f"  {metric.type:9}  {metric.name}"
            )
