"""Google Cloud Logging's exports to Cloud Storage, from the documented format of a LogEntry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .case import Case, Line, dumps, lines, nanos

_NAME = "S0.json.gz"
_HOW = """\
Built from the documented format: "LogEntry" of Cloud Logging's reference and "View logs routed to Cloud Storage": an
entry a line, its keys sorted. An object there is named `08:00:00_08:59:59_S0.json` and the like.
"""


def _entry(number: int, line: Line, payload: dict[str, Any]) -> dict[str, Any]:
    labels = {"cluster_name": "live", "container_name": "web", "location": "europe-west3", "namespace_name": "live"}
    found = {
        "insertId": f"{number:016x}",
        "logName": f"projects/example/logs/{'stdout' if line.is_event else 'stderr'}",
        "receiveTimestamp": nanos(line.when),
        "resource": {
            "labels": {**labels, "pod_name": "web-6d4cf56db6-x7q2p", "project_id": "example"},
            "type": "k8s_container",
        },
        "severity": "INFO" if line.is_event else "ERROR",
        "timestamp": nanos(line.when),
    }
    return dict(sorted({**found, **payload}.items()))


def _export(bare: bytes, entry: Callable[[int, Line], dict[str, Any]], how: str) -> Case:
    # Cloud Logging leaves out lines without text.
    found = [line for line in lines(bare) if line.raw]
    data = "".join(dumps(entry(number, line)) + "\n" for number, line in enumerate(found)).encode()
    return Case("gcp", data, _HOW + how, built=True, name=_NAME)


def text(bare: bytes, _scratch: Path) -> Case:
    how = "Each line came as `textPayload`, as where no agent parses JSON."
    return _export(bare, lambda number, line: _entry(number, line, {"textPayload": line.text}), how)


def json_(bare: bytes, _scratch: Path) -> Case:
    def entry(number: int, line: Line) -> dict[str, Any]:
        payload = {"jsonPayload": _sorted(line.event)} if line.is_event else {"textPayload": line.text}
        return _entry(number, line, payload)

    how = "A line that is JSON came as `jsonPayload`, its keys sorted; the doubles that all numbers are, written short."
    return _export(bare, entry, how)


def taken_time(bare: bytes, _scratch: Path) -> Case:
    def entry(number: int, line: Line) -> dict[str, Any]:
        if not line.is_event:
            return _entry(number, line, {"textPayload": line.text})
        event = line.event
        when = event.pop("timestamp")
        return _entry(number, line, {"jsonPayload": _sorted(event, as_double=True), "timestamp": when})

    how = """\
A line that is JSON came as `jsonPayload`, but for its `timestamp`, which an agent made the entry's own; numbers are
doubles, and written so: `1.0`."""
    return _export(bare, entry, how)


def _sorted(event: dict[str, Any], *, as_double: bool = False) -> dict[str, Any]:
    return {name: _number(value, as_double) for name, value in sorted(event.items())}


def _number(value: Any, as_double: bool) -> Any:
    """As a Struct's: there are doubles only."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return float(value) if as_double or not float(value).is_integer() else int(value)


RECORDERS = {"gcp-text": text, "gcp-json": json_, "gcp-json-taken-time": taken_time}
