"""Docker's json-file: `{"log":"…\\n","stream":"stdout","time":"…"}`. A log of more than 16 KiB comes in parts.

Only the last part ends in a newline.
"""

from collections.abc import Mapping
from typing import Any

from .envelope import Envelope, Parts, text_part


def _opened(fields: Mapping[str, Any]) -> Parts:
    log, stream, time = fields.get("log"), fields.get("stream"), fields.get("time")
    if not isinstance(log, str) or stream not in ("stdout", "stderr") or not isinstance(time, str):
        return None
    if not fields.keys() <= {"log", "stream", "time", "attrs"}:
        return None
    return text_part(log, stream, ends=log.endswith("\n"))


ENVELOPE = Envelope("docker", "Docker's json-file", of_object=_opened, splits=True, words=(b"",))
