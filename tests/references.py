"""The references in docs/ from the code that they describe: `python -m tests.references` writes them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer.main

from aggregator import errors, exposition
from aggregator.catalogue import shipped
from aggregator.definitions import Column, Filter, Metric, Summary
from aggregator.errors import LogemitError
from aggregator.mappings import told
from aggregator.store import State
from cli.app import app
from cli.options import EXIT_CODES
from logemit.conf import SETTINGS
from logemit.vocabulary import COMMON, EVENTS, LINE_LIMIT, Event

from . import python_reference

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
_NOTE = "<!-- Generated from {source} by tests/references.py; `make docs` writes it anew. -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return python_reference.escaped(text.replace("|", "\\|"))


def page(source: str, *parts: str) -> str:
    return "\n\n".join([_NOTE.format(source=source), *parts]) + "\n"


def code(text: object) -> str:
    return f"`{text}`" if text != "" else ""


def codes(names: Iterable[object]) -> str:
    return ", ".join(code(name) for name in names)


# Events.


def events() -> str:
    intro = (
        f"One event is one line of UTF-8 JSON of at most {LINE_LIMIT:,} bytes. `logemit schema` prints the same as a "
        "JSON Schema. A *dimension* groups rows in a summary; its cardinality says how many values it takes: `fixed` "
        "by a standard, `app` as many as the app has names, `identity` one for each user or feed."
    )
    common = table(["key", "type", "meaning"], ([code(f.name), f.type, f.doc] for f in COMMON))
    return page("logemit/vocabulary.py", "# Events", intro, "## On every line", common, *map(_event, EVENTS))


def _event(event: Event) -> str:
    rows = (
        [code(field.name), field.type, f"dimension, {field.cardinality}" if field.dimension else field.unit, field.doc]
        for field in event.fields
    )
    return f"## {event.name}\n\n{event.doc}\n\n" + table(["field", "type", "dimension or unit", "meaning"], rows)


# Metrics.


def metrics() -> str:
    intro = (
        "What the shipped catalogue makes of the events: summaries, which are Parquet, and metrics, which are views of "
        "them in `metrics.prom`. Every family has the label `service` besides those below."
    )
    catalogue = shipped()
    sections = [_summary(s, [m for m in catalogue.metrics if m.summary == s.name]) for s in catalogue.summaries]
    own = "## About logemit itself\n\nOf all runs on one output folder; without `service`.\n\n" + _own_families()
    return page("aggregator/shipped", "# Summaries and metrics", intro, *sections, own)


def _summary(summary: Summary, views: list[Metric]) -> str:
    name, span = ("HH", "an hour") if summary.partition == "hour" else ("part", "a day")
    facts = [
        f"- event: {code(summary.event)}",
        f"- files: `{summary.name}/date=YYYY-MM-DD/{name}.parquet`, one {span}",
        f"- dimensions: {codes(('service', *summary.dimensions))}",
    ]
    if summary.taken != Filter():
        facts.append(f"- takes in rows where {_filter(summary.taken)}")
    if summary.measures:
        facts.append(f"- measures: {', '.join(f'{code(m.name)} ({m.unit})' for m in summary.measures)}")
    if summary.binned:
        facts.append(f"- histograms of: {codes(m.name for m in summary.binned)}")
    if summary.gauges:
        facts.append(f"- gauges, the last of each: {codes(summary.gauges)}")
    if summary.errors:
        facts.append(f"- counts as an error: {_filter(summary.errors)}")
    rows = ([code(m.name), m.type, ", ".join(map(_label, m.labels)), _shows(m), m.help] for m in views)
    columns = ["family", "type", "labels", "shows", "meaning"]
    return f"## {summary.name}\n\n" + "\n".join(facts) + "\n\n" + table(columns, rows)


def _label(label: tuple[str, Column]) -> str:
    name, column = label
    return code(name) if isinstance(column, str) else f"{code(name)} ({told(column)})"


def _shows(metric: Metric) -> str:
    shown = code(metric.measure or metric.value)
    if metric.buckets:
        shown += f", buckets {metric.buckets[0]:g} to {metric.buckets[-1]:.12g}"
    if metric.over:
        shown += f", {code(metric.over)} over rows"
    wanted = _filter(metric.filter)
    return f"{shown} where {wanted}" if wanted else shown


def _filter(wanted: Filter) -> str:
    conditions = [f"{code(name)} is {_values(values)}" for name, values in wanted.where]
    conditions += [f"{code(name)} is not {_values(values)}" for name, values in wanted.unless]
    return " and ".join(conditions)


def _values(values: Iterable[str]) -> str:
    return " or ".join(code(value) or "empty" for value in values)


def _own_families() -> str:
    text = "".join(exposition.about_runs(State())).splitlines()
    told = [line.split(" ", 3) for line in text if line.startswith(("# HELP logemit_", "# TYPE logemit_"))]
    helps = {name: rest for _, kind, name, rest in told if kind == "HELP"}
    types = {name: rest for _, kind, name, rest in told if kind == "TYPE"}
    return table(["family", "type", "meaning"], ([code(name), types[name], helps[name]] for name in helps))


# The command.


def cli() -> str:
    """From the parameters: what Typer prints differs between its versions."""
    group: Any = typer.main.get_command(app)
    commands = [_command(f"logemit {name}", command) for name, command in group.commands.items()]
    known = "How it ends is told by its [exit code](exit-codes.md)."
    return page("cli/app.py", "# The command", known, _command("logemit", group), *commands)


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = [name, *(f"{p.metavar}…" for p in arguments)]
    usage += [f"{p.opts[0]} {p.metavar}" if p.required else f"[{_option(p)}]" for p in options]
    usage += ["COMMAND …"] if hasattr(command, "commands") else []
    rows = [[code(p.metavar), p.help] for p in arguments] + [[code(_option(p)), p.help] for p in options]
    parts = [f"## {name}", f"```text\n{' '.join(usage)}\n```", command.help]
    return "\n\n".join([*parts, table(["", "meaning"], rows)] if rows else parts)


def _option(parameter: Any) -> str:
    return parameter.opts[0] if parameter.is_flag else f"{parameter.opts[0]} {parameter.metavar}"


# Exit codes.

TO_DO = {
    0: "",
    1: "read what it says of them; after `audit`, take them out",
    2: "mend the command line; for a rebuild, name all logs; for `compile`, see "
    "[machine code](../operations.md#machine-code)",
    65: "stop, and see [operations](../operations.md#when-something-went-wrong): `logemit repair`, or a newer logemit",
    66: "mend the path; is the app running?",
    69: "try again later: `push` makes up for what it missed; `serve` wants another port",
    70: "run it with `LOGEMIT_DEBUG=1`, and report what that shows",
    73: "mend its owner or mode; [a bucket](../buckets.md#outputs-in-a-bucket) must keep conditions",
    74: "mend what it names (a full disk, a denied access), and run it again",
    75: "nothing: the other run, or the backup, does its work",
    78: "mend what it names in the file",
    130: "run it again",
}
"""What a script, or who reads its mail, does."""


def exit_codes() -> str:
    intro = (
        "Every command ends with one of these. After any of them the outputs are as the last finished run left them, "
        "and the next run goes on from there; after 65, once it is mended."
    )
    pairs = EXIT_CODES.replace("\n", " ").removeprefix("Exit codes: ").removesuffix(".").split(" · ")
    meanings = {int(code): meaning for code, meaning in (pair.strip().split(" ", 1) for pair in pairs)}
    raised = {number: [each.__name__ for each in error_types() if each.exit_code == number] for number in meanings}
    rows = ([str(number), meanings[number], codes(raised[number]), TO_DO[number]] for number in meanings)
    python = "The errors are those of `aggregator.errors`, which Python code catches; the message is one line."
    script = (
        "A script lets pass what is no failure: 75 means that a run is at work already.\n\n"
        "```sh\nlogemit aggregate logs/app.log --out metrics > /dev/null || test $? -eq 75\n```\n\n"
        "A probe asks `logemit status`, which ends with 65 where the newest commit cannot be read:\n\n"
        "```sh\nlogemit status metrics > /dev/null\n```"
    )
    shown = table(["code", "means", "in Python", "do"], rows)
    return page("aggregator/errors.py and cli/options.py", "# Exit codes", intro, shown, python, script)


def error_types() -> list[type[LogemitError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, LogemitError)]


# Python.


def python() -> str:
    intro = (
        "What can be imported, with its signature and what it says of itself. Where it is used: "
        "[in Django](../django.md), [instruments](../instruments.md), [jobs and feeds](../domain.md), "
        "[notebooks](../notebooks.md)."
    )
    return page("the sources of logemit and aggregator", "# Python", intro, *python_reference.sections())


# Settings.


def settings() -> str:
    intro = (
        "Keys of `LOGEMIT`, a dict in Django's settings. The environment variable wins over it. A value that cannot be "
        "used is reported by `manage.py check`, and the default is taken."
    )
    rows = ([code(s.name), code(f"LOGEMIT_{s.name}"), _default(s.default), s.doc] for s in SETTINGS)
    return page("logemit/conf.py", "# Settings", intro, table(["key", "environment", "default", "meaning"], rows))


def _default(value: Any) -> str:
    return codes(value) if isinstance(value, tuple) else code(value)


PAGES = {
    "events": events,
    "metrics": metrics,
    "cli": cli,
    "settings": settings,
    "exit-codes": exit_codes,
    "python": python,
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, generate in PAGES.items():
        (FOLDER / f"{name}.md").write_text(generate(), "utf-8")


if __name__ == "__main__":
    main()
