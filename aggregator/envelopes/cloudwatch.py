"""CloudWatch Logs: exports to S3, `aws logs tail`, and what subscriptions and the API deliver.

    2026-11-21T08:25:15.095Z {…}
    2026-11-21T08:25:15.095000+00:00 web/shop/0123 {…}
    {"messageType":"DATA_MESSAGE","logGroup":"…",…,"logEvents":[{"id":"…","timestamp":1795249515095,"message":"…"},…]}

Subscription objects may be longer than a line may be: `glued.apart` puts each element of logEvents on its own line.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from .envelope import WORD, Envelope, Parts, behind, text_part, too_nested

_KEYS = {"id", "timestamp", "message", "extractedFields", "ingestionTime", "eventId", "logStreamName"}
_IDENTITIES = {"id", "ingestionTime", "eventId"}
_FIRST_OBJECT = json.JSONDecoder().raw_decode

_behind_time = behind(
    re.compile(
        rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
        rb'(?:\.\d{3}Z (?=[^ ])|(?:\.\d{6})?(?:\+00:00)? (?:[^\s"{]{1,512} )?(?=\{"|\[))'
    )
)


def _opened(fields: Mapping[str, Any]) -> Parts:
    if _is_event(fields):
        return text_part(fields["message"])
    events = fields.get("logEvents" if "messageType" in fields else "events")
    if not isinstance(events, list) or not all(isinstance(event, dict) and _is_event(event) for event in events):
        return None
    return [part for event in events for part in text_part(event["message"]) or ()] or None


def _is_event(fields: Mapping[str, Any]) -> bool:
    return (
        isinstance(fields.get("message"), str)
        and isinstance(fields.get("timestamp"), int)
        and fields.keys() <= _KEYS
        and not _IDENTITIES.isdisjoint(fields)
    )


def _of_text(line: bytes) -> Parts:
    return _element(line) if line.startswith(b"{") else _behind_time(line)


def _element(line: bytes) -> Parts:
    """Of logEvents, with what follows it: a comma, or the end of all, but no event."""
    if WORD not in line or too_nested(line):
        return None
    text = line.decode("utf-8", "surrogateescape")
    try:
        fields, end = _FIRST_OBJECT(text)
    except (ValueError, RecursionError):
        return None
    return text_part(fields["message"]) if _is_event(fields) and WORD.decode() not in text[end:] else None


ENVELOPE = Envelope("cloudwatch", "CloudWatch Logs: exports, aws logs tail, subscriptions", _opened, _of_text)
