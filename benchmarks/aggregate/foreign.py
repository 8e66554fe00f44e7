"""Lines that are no events: a server's access log, tracebacks, other programs' JSON."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from .draw import Draw
from .recorded import recorded

_ACCESS = b'%s - - [%s +0000] "%s %s HTTP/1.1" %d %d "-" "%s"'
_AGENTS = (
    b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    b"python-requests/2.32.3",
    b"traffic",
    b"curl/8.5.0",
)
_METHODS, _METHOD_WEIGHTS = (b"GET", b"POST", b"HEAD"), (80, 18, 2)
_STATUSES, _STATUS_WEIGHTS = (200, 302, 404, 500), (88, 7, 4, 1)
_PATHS = (b"/bookmarks/?page=%d", b"/api/bookmarks/?after=%d", b"/bookmarks/%d/", b"/feeds/%d/poll/", b"/tags/t%d/")
_LOGGERS = ("billing", "search.index", "mail", "accounts")
_SAID = ("invoice_sent", "document_indexed", "message_queued", "login")


class Foreign:
    """An endless series of foreign lines, each for the moment it is asked for."""

    def __init__(self, draw: Draw, *, only_access: bool = False) -> None:
        self._draw = draw
        self._tracebacks = recorded().tracebacks
        self._only_access = only_access

    def lines(self, moment: int) -> Iterator[bytes]:
        """At least one, of microseconds since 1970: of a hundred lines about eighty are of the access log."""
        chance = self._draw.random.random()
        if self._only_access or chance < 0.86:
            yield self._access(moment)
        elif chance < 0.995:
            yield self._json(moment)
        else:
            yield from self._draw.random.choice(self._tracebacks)

    def _access(self, moment: int) -> bytes:
        random = self._draw.random
        address = b"10.%d.%d.%d" % (random.randrange(4), random.randrange(256), random.randrange(1, 255))
        method = random.choices(_METHODS, _METHOD_WEIGHTS)[0]
        path = random.choice(_PATHS) % random.randrange(1, 5000)
        status = random.choices(_STATUSES, _STATUS_WEIGHTS)[0]
        size = self._draw.about(3000)
        return _ACCESS % (address, _day(moment // 1_000_000), method, path, status, size, random.choice(_AGENTS))

    def _json(self, moment: int) -> bytes:
        """As structlog writes it: with an `event` and a `timestamp`, and without the first key of ours."""
        which = self._draw.random.randrange(4)
        line = {
            "event": _SAID[which],
            "level": "info",
            "logger": _LOGGERS[which],
            "timestamp": datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat(timespec="microseconds") + "Z",
            "user": self._draw.user(),
            "took": round(0.02 * self._draw.factor(), 4),
        }
        return orjson.dumps(line).replace(b"+00:00Z", b"Z")


@lru_cache(maxsize=2)
def _day(second: int) -> bytes:
    """As servers write it, in English whatever the locale."""
    moment = datetime.fromtimestamp(second, UTC)
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[moment.month - 1]
    return f"{moment:%d}/{month}/{moment:%Y:%H:%M:%S}".encode()
