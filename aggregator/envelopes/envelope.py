"""What an envelope is, and what several of them need.

Everything in here looks at hostile bytes: a line that does not fit is not in the envelope, and nothing is raised.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

MARKER = b'{"logemit":'
"""Every event's line begins so."""

WORD = b'"logemit'
"""Stands in every line that holds an event, however it is wrapped."""

_MAX_NESTING = 1000


class Part(NamedTuple):
    """What an envelope holds: a text, or a piece of one that goes on in the next part of the same stream."""

    text: bytes
    """Without the newline that ended it; several lines stand one after the other."""
    stream: str = ""
    """Such as stdout; parts of one text are joined within a stream."""
    ends: bool = True


Parts = Sequence[Part] | None
"""What one line holds; None where it is not in this envelope."""


class Envelope(NamedTuple):
    """`of_object` is asked about a line that is one JSON object, `of_text` about any that this does not know."""

    name: str
    title: str
    of_object: Callable[[Mapping[str, Any]], Parts] | None = None
    of_text: Callable[[bytes], Parts] | None = None
    splits: bool = False
    """Long lines come in several parts, which are joined."""
    words: tuple[bytes, ...] = (WORD,)
    """One of them stands in every line that must be looked at; b"" does in each."""


def json_object(text: bytes) -> dict[str, Any] | None:
    """The JSON object that a text is; None where it is none, or deeper than orjson follows."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def too_nested(text: bytes) -> bool:
    """How deep the standard library follows depends on its version: past a thousand brackets it is not asked."""
    return text.count(b"{") + text.count(b"[") > _MAX_NESTING


def event_line(fields: Mapping[str, Any]) -> bytes | None:
    """The line of an event whose fields a platform has taken apart, as the emitter begins it; None where it is none."""
    if not fields.keys() >= {"logemit", "service"} or not isinstance(fields.get("event"), str):
        return None
    first = {"logemit": fields["logemit"], "event": fields["event"]}
    try:
        return orjson.dumps({**first, **{name: value for name, value in fields.items() if name not in first}})
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return None


def text_part(text: Any, stream: Any = "", *, ends: bool = True) -> Parts:
    """A text as it stands in JSON; nothing of one that cannot be encoded."""
    if not isinstance(text, str):
        return None
    return [Part(text.removesuffix("\n").encode("utf-8", "replace"), str(stream), ends)]


def quoted(text: Any) -> Parts:
    """A text that went through a logger is an event only if it is nothing else: it may as well quote one."""
    return text_part(text) if isinstance(text, str) and text.lstrip().startswith(MARKER.decode()) else None


def behind(prefix: re.Pattern[bytes]) -> Callable[[bytes], Parts]:
    """Opens a line that begins so and ends with an object: what goes on behind an event only quotes it."""

    def opened(line: bytes) -> Parts:
        if WORD not in line or not line.rstrip().endswith(b"}"):
            return None
        found = prefix.match(line)
        return None if found is None else [Part(line[found.end() :])]

    return opened
