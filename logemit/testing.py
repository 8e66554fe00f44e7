"""For the tests of an app: what it would have written, as dicts, and nothing reaches the output.

from logemit.testing import assert_event, capture_events

with capture_events() as events:
    client.get("/")
assert_event(events, "http_request", view="home", status=200)
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from . import emitter, outside, process
from .backends import InMemory

Event = dict[str, Any]


class CapturedEvents(list[Event]):
    """Every event since, in order; `of(name)` are those of one name."""

    def of(self, name: str) -> list[Event]:
        return [event for event in self if event["event"] == name]


@contextmanager
def capture_events() -> Iterator[CapturedEvents]:
    """Take in every event of this process, of all its threads, until the end of the block.

    What happens outside any request, task or command is there at the end of the block. What the process uses is not
    told meanwhile, because it depends on the clock. Raises AssertionError at the end where an event could not be
    rendered.
    """
    events = CapturedEvents()
    capture = InMemory(events=events)
    with process.quiet():
        outside.flush()
    with emitter.diverted(capture), process.quiet():
        try:
            yield events
        finally:
            outside.flush()
    if capture.lost:  # not where it happens: nothing raises into the app
        raise AssertionError(f"{capture.lost} events could not be rendered; the logger `logemit` says why")


def matching(events: Sequence[Event], name: str, /, **fields: Any) -> list[Event]:
    """The events of this name whose fields have these values; None: has no such field."""
    return [
        event
        for event in events
        if event["event"] == name and all(event.get(field) == value for field, value in fields.items())
    ]


def assert_event(events: Sequence[Event], name: str, /, **fields: Any) -> Event:
    """The one event of this name with these fields. Raises AssertionError that shows what there is instead."""
    found = matching(events, name, **fields)
    if len(found) == 1:
        return found[0]
    wanted = ", ".join(f"{field}={value!r}" for field, value in fields.items())
    raise AssertionError(f"expected one {name}({wanted}), found {len(found)}\n{_shown(events, name)}")


def assert_no_event(events: Sequence[Event], name: str, /, **fields: Any) -> None:
    """Raises AssertionError where there is one."""
    if found := matching(events, name, **fields):
        raise AssertionError(f"expected no {name}, found {len(found)}\n{_shown(found, name)}")


def _shown(events: Sequence[Event], name: str) -> str:
    same = [event for event in events if event["event"] == name]
    others = sorted({event["event"] for event in events} - {name})
    lines = [f"  {json.dumps(event)}" for event in same[:20]]
    return "\n".join([*lines, f"  other events: {', '.join(others) or 'none'}"])
