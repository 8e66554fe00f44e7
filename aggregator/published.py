"""Files that other programs read whenever they like: whole or not at all, and for all to read."""

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import OutputError

_MODE = 0o644
"""Whatever the umask is: who reads them is another user."""


def publish(path: Path, pieces: Iterable[bytes]) -> None:
    """Raises OutputError; then what was there stays."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device; a folder says so itself
            with path.open("wb") as file:
                file.writelines(pieces)
            return
        target = Path(os.path.realpath(path))
        temporary = target.with_name(f".{target.name}.tmp")  # none reads a name that ends so
        try:
            temporary.unlink(missing_ok=True)  # of a run that was killed, or a link that another user has put there
            with temporary.open("xb") as file:
                file.writelines(pieces)
                file.flush()
                os.fchmod(file.fileno(), _MODE)
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written: {exc.strerror or exc}") from None
