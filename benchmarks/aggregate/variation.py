"""Another unit of work of the same shape as a recorded one: other ids, numbers and views, consistent in themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from logemit.grid import seconds_le

from .draw import Draw
from .recorded import Event, Unit

LEAST = 10
"""Microseconds of anything: below, the emitter's JSON has exponents, which the recordings have none of."""

_NAMESPACES = ("", "", "", "archive", "archive", "shop")
"""A third each of the views of one app are two other apps', less visited; with them there are some sixty."""


@dataclass(slots=True)
class Doing:
    """What a unit has done so far, which its last line adds up."""

    draw: Draw
    user: str
    namespace: str
    queries: int = 0
    query_time: int = 0


def varied(unit: Unit, draw: Draw) -> Unit:
    """Copies without the head's values, which are set as lines are written."""
    doing = Doing(draw, draw.user(), draw.random.choice(_NAMESPACES))
    identity = draw.uuid() if unit[0][0]["unit"] == "task" else draw.hex()
    return [[_line(event, doing, identity) for event in write] for write in unit]


def _line(recorded: Event, doing: Doing, identity: str) -> Event:
    event = recorded.copy()
    event["task_id" if "task_id" in event else "request_id"] = identity
    change = _CHANGES.get(event["event"])
    if change is not None:
        change(event, doing)
    return event


def seconds(microseconds: int) -> float:
    return microseconds / 1_000_000


def _time(event: Event, name: str, draw: Draw) -> int:
    """Microseconds of about the recorded length."""
    return LEAST + int(event[name] * 1_000_000 * draw.factor())


def _query(event: Event, doing: Doing) -> None:
    """One query or a fold of some, with the bins, the extremes and the sum of the same durations."""
    draw, count = doing.draw, event["count"]
    if count > 2:
        more = draw.random.randrange(-1, 3)
        count += more
        event["count"], event["statements"] = count, event["statements"] + more
    each = event["duration_seconds"] * 1_000_000 / event["count"]
    durations = sorted([LEAST + int(each * factor) for factor in draw.factors(count)])
    total = sum(durations)
    event["duration_seconds"] = seconds(total)
    if "bins" in event:
        event["duration_min_seconds"] = seconds(durations[0])
        event["duration_max_seconds"] = seconds(durations[-1])
        event["bins"] = bins(durations)
    doing.queries += count
    doing.query_time += total


def bins(durations: list[int]) -> str:
    """Of microseconds in ascending order."""
    counts: dict[str, int] = {}
    for microseconds in durations:
        bound = seconds_le(microseconds)
        counts[bound] = counts.get(bound, 0) + 1
    return ",".join([f"{bound}:{count}" for bound, count in counts.items()])


def _request(event: Event, doing: Doing) -> None:
    draw = doing.draw
    own = max(0.0, event["view_seconds"] - event["db_seconds"]) if "view_seconds" in event else 0.0
    around = max(0.0, event["duration_seconds"] - event.get("view_seconds", 0.0))
    view = doing.query_time + LEAST + int(own * 1_000_000 * draw.factor())
    if "view_seconds" in event:
        event["view_seconds"] = seconds(view)
    event["duration_seconds"] = seconds(view + LEAST + int(around * 1_000_000 * draw.factor()))
    event["request_bytes"] = draw.about(event["request_bytes"])
    if "response_bytes" in event:
        event["response_bytes"] = draw.about(event["response_bytes"])
    _add_up(event, doing)
    if event["view"][0] != "<" and doing.namespace:
        _move(event, doing.namespace)


def _move(event: Event, namespace: str) -> None:
    event["view"], event["route"], template = _moved(namespace, event["view"], event["route"], event.get("template"))
    if template is not None:
        event["template"] = template


@lru_cache(maxsize=1024)
def _moved(namespace: str, view: str, route: str, template: str | None) -> tuple[str, str, str | None]:
    """The same view of another app."""
    moved = None if template is None else template.replace("links/", f"{namespace}/")
    return f"{namespace}:{view}", f"{namespace}/{route}", moved


def _job(event: Event, doing: Doing) -> None:
    """A task or a command."""
    draw = doing.draw
    own = max(0.0, event["duration_seconds"] - event["db_seconds"])
    event["duration_seconds"] = seconds(doing.query_time + LEAST + int(own * 1_000_000 * draw.factor()))
    if "queue_seconds" in event:
        event["queue_seconds"] = seconds(_time(event, "queue_seconds", draw))
    _add_up(event, doing)


def _add_up(event: Event, doing: Doing) -> None:
    event["db_queries"], event["db_seconds"] = doing.queries, seconds(doing.query_time)


def _poll(event: Event, doing: Doing) -> None:
    draw = doing.draw
    event["feed_id"] = draw.feed()
    event["duration_seconds"] = seconds(_time(event, "duration_seconds", draw))
    if "items_discovered" in event:
        event["items_discovered"] = found = draw.about(event["items_discovered"])
        event["items_new"] = min(found, draw.about(event["items_new"]))


def _import(event: Event, doing: Doing) -> None:
    draw = doing.draw
    event["user_id"], event["import_id"] = doing.user, draw.hex()
    event["duration_seconds"] = seconds(_time(event, "duration_seconds", draw))
    if "items_total" in event:
        event["items_processed"] = draw.about(4 * event["items_processed"])
        event["items_total"] = event["items_processed"] + event["items_failed"]


def _change(event: Event, doing: Doing) -> None:
    event["user_id"] = doing.user
    if "count" in event:
        event["count"] = 1 + doing.draw.about(event["count"])


def _rows(event: Event, doing: Doing) -> None:
    if event["count"] > 1:
        event["count"] = 1 + doing.draw.about(event["count"])


_CHANGES: dict[str, Callable[[Event, Doing], None]] = {
    "db_query": _query,
    "http_request": _request,
    "task": _job,
    "command": _job,
    "feed_poll": _poll,
    "bookmark_import": _import,
    "bookmark_change": _change,
    "model_change": _rows,
}


def told(write: list[Event], draw: Draw, started: float) -> list[Event]:
    """What a process tells of itself: the garbage of its generations adds up."""
    process, *generations = (event.copy() for event in write)
    for generation in generations:
        generation["collected"] = draw.about(generation["collected"])
        generation["collections"] = draw.about(generation["collections"])
    changes: dict[str, Any] = {"cpu_seconds": seconds(_time(process, "cpu_seconds", draw))}
    if process["alive"]:
        changes["rss_bytes"] = draw.about(process["rss_bytes"] >> 12) << 12
        changes["vms_bytes"] = changes["rss_bytes"] + (draw.about(2000) << 12)
        changes["open_fds"] = 4 + draw.about(process["open_fds"])
        changes["start_time_seconds"] = round(started, 2)
    changes["gc_collected"] = sum(each["collected"] for each in generations)
    changes["gc_collections"] = sum(each["collections"] for each in generations)
    process.update((name, value) for name, value in changes.items() if name in process)
    return [process, *generations]
