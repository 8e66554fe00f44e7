"""Celery's own log, which also takes what is printed.

[2026-11-21 08:25:15,095: WARNING/ForkPoolWorker-1] {…}
[2026-11-21 08:25:15,095: INFO/ForkPoolWorker-1] shop.emit[6f7f0961-…]: {…}
"""

import re

from .envelope import Envelope, behind

_PREFIX = re.compile(
    rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: [A-Z]{1,16}/[\w.:-]{1,128}\] "
    rb'(?:[\w.]{1,255}\[[\w-]{1,64}\]: )?(?=\{"logemit":)'
)

ENVELOPE = Envelope("celery", "Celery's log", of_text=behind(_PREFIX))
