"""`kubectl logs --prefix --timestamps`, `docker logs --timestamps`: the container, the time, or both.

[pod/shop-5d8f/web] 2026-11-21T08:25:15.095123456Z {…}
"""

import re

from .envelope import Envelope, behind

_POD = rb"\[pod/[\w.-]{1,255}/[\w.-]{1,255}\] "
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) "

ENVELOPE = Envelope(
    "kubectl",
    "kubectl logs, docker logs, with their prefixes",
    of_text=behind(re.compile(rb"(?:" + _POD + rb"(?:" + _TIME + rb")?|" + _TIME + rb")")),
)
