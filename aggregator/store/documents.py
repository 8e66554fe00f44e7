"""JSON documents that know whether they are whole."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ..errors import NewerStateError, ReadWriteError, StateError

FORMAT = 4
"""Of the state. A newer one is refused, an older one brought up to date by the next run."""


class DamagedError(StateError):
    """A document that is not the one that was written."""


def sealed(body: dict[str, Any]) -> bytes:
    whole = {"format": FORMAT, **body}
    return json.dumps({"checksum": _checksum(whole), **whole}).encode() + b"\n"


def load(path: Path) -> dict[str, Any]:
    """The body of a document. Raises StateError, FileNotFoundError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise ReadWriteError(f"{path}: cannot be read: {exc.strerror}; check its permissions") from None
    try:
        document: dict[str, Any] = json.loads(data)
        checksum, found = document.pop("checksum"), document["format"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise DamagedError(f"{path}: damaged, not a whole document; see logemit repair") from None
    if isinstance(found, int) and found > FORMAT:
        raise NewerStateError(f"{path}: state of format {found}, this logemit knows up to {FORMAT}; upgrade logemit")
    if checksum != _checksum(document):
        raise DamagedError(f"{path}: damaged, its checksum does not fit; see logemit repair")
    return document


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
