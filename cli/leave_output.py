"""What audit and migrate print: tables for people, lines for CI, JSON for scripts, a diff for whoever reviews it."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import typer

from aggregator.escapes import visible

from .leaving.traces import Kind, Stage, Trace
from .output import Terminal, plain, print_json, warn

if TYPE_CHECKING:
    from .leaving.audit import Audit
    from .leaving.promql import Finding
    from .leaving.stages import Step
    from .leaving.successors import Successor

TITLES = {
    Stage.MODELS: "Models, databases, caches",
    Stage.CODE: "Views and business code",
    Stage.MIDDLEWARE: "Middleware",
    Stage.URLS: "URLs",
    Stage.SETTINGS: "Settings",
    Stage.DEPENDENCIES: "Dependencies and documentation",
    Stage.LOGEMIT: "logemit",
}
_NOTED = {Kind.SETTING}
"""What had a meaning that has to be said anew elsewhere."""
_ADVISED = {Kind.CLIENT_API, Kind.COMMAND, Kind.HELPER, Kind.TEST}
"""Of which the reason does not tell what to do."""
CHANGES_SHOWN = 10
_LEAST_CHARACTERS = 20
"""Of a line of an explanation, however narrow the terminal."""


def audited(
    found: "Audit",
    metrics: Sequence["Successor"],
    findings: Sequence["Finding"],
    *,
    all_metrics: bool,
    as_json: bool,
) -> None:
    """All of it, by stage."""
    if as_json:
        print_json(
            {
                "traces": [_document(trace) for trace in found.traces],
                "metrics": [asdict(metric) for metric in metrics],
                "queries": [asdict(finding) for finding in findings],
                "not_read": [{"file": file, "reason": reason} for file, reason in found.passed_over],
            }
        )
        return
    for file, reason in found.passed_over:
        warn(f"{file}: {reason}, not read")
    console = Terminal()
    for stage in Stage:
        traces = [trace for trace in found.traces if trace.stage is stage]
        if traces:
            console.print(f"[bold]{TITLES[stage]}[/bold]", soft_wrap=True)
            _list(console, traces)
            console.print()
    _map(console, metrics, all_of_it=all_metrics)
    _queries(console, findings)
    console.print(_summary(found.traces), soft_wrap=True)


def verified(found: "Audit", findings: Sequence["Finding"]) -> None:
    """A line for each, as compilers print them."""
    for file, reason in found.passed_over:
        warn(f"{file}: {reason}, not read")
    for trace in found.traces:
        typer.echo(visible(f"{trace.file}:{trace.line}: {trace.kind}: {_to_do(trace)}"))
    for finding in findings:
        if finding.must_change:
            typer.echo(visible(f"{finding.file}:{finding.line}: {finding}"))


@dataclass(frozen=True, slots=True)
class Form:
    """What became of the changes: written to the project, or as patches to files; else only shown."""

    written: bool
    patches: Sequence[Path] | None


def migrated(steps: Sequence["Step"], left: Sequence[Trace], form: Form, *, as_json: bool) -> None:
    """A diff goes to standard output; what is told about it then goes to standard error."""
    if as_json:
        print_json(
            {
                "written": form.written,
                "stages": [_step(step) for step in steps],
                "left": [_document(trace) for trace in left],
            }
        )
        return
    only_shown = not form.written and form.patches is None
    for step in steps if only_shown else ():
        _print_patch(step)
    console = Terminal(stderr=only_shown)
    for step in steps:
        verb = "changed" if form.written else "would change"
        told = f"{_count(len(step.after), 'file')} {verb}" if step.after else "nothing to do"
        console.print(f"[bold]{step.stage:<12}[/bold]  {told}")
        for note in dict.fromkeys(f"{trace.subject}: {trace.advice}" for trace in step.done if trace.kind in _NOTED):
            _explain(console, note, 14)
    if only_shown and any(step.after for step in steps):
        console.print("Nothing is written yet: --write does it, --patches makes files of it.", soft_wrap=True)
    for path in form.patches or ():
        console.print(f"wrote {plain(str(path))}", soft_wrap=True)
    if left:
        console.print(f"\n[bold]Left[/bold]: {_in_files(left)}")
        _list(console, left, shows_waits=True)
    else:
        console.print(f"\nNo trace of django-prometheus {'is' if form.written else 'would be'} left.")


def _print_patch(step: "Step") -> None:
    """Byte for byte, but on a terminal, which would obey what a file may hold."""
    if not step.after:
        return
    head = f"# {step.stage}: {TITLES[step.stage]}\n"
    if sys.stdout.isatty():
        typer.echo(head + "\n".join(map(visible, step.patch.split("\n"))), nl=False)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write((head + step.patch).encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()


def _list(console: Terminal, traces: Sequence[Trace], *, shows_waits: bool = False) -> None:
    """File by file: where, what, the line; and what is to be done by hand."""
    kinds = max(len(trace.kind) for trace in traces)
    for file in dict.fromkeys(trace.file for trace in traces):
        console.print(f"  {plain(file)}")
        for trace in traces:
            if trace.file != file:
                continue
            line = f"  {trace.line:>6}  {trace.kind:<{kinds}}  {plain(trace.text)}"
            console.print(line, no_wrap=True, overflow="ellipsis")
            if trace.by_hand:
                _explain(console, f"by hand: {trace.doubt}", 10)
                if trace.kind in _ADVISED:
                    _explain(console, f"to do: {trace.advice}", 10)
            elif trace.waits and shows_waits:
                _explain(console, f"waits for {trace.waits}", 10)


def _explain(console: Terminal, text: str, indent: int) -> None:
    """Lines that fit, for names and paths that do not are left whole."""
    room = max(_LEAST_CHARACTERS, console.width - indent)
    for line in wrap(visible(text), room, break_long_words=False, break_on_hyphens=False):
        console.print(f"{'':{indent}}{plain(line)}", soft_wrap=True)


def _map(console: Terminal, metrics: Sequence["Successor"], *, all_of_it: bool) -> None:
    """What changes its name or its labels, or has no successor; or each metric with what it means from then on."""
    if not metrics:
        return
    changed = [each for each in metrics if each.name != each.old or each.relabelled]
    kept = len(metrics) - len(changed)
    console.print(f"[bold]Metrics[/bold]: {kept:,} keep name and labels, with `service` beside them", soft_wrap=True)
    shown = metrics if all_of_it else changed[:CHANGES_SHOWN]
    for each in shown:
        console.print(f"  {plain(each.old)}  {_becomes(each)}", soft_wrap=True)
        for label, name in each.relabelled:
            _explain(console, f"its label {label} is {name} now", 6)
        for difference in each.differences if all_of_it or not each.name else ():
            _explain(console, difference, 6)
        if each.definition and all_of_it:
            _explain(console, "as it was, by these lines in logemit.toml:", 6)
            for line in each.definition.splitlines():
                console.print(f"{'':10}{plain(line)}", soft_wrap=True)  # to be copied
    if not all_of_it:
        more = f"… and {len(changed) - len(shown):,} more that change; " if len(changed) > len(shown) else ""
        _explain(console, f"{more}--metrics shows each with its labels and what it means", 2)
    console.print()


def _becomes(metric: "Successor") -> str:
    if not metric.name:
        return "has no successor"
    labels = "labels as they are told" if metric.labels is None else f"by {', '.join(map(plain, metric.labels))}"
    name = "" if metric.name == metric.old else f"is {plain(metric.name)}, "
    return f"{name}{metric.type}, {labels}"


def _queries(console: Terminal, findings: Sequence["Finding"]) -> None:
    """What must change first, expression by expression."""
    for must_change, head in ((True, "Queries to change"), (False, "Queries to know about")):
        told = [finding for finding in findings if finding.must_change is must_change]
        if not told:
            continue
        console.print(f"[bold]{head}[/bold]", soft_wrap=True)
        for (file, line, expression), of_one in groupby(told, lambda each: (each.file, each.line, each.expression)):
            console.print(f"  {plain(file)}:{line}  {plain(expression)}".rstrip(), no_wrap=True, overflow="ellipsis")
            for each in of_one:
                _explain(console, str(each), 6)
        console.print()


def _to_do(trace: Trace) -> str:
    return trace.doubt or (f"waits for {trace.waits}" if trace.waits else trace.advice)


def _document(trace: Trace) -> dict[str, Any]:
    return {
        "file": trace.file,
        "line": trace.line,
        "last_line": max(trace.line, trace.last_line),
        "kind": trace.kind,
        "stage": trace.stage,
        "subject": trace.subject,
        "text": trace.text,
        "advice": trace.advice,
        "by_hand": trace.doubt or None,
        "waits": trace.waits or None,
    }


def _step(step: "Step") -> dict[str, Any]:
    return {
        "stage": step.stage,
        "files": sorted(step.after),
        "done": [_document(trace) for trace in step.done],
        "patch": step.patch,
    }


def _summary(traces: Sequence[Trace]) -> str:
    if not traces:
        return "No trace of django-prometheus."
    by_hand = sum(trace.by_hand for trace in traces)
    told = f"{_in_files(traces)}; {by_hand:,} to be changed by hand." if by_hand else f"{_in_files(traces)}."
    return told if by_hand == len(traces) else f"{told} `logemit migrate` shows what it takes out."


def _in_files(traces: Sequence[Trace]) -> str:
    return f"{_count(len(traces), 'trace')} in {_count(len({trace.file for trace in traces}), 'file')}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
