"""What show prints: tables as wide as the terminal, or JSON, once or again and again."""

import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd
from rich.console import Group
from rich.live import Live
from rich.text import Text

from aggregator.errors import UsageError
from aggregator.escapes import visible
from aggregator.panels import Panel, View

from . import columns
from .output import Terminal, print_json

REQUESTS_SHOWN, OTHERS_SHOWN, SINGLE_SHOWN = 10, 5, 20
"""Rows of a table, unless it is said how many."""
_LEAST_WIDTH = 20
SCHEMA = 1
"""Of the JSON: a new one where a key goes or changes its meaning."""


@dataclass(frozen=True, slots=True)
class How:
    single: bool
    """One summary, not all panels."""
    sort: str | None
    limit: int | None
    """None for as many as fit the purpose, 0 for all."""

    def sorted(self, view: View) -> View:
        """With the requests by dimensions, or the summary, sorted as asked for. Raises UsageError."""
        if self.sort is None or not view.has_events:
            return view
        meant = next((panel for panel in view.panels if self.single or panel.name == "requests_by"), None)
        if meant is None:
            raise UsageError("--sort: there are no requests to sort; name a summary with --summary")
        panels = tuple(panel.sorted(self.sort) if panel is meant else panel for panel in view.panels)
        return replace(view, panels=panels)

    def rows(self, panel: Panel) -> int:
        if self.limit is not None:
            return self.limit or len(panel.table)
        return SINGLE_SHOWN if self.single else REQUESTS_SHOWN if panel.name == "requests_by" else OTHERS_SHOWN


def show(view: View, how: How, *, as_json: bool) -> None:
    """Print it. Raises UsageError for a column to sort by that is not there."""
    sorted_view = how.sorted(view)
    if as_json:
        print_json(document(sorted_view, how))
        return
    console = Terminal()
    for line in rendered(sorted_view, how, console.width):
        console.print(line, soft_wrap=True)


def watch(look: Callable[[], View], how: How, pause: float, *, as_json: bool) -> None:
    """Show it anew after each pause, until SIGINT or SIGTERM; where there is no terminal, one below the other."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Terminal()
    with suppress(KeyboardInterrupt):
        if as_json or not console.is_terminal or console.is_dumb_terminal:
            while True:
                show(look(), how, as_json=as_json)
                sys.stdout.flush()
                time.sleep(pause)
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                found = rendered(how.sorted(look()), how, console.width)
                live.update(Group(*_cropped(found, console.height)), refresh=True)
                time.sleep(pause)


def _cropped(found: list[Text], height: int) -> list[Text]:
    if len(found) <= height:
        return found
    more = len(found) - height + 1
    return [*found[: height - 1], Text(f"… {more} more lines: a taller terminal, --limit or --summary", "dim")]


def rendered(view: View, how: How, wide: int) -> list[Text]:
    """Its lines, none wider than the terminal."""
    width = max(wide, _LEAST_WIDTH)
    made = [Text(columns.cut(line, width), "bold red" if line.startswith("damaged") else "dim") for line in _head(view)]
    missing: dict[str, None] = {}
    for panel in _with_rankings(view, how):
        found, left_out = _panel(panel, how, width)
        made += [Text(), *found]
        missing |= dict.fromkeys(left_out)
    if missing:
        made += [Text(), *_notes(f"no room for {', '.join(missing)}: a wider terminal, or --json", width)]
    if view.others:
        made += [Text(), *_notes(f"also here, with --summary: {', '.join(map(visible, view.others))}", width)]
    return made


def _head(view: View) -> Iterator[str]:
    times = [f"{word} {_shown(moment)}" for word, moment in (("from", view.since), ("to", view.until)) if moment]
    yield " ".join([visible(view.out) + ",", *(times or ["all times"])])
    if view.problem:
        yield f"damaged: {visible(view.problem)}"
    elif view.newest_event is None:
        yield "no event yet: logemit aggregate … --out takes logs in"
    elif not view.has_events and view.is_within(view.newest_event):
        yield "no event of this summary in this span of time"
    elif not view.has_events:
        yield "no event in this span of time"
        yield f"the newest event is of {_shown(view.newest_event)}; try --since {view.newest_event:%Y-%m-%d}"


def _with_rankings(view: View, how: How) -> Iterator[Panel]:
    """Where not all requests are shown, also those with the most errors, and the slowest."""
    for panel in view.panels:
        yield panel
        if panel.name != "requests_by" or how.sort is not None or len(panel.table) <= how.rows(panel):
            continue
        by = [column.name for column in panel.columns if column.unit == "text"]
        for order, names in (("errors", ("requests", "error_share")), ("p95", ("requests", "p50", "p99"))):
            ranking = replace(panel.most(order).only(*by, order, *names), name=order)
            if not ranking.is_empty:
                yield ranking


def _panel(panel: Panel, how: How, width: int) -> tuple[list[Text], list[str]]:
    """(its lines, the titles of columns for which there was no room)."""
    order = next((column.title for column in panel.columns if column.name == panel.order and len(panel.table) > 1), "")
    title = visible(panel.title) + (f", sorted by {order}" if order else "")
    head = Text(columns.cut(title, width), "bold cyan")
    if panel.facts:
        return [head, *columns.facts(panel, width)], []
    rows = how.rows(panel)
    found, missing = columns.lines(panel, rows, width)
    more = len(panel.table) - rows
    return [head, *found, *(_notes(f"{more:,} more: --limit 0", width) if more > 0 else [])], missing


def _notes(text: str, width: int) -> list[Text]:
    return [Text(line, "dim") for line in textwrap.wrap(f"… {text}", width)]


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def document(view: View, how: How) -> dict[str, Any]:
    """For scripts: raw numbers, times as ISO text, null for what is missing; all rows but where --limit says less."""
    return {
        "logemit_show": SCHEMA,
        "out": view.out,
        "since": _json(view.since),
        "until": _json(view.until),
        "newest_event": _json(view.newest_event),
        "problem": view.problem,
        "panels": [_json_panel(panel, how.limit or len(panel.table)) for panel in view.panels],
        "other_summaries": list(view.others),
    }


def _json_panel(panel: Panel, rows: int) -> dict[str, Any]:
    names = [column.name for column in panel.columns]
    cells = zip(*(panel.table[name].head(rows).tolist() for name in names), strict=True)
    return {
        "name": panel.name,
        "title": panel.title,
        "summary": panel.summary,
        "columns": [{"name": each.name, "title": each.title, "unit": each.unit} for each in panel.columns],
        "rows": [dict(zip(names, map(_json, row), strict=True)) for row in cells],
        "rows_left_out": max(0, len(panel.table) - rows),
    }


def _json(value: Any) -> Any:
    if pd.isna(value) or value in (float("inf"), float("-inf")):  # which JSON has no numbers for
        return None
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
