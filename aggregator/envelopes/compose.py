"""`docker compose logs`, honcho, foreman, overmind: the process, and perhaps the time, then a bar.

Colours may stand between.

web-1  | {…}
08:25:15 web.1  | {…}
"""

import re

from .envelope import Envelope, behind

_COLOUR = rb"(?:\x1b\[[\d;]{0,16}m){0,4}"
_PREFIX = re.compile(_COLOUR + rb"(?:\d\d:\d\d:\d\d )?[\w.-]{1,128} {0,128}\|" + _COLOUR + rb" " + _COLOUR)

ENVELOPE = Envelope("compose", "docker compose logs, honcho, foreman", of_text=behind(_PREFIX))
