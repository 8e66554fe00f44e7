"""The standard library's logging, in the formats that are met most, and gunicorn's.

INFO:root:{…}
2026-11-21 08:25:15,095 INFO shop.views {…}
2026-11-21 08:25:15,095 - shop.views - INFO - {…}
INFO 2026-11-21 08:25:15,095 views 123 140735 {…}
[2026-11-21 08:25:15 +0000] [123] [INFO] {…}
"""

import re

from .envelope import Envelope, behind

_LEVEL = rb"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)"
_TIME = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{1,6})?"
_NAME = rb"[\w.]{1,128}"
_FORMS = (
    _LEVEL + rb":" + _NAME + rb":",
    _TIME + rb" \[?" + _LEVEL + rb"\]? {1,8}(?:" + _NAME + rb":? )?",
    _TIME + rb" - " + _NAME + rb" - " + _LEVEL + rb" - ",
    _LEVEL + rb" " + _TIME + rb" " + _NAME + rb" \d{1,10} \d{1,20} ",
    rb"\[" + _TIME + rb" [+-]\d{4}\] \[\d{1,10}\] \[" + _LEVEL + rb"\] ",
)
_PREFIX = re.compile(rb"(?:" + rb"|".join(_FORMS) + rb')(?=\{"logemit":)')

ENVELOPE = Envelope("logging", "Python's logging, gunicorn's log", of_text=behind(_PREFIX))
