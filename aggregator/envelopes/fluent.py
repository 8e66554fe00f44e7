"""FireLens, Fluent Bit, Fluentd and Vector: a JSON object a line, with the line in `log` or `message`.

    {"container_id":"…","container_name":"/shop","source":"stdout","log":"{…}"}
    {"date":1795249515.095,"stream":"stdout","_p":"F","log":"{…}","kubernetes":{…}}
    2026-11-21T08:25:15+00:00\tshop.web\t{"log":"{…}"}
    shop.web: [1795249515.095123, {"log":"{…}"}]
    {"message":"{…}","source_type":"docker_logs","container_id":"…","stream":"stdout",…}

A parser may have put the event itself under a key, or among the others. What a shipper calls like a field of the event
(`source`) then takes its place or stands in for it, and cannot be told from it.
"""

import re
from collections.abc import Mapping
from typing import Any

from .envelope import MARKER, WORD, Envelope, Part, Parts, event_line, json_object, quoted, text_part

_WITH_MESSAGE = {
    *("_p", "logtag", "kubernetes", "container_id", "container_name"),
    *("source_type", "ecs_cluster", "ecs_task_arn", "partial_message"),
}
_WITH_LOG = _WITH_MESSAGE | {"date", "time", "@timestamp", "stream", "source", "tag"}
"""What a program that logs JSON itself also writes, but beside a message."""
_TRUE = (True, "true")
_PREFIX = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})? ?(?:Z|[+-]\d\d:?\d\d)?"
    rb"(?:[\t ,][^\s:{]{1,255}(?:[\t,]|: )|[\t ,])(?=\{)"
)
_LISTED = re.compile(rb"[^\s:{]{1,255}: \[\d{1,12}(?:\.\d{1,9})?, (?=\{)")


def _opened(fields: Mapping[str, Any]) -> Parts:
    log = fields.get("log")
    text, beside = (log, _WITH_LOG) if isinstance(log, str) else (fields.get("message"), _WITH_MESSAGE)
    if not isinstance(text, str) or MARKER.decode() not in text:
        inner = () if _WITH_LOG.isdisjoint(fields) else fields.values()
        for held in (fields, *inner):
            if isinstance(held, dict) and (line := event_line(held)) is not None:
                return [Part(line)]
    if beside.isdisjoint(fields):
        return quoted(text)
    return text_part(text, _stream(fields), ends=_ends(fields))


def _stream(fields: Mapping[str, Any]) -> str:
    """What the parts of a line have in common."""
    pod = fields.get("kubernetes")
    names = (*(pod.get(name) for name in ("pod_id", "pod_name", "container_name")),) if isinstance(pod, dict) else ()
    own = (fields.get(name) for name in ("container_id", "source", "stream", "partial_id"))
    return "/".join(name for name in (*names, *own) if isinstance(name, str))


def _ends(fields: Mapping[str, Any]) -> bool:
    if fields.get("partial_message") in _TRUE:
        return fields.get("partial_last") in _TRUE
    return "P" not in (fields.get("_p"), fields.get("logtag"))


def _of_text(line: bytes) -> Parts:
    found = _PREFIX.match(line)
    text = line[found.end() :] if found else line
    if found is None and (found := _LISTED.match(line)) is not None:
        text = line[found.end() :].removesuffix(b"]")
    if found is None or text.startswith(MARKER):
        return None if found is None else [Part(text)]
    fields = json_object(text)
    return None if fields is None else _opened(fields)


ENVELOPE = Envelope(
    "fluent",
    "FireLens, Fluent Bit, Fluentd, Vector",
    _opened,
    _of_text,
    splits=True,
    words=(WORD, b'"partial_message"', b'"_p"', b'"logtag"'),
)
