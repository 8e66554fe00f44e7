"""metrics.prom to a Pushgateway, for a job that nobody can scrape."""

import base64
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..errors import InputError, UnavailableError, UsageError
from ..urls import shown
from .negotiation import TEXT
from .output import Output

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 1.0
_ANSWER_BYTES = 4096
_ANSWER_SHOWN = 300
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
"""Refusals that may pass, beside those of the gateway's own troubles."""


def group_url(gateway: str, job: str, grouping: Mapping[str, str]) -> str:
    """Where the group of a job lies. Raises UsageError."""
    try:
        gateway.encode("ascii")
        parts = urlsplit(gateway)
        (parts.hostname or "").encode("idna")
        is_http = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_http = False
    if not is_http or parts.query or parts.fragment:
        raise UsageError(f"{shown(gateway)}: no address of a Pushgateway; expected http://host:9091")
    if parts.username is not None:
        raise UsageError(f"{shown(gateway)}: holds a user; put user:password into a file for --auth-file")
    if not job:
        raise UsageError("--job is empty; name the job, such as shop-logemit")
    for name in grouping:
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) or name.startswith("__") or name == "job":
            raise UsageError(f"--grouping {name}=…: no name for a label; expected letters, digits and _, and not job")
    pairs = "".join(map(_segment, ["job", *grouping], [job, *grouping.values()]))
    return f"{gateway.rstrip('/')}/metrics{pairs}"


def _segment(name: str, value: str) -> str:
    """In base64 what a path cannot hold: slashes, nothing, and what is only dots."""
    if value.strip(".") and "/" not in value:
        return f"/{name}/{quote(value, safe='')}"
    return f"/{name}@base64/{base64.urlsafe_b64encode(value.encode()).decode().rstrip('=') or '='}"


def push(
    output: Output,
    url: str,
    labels: Mapping[str, str],
    timeout: float,
    authorization: str = "",
    warn: Callable[[str], None] = lambda text: None,
) -> int:
    """Replace a group by the text; how many bytes that were. `labels` are those of the group.

    Raises InputError where there is no text, UsageError where the group would hide one of its labels, UnavailableError
    where the gateway has not taken it within `timeout` seconds and three attempts, ReadWriteError.
    """
    try:
        file = output.metrics()
    except FileNotFoundError:
        raise InputError(f"{output.name}: no metrics.prom; logemit aggregate writes it") from None
    with file:
        _check_labels(file, labels)
        size = file.seek(0, 2)
        headers = {"Content-Type": TEXT.content_type, "Content-Length": str(size)}
        if authorization:
            headers["Authorization"] = authorization
        end = time.monotonic() + timeout
        for attempt in range(ATTEMPTS):
            file.seek(0)
            why, may_pass = _put(Request(url, file, headers, method="PUT"), end - time.monotonic())  # noqa: S310 (http)
            if not why:
                return size
            wait = FIRST_WAIT_SECONDS * 2**attempt
            if not may_pass or attempt == ATTEMPTS - 1 or time.monotonic() + wait >= end:
                break
            warn(f"{shown(url)}: {why}; trying again")
            time.sleep(wait)
    raise UnavailableError(f"{shown(url)}: {why}; nothing was pushed")


def _check_labels(file: BinaryIO, labels: Mapping[str, str]) -> None:
    """The gateway writes those of the group over those of a series, and series that were two would be one."""
    names = "|".join(map(re.escape, labels))
    found = re.compile(rf'[{{,]({names})="'.encode())
    for line in file:
        if not line.startswith(b"#") and (label := found.search(line)):
            name = label[1].decode()
            hint = "choose another --grouping" if name != "job" else "call that label something else"
            raise UsageError(f"metrics.prom has the label {name}, which the group's would replace; {hint}")


def _put(request: Request, timeout: float) -> tuple[str, bool]:
    """Why it was not taken, in one line, and whether that may pass; "" where it was."""
    try:
        with _OPENER.open(request, timeout=max(timeout, 0.001)):
            return "", False
    except HTTPError as exc:
        with exc:
            return _refusal(exc), exc.code >= HTTPStatus.INTERNAL_SERVER_ERROR or exc.code in _PASSING
    except TimeoutError:
        return "no answer in time", True
    except (URLError, HTTPException, OSError) as exc:
        reason = getattr(exc, "reason", exc)
        if isinstance(reason, TimeoutError):
            return "no answer in time", True
        return f"cannot be reached: {getattr(reason, 'strerror', None) or reason}", True


def _refusal(exc: HTTPError) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= exc.code < HTTPStatus.BAD_REQUEST:
        return f"answers {exc.code}, which leads to {shown(exc.headers.get('Location', 'nowhere'))}; name that address"
    try:
        text = exc.read(_ANSWER_BYTES).decode(errors="replace")
    except (HTTPException, OSError):
        text = ""
    words = "".join(each if each.isprintable() else " " for each in text).split()
    told = " ".join(words)[:_ANSWER_SHOWN] or exc.reason
    return f"answers {exc.code}: {told}"


class _NoRedirects(HTTPRedirectHandler):
    """A body is not sent to where nobody has said it should go."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_OPENER: Any = build_opener(_NoRedirects)
