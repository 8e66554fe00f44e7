"""syslog: RFC 5424, RFC 3164, the files that rsyslog writes of both, and `journalctl -o short…`.

    <34>1 2026-11-21T08:25:15.095Z host shop 123 - [origin ip="10.0.0.1"] {…}
    <34>Nov 21 08:25:15 host shop[123]: {…}
    Nov 21 08:25:15 host shop[123]: {…}
    2026-11-21T08:25:15.095123+00:00 host shop[123]: {…}
    Sat 2026-11-21 08:25:15 UTC host shop[123]: {…}

Any may stand behind its length (`123 <34>1 …`, RFC 6587), several so on a line. rsyslog leaves the colon out of what
came in RFC 5424, and the program where there was none. It writes control characters as `#012`: JSON escapes them within
its strings, so they are undone outside of an event only, and what looks so in a value is left.
"""

import re
from collections.abc import Iterator

from .envelope import WORD, Envelope, Part, Parts

_LENGTH = re.compile(rb"(\d{1,6}) (?=<\d{1,3}>)")
_5424 = re.compile(
    rb"<\d{1,3}>\d{1,2} (?:-|\d{4}-[0-9T:.Z+-]{6,32})(?: [!-~]{1,255}){4} "
    rb'(?:-|(?:\[[^ =\]"]{1,32}(?: [^ =\]"]{1,32}="(?:[^"\\]|\\.)*+")*+\])+)(?: \xef\xbb\xbf| |\Z)',
    re.DOTALL,
)
_PROGRAM = (
    rb"(?:[\w./@%+-]{1,128}(?:\[[\w.:-]{1,64}\])?:(?!\d) ?"
    rb'|(?:[\w.-]{1,128}(?:\[[\w.:-]{1,64}\])? )?(?P<bare>(?=(?:\xef\xbb\xbf)?\{"logemit":)))'
)
_CLOCK = rb" \d\d:\d\d:\d\d(?:\.\d{1,6})? "
_3164 = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d(?: \d{4})?"
    + _CLOCK
    + rb"|[A-Z][a-z]{2} \d{4}-\d\d-\d\d"
    + _CLOCK
    + rb"[A-Z0-9+-]{1,6} )(?:[\w.:%-]{1,255} )?"
    + _PROGRAM
)
_ISO = re.compile(
    rb"(?:<\d{1,3}>)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d) [\w.:%-]{1,255} " + _PROGRAM
)
_BOM = b"\xef\xbb\xbf"
_BETWEEN = re.compile(rb'\}(?:#01[1235]|\s){1,16}(?=\{"logemit":)')
_AT_THE_END = re.compile(rb"(?:#000|#01[125]|#033\[[\d;]{0,16}m|[\s\0])*+\Z")


def _opened(line: bytes) -> Parts:
    if WORD not in line:
        return None
    messages = [_message(frame) for frame in frames(line)]
    parts = [Part(message) for message in messages if message is not None]
    return parts if len(parts) == len(messages) else None


def frames(line: bytes) -> Iterator[bytes]:
    """The messages that stand behind their lengths; a line without one is itself a message."""
    start = 0
    while (length := _LENGTH.match(line, start)) is not None:
        start, end = length.end(), length.end() + int(length[1])
        if not _LENGTH.match(line, end):
            break
        yield line[start:end]
        start = end
    yield line[start:]


def _message(frame: bytes) -> bytes | None:
    found = _5424.match(frame) or _3164.match(frame) or _ISO.match(frame)
    if found is None:
        return None
    text = _undone(frame[found.end() :].lstrip(b" ").removeprefix(_BOM))
    only_quoted = found.groupdict().get("bare") is not None and not text.endswith(b"}")
    return None if only_quoted else text


def _undone(message: bytes) -> bytes:
    """Without the control characters, and what rsyslog writes for them, that follow an event."""
    text = _BETWEEN.sub(b"}\n", message)
    end = text.rfind(b"}") + 1
    return text[:end] if end and _AT_THE_END.match(text, end) else text


ENVELOPE = Envelope("syslog", "syslog: RFC 5424, RFC 3164, rsyslog's files, journalctl -o short", of_text=_opened)
