"""What the commands that look after an output folder print."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich import box
from rich.filesize import decimal
from rich.table import Table

from aggregator.status import MEANINGS, telling

from .output import Terminal, plain, print_json

if TYPE_CHECKING:
    from aggregator.compact import Compacted
    from aggregator.repair import Repaired
    from aggregator.status import Source, Status


def status(found: "Status", *, sources: bool, as_json: bool) -> None:
    """What an output folder holds."""
    if as_json:
        print_json(asdict(found))
        return
    console = Terminal()
    for line in _about(found):
        console.print(line, soft_wrap=True)
    if found.account:
        console.print(_account(found))
    if found.summaries:
        console.print(_summaries(found))
    for line in _hidden(found):
        console.print(line, soft_wrap=True)
    if sources:
        for source in found.sources:
            console.print(_source(source), soft_wrap=True)


def _about(found: "Status") -> list[str]:
    lines = [f"{plain(found.out)}: format {found.format}, commit {found.commit}"]
    if found.problem:
        lines.append(f"[bold red]damaged[/]: {plain(found.problem)}")
    if found.holder:
        lines.append(f"at work: {plain(found.holder)}")
    if found.finished:
        lines.append(f"last run   {_time(found.finished)}, {_ago(found.age_seconds)} ago, took {found.seconds:.2f} s")
        lines.append(f"last event {_time(found.newest_event)}" if found.newest_event else "no event yet")
    if found.exported_until:
        late = f", {_plural(found.history_amended, 'event')} came too late for it" if found.history_amended else ""
        lines.append(f"exported until {_time(found.exported_until)} by backfill{late}")
    if not found.applied:
        lines.append("the last commit is not in its place yet; the next run finishes it")
    if found.staged:
        whose = "by a run that was killed; the next run removes them"
        whose = "by the run at work" if found.holder else whose if found.applied else "and committed"
        lines.append(f"staged: {found.staged:,} files, {decimal(found.staged_bytes)}, {whose}")
    known = f"from {found.checked_from} on" if found.checked_from else "for all dates"
    lines.append(
        f"duplicates are known {known} ({_plural(found.seen_dates, 'date')}); state {decimal(found.state_bytes)}"
    )
    lines.extend(f"{what} before {date}" for what, date in _marks(found) if date)
    counts = {state: sum(s.state == state for s in found.sources) for state in ("open", "closed", "gone")}
    objects = f", {_plural(found.objects, 'object')}" if found.objects else ""
    lines.append("logs known: " + ", ".join(f"{number:,} {state}" for state, number in counts.items()) + objects)
    return lines


def _marks(found: "Status") -> list[tuple[str, str]]:
    return [("windows are hours", found.folded_before), ("partitions are empty", found.dropped_before)]


def _account(found: "Status") -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    for name, value in telling(found.account).items():
        table.add_row(name.replace("_", " "), f"{value:,}", MEANINGS[name])
    return table


def _summaries(found: "Status") -> Table:
    table = Table("summary", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("files", "size"):
        table.add_column(name, justify="right")
    table.add_column("from")
    table.add_column("to")
    for name, size in found.summaries.items():
        table.add_row(plain(name), f"{size.files:,}", decimal(size.bytes), size.first_date, size.last_date)
    return table


def _hidden(found: "Status") -> list[str]:
    capped = ((metric, *item) for metric, of_labels in found.capped.items() for item in of_labels.items())
    lines = [
        f"{plain(metric)}: {number:,} {f'values of label {plain(label)!r}' if label else 'series'} as __other__"
        for metric, label, number in capped
    ]
    return lines + [f"{plain(name)}: {number:,} events as __other__" for name, number in found.folded.items()]


def _source(found: "Source") -> str:
    rest = f", {found.rest:,} bytes unfinished" if found.rest else ""
    return f"{found.state:6}  {decimal(found.bytes_read):>10}  {found.lines:>10,} lines  {plain(found.path)}{rest}"


def _plural(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def repaired(found: "Repaired", *, as_json: bool) -> None:
    """What repair found and did."""
    if as_json:
        print_json({**asdict(found), "left": found.left})
        return
    console = Terminal()
    for finding in found.findings:
        console.print(f"[bold]{finding.outcome}[/] {plain(finding.path)}: {plain(finding.problem)}", soft_wrap=True)
        console.print(f"    {plain(finding.remedy)}", soft_wrap=True)
    if not found.findings:
        console.print(f"{plain(found.out)}: nothing is damaged", soft_wrap=True)
    elif found.left:
        console.print(f"{found.left} left; the next run may refuse to work", soft_wrap=True)
    else:
        console.print("the next run can work", soft_wrap=True)


def compacted(done: "Compacted", *, as_json: bool) -> None:
    """What compact did."""
    if as_json:
        print_json(asdict(done))
        return
    console = Terminal()
    console.print(f"partitions written  {done.partitions:,}")
    if done.removed:
        console.print(f"files removed       {done.removed:,}")
    for what, date in (("hours before", done.folded_before), ("empty before", done.dropped_before)):
        if date:
            console.print(f"{what:18}  {date}")
    console.print(f"{'size':18}  {decimal(done.bytes_before)}, now {decimal(done.bytes_after)}")
