"""What is answered to a request: the text in the form that was asked for, and how the job is. Knows no sockets."""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from functools import partial
from http import HTTPStatus
from typing import BinaryIO

from ..errors import ReadWriteError
from ..promtext import gathered
from .credentials import is_known
from .negotiation import chosen, takes_gzip
from .openmetrics import transformed
from .output import Output, last_run

HEALTH = "/healthz"
METHODS = ("GET", "HEAD")
_BLOCK_BYTES = 1 << 16
_LEVEL = 1
"""Of compression: half the time of zlib's own choice, and a sixth more bytes of such text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` can be read once, within the context that gave it."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: Iterable[bytes]


@dataclass
class Site:
    """`stale_after` is in seconds; `users` gives passwords by user, None lets everyone in."""

    output: Output
    path: str
    warn: Callable[[str], None]
    stale_after: float | None = None
    users: Callable[[], Mapping[str, str]] | None = None
    _told: str = field(default="", init=False)

    @contextmanager
    def answer(self, method: str, target: str, headers: Message) -> Iterator[Answer]:
        """To a request; files are open until the context ends. Nothing but the text and the health can be reached."""
        path = target.partition("?")[0]
        if path == HEALTH and method in METHODS:
            yield self._health()
        elif path != HEALTH and self.users and not is_known(headers.get("Authorization", ""), self.users()):
            realm = {"WWW-Authenticate": 'Basic realm="logemit", charset="UTF-8"'}
            yield _line(HTTPStatus.UNAUTHORIZED, "a user and a password are needed", realm)
        elif path not in (self.path, HEALTH):
            yield _line(HTTPStatus.NOT_FOUND, f"there are {self.path} and {HEALTH}")
        elif method not in METHODS:
            allowed = " and ".join(METHODS)
            yield _line(HTTPStatus.METHOD_NOT_ALLOWED, f"{allowed} only", {"Allow": ", ".join(METHODS)})
        else:
            file, why = self._opened()
            if file is None:
                yield _line(HTTPStatus.SERVICE_UNAVAILABLE, why)
                return
            with file:
                yield self._text(file, headers)

    def _text(self, file: BinaryIO, headers: Message) -> Answer:
        form = chosen(",".join(headers.get_all("Accept", [])))
        about = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        if form.is_openmetrics:
            body = gathered(transformed(file, self.output.exemplars()), _BLOCK_BYTES)
        else:
            body = iter(partial(file.read, _BLOCK_BYTES), b"")
        if takes_gzip(",".join(headers.get_all("Accept-Encoding", []))):
            return Answer(HTTPStatus.OK, {**about, "Content-Encoding": "gzip"}, _gzipped(body))
        if not form.is_openmetrics:
            about["Content-Length"] = str(os.fstat(file.fileno()).st_size)
        return Answer(HTTPStatus.OK, about, body)

    def _health(self) -> Answer:
        file, why = self._opened()
        at = None
        if file is not None:
            with file:
                at = last_run(file)
            why = "" if at is not None else "metrics.prom does not say when it was written"
        told: dict[str, object] = {}
        if at is not None:
            age = time.time() - at
            told = {"last_run": datetime.fromtimestamp(at, UTC).isoformat(), "age_seconds": round(age, 3)}
            if self.stale_after is not None and age > self.stale_after:
                why = f"the last run ended {age:.0f} s ago, over {self.stale_after:g} s; see logemit status"
        status = HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK
        told = {"status": "failing" if why else "ok", **told, **({"reason": why} if why else {})}
        return _short(status, json.dumps(told), "application/json")

    def _opened(self) -> tuple[BinaryIO | None, str]:
        """The text, or what a client is told in its place; what is wrong here is told here, once."""
        try:
            return self.output.metrics(), ""
        except FileNotFoundError:
            return None, "there is no metrics.prom yet; the first run of logemit aggregate writes it"
        except ReadWriteError as exc:
            if str(exc) != self._told:
                self._told = str(exc)
                self.warn(self._told)
            return None, "metrics.prom cannot be read; the log of logemit serve says why"


def _line(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    return _short(status, f"{status.value} {status.phrase}: {text}", "text/plain", headers)


def _short(status: HTTPStatus, text: str, kind: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = f"{text}\n".encode()
    about = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)), **(headers or {})}
    return Answer(status, about, [body])


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
