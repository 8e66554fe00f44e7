"""Heroku: its drains, which leave RFC 5424's structured data out, and its command line.

83 <40>1 2026-11-21T08:25:15+00:00 host app web.3 - {…}
2026-11-21T08:25:15.095123+00:00 app[web.3]: {…}
"""

import re

from .envelope import WORD, Envelope, Part, Parts
from .syslog import frames

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)"
_DRAIN = re.compile(rb"<\d{1,3}>1 " + _TIME + rb" [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} (?:-|\d{1,9}) ")
_SHELL = re.compile(_TIME + rb" (?:app|heroku)\[[\w.-]{1,64}\]: ")
_COLOURED = re.compile(rb"\x1b\[[\d;]{0,16}m(" + _TIME + rb" (?:app|heroku)\[[\w.-]{1,64}\]:)\x1b\[[\d;]{0,16}m ")


def _opened(line: bytes) -> Parts:
    if WORD not in line:
        return None
    parts = []
    for frame in frames(line):
        found = _DRAIN.match(frame) or _SHELL.match(frame) or _COLOURED.match(frame)
        if found is None:
            return None
        parts.append(Part(frame[found.end() :]))
    return parts


ENVELOPE = Envelope("heroku", "Heroku: drains, heroku logs", of_text=_opened)
