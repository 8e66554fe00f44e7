"""Rejected lines, kept in a file for people to look at: JSON lines with where each stood and why it was rejected.

They are written just before the commit: a run that is killed there writes them again. The file stays within its bound.
"""

from pathlib import Path

import orjson

from .decode import Rejection
from .errors import OutputError
from .records import Record

MOST_BYTES = 1 << 24
"""Of the file."""

MOST_TEXT = 1 << 12
"""Bytes of a line that are kept."""


class Rejects:
    """Of one run. Raises OutputError where the file cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[bytes] = []
        self._left_out = 0
        try:
            with path.open("ab") as file:
                self._room = MOST_BYTES - file.tell()
        except OSError as exc:
            raise self._error(exc) from None

    def take(self, source: str, rejection: Rejection) -> None:
        line = _line(source, rejection.record, rejection.kind, rejection.reason)
        if len(line) > self._room:
            self._left_out += 1
            return
        self._room -= len(line)
        self._lines.append(line)

    def leave_out(self, number: int) -> None:
        self._left_out += number

    def write(self) -> str:
        """What there is to say of it; "" where all was kept."""
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(self._lines))
        except OSError as exc:
            raise self._error(exc) from None
        full = f"{self._path}: is full, {self._left_out:,} rejected lines were left out; move it away"
        return full if self._left_out else ""

    def _error(self, exc: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot be written: {exc.strerror}; choose another --rejects")


def _line(source: str, record: Record, kind: str, reason: str) -> bytes:
    text = record.text[:MOST_TEXT].decode("utf-8", "backslashreplace")
    place = {"file": source.encode("utf-8", "backslashreplace").decode(), "line": record.line, "offset": record.offset}
    told = {"kind": kind, "reason": reason.encode("utf-8", "backslashreplace").decode(), "text": text}
    return orjson.dumps({**place, **told}) + b"\n"
