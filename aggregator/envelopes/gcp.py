"""Google Cloud Logging, exported: a LogEntry a line, with the line as `textPayload`, or its fields as `jsonPayload`.

    {"insertId":"…","jsonPayload":{"logemit":1,"event":"…",…},"logName":"projects/…","timestamp":"…",…}

A jsonPayload knows no integers and no order, and may lose its timestamp, which then is the entry's. A line that went
through a logger stands in `jsonPayload.message`. protoPayload holds no lines.
"""

from collections.abc import Mapping
from typing import Any

from .envelope import Envelope, Part, Parts, event_line, quoted, text_part

_EXACT = 2**53


def _opened(fields: Mapping[str, Any]) -> Parts:
    if "insertId" not in fields or "logName" not in fields:
        return None
    payload = fields.get("jsonPayload")
    if not isinstance(payload, dict):
        return text_part(fields.get("textPayload")) or [Part(b"")]
    line = event_line(_whole({"timestamp": fields.get("timestamp"), **payload}))
    return [Part(line)] if line is not None else quoted(payload.get("message")) or [Part(b"")]


def _whole(value: Any, levels: int = 2) -> Any:
    """With integers where they were: among the fields, and in labels."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, dict) and levels:
        return {name: _whole(item, levels - 1) for name, item in value.items()}
    return value


ENVELOPE = Envelope("gcp", "Google Cloud Logging, exported", _opened)
