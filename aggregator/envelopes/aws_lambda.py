"""AWS Lambda: what Python's logging writes there; what is printed stays bare.

    [INFO]\t2026-11-21T08:25:15.095Z\t6f7f0961-…\t{…}
    {"timestamp":"2026-11-21T08:25:15Z","level":"INFO","message":"{…}","logger":"root","requestId":"6f7f0961-…"}

In its JSON mode a message may be an object, too. START, END, REPORT and platform.… lines hold nothing.
"""

import re
from collections.abc import Mapping
from typing import Any

from .envelope import Envelope, Part, Parts, behind, event_line, quoted


def _opened(fields: Mapping[str, Any]) -> Parts:
    if not all(isinstance(fields.get(name), str) for name in ("timestamp", "level")):
        return None
    if "requestId" not in fields and "logger" not in fields:
        return None
    message = fields.get("message")
    if isinstance(message, dict):
        line = event_line(message)
        return None if line is None else [Part(line)]
    return quoted(message)


ENVELOPE = Envelope(
    "lambda",
    "AWS Lambda: what is logged, as text or JSON",
    _opened,
    behind(re.compile(rb"\[[A-Z]{1,16}\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[\w-]{0,64}\t(?=\{)")),
)
