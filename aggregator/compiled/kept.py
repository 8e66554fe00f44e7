"""Where machine code is kept, which takes seconds to make: in a folder of its own for each state of the sources."""

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

_MADE = "made"


@cache
def folder() -> Path | None:
    """Under NUMBA_CACHE_DIR, XDG_CACHE_HOME or ~/.cache; None where none of them can be.

    Of all sources: numba itself looks for changes in a function's own file, not in what that imports.
    """
    package = Path(__file__).resolve().parents[1]
    digest = sha256(f"{sys.version} {package}".encode())
    for path in sorted([*package.rglob("*.py"), *(package.parent / "logemit").glob("*.py")]):
        digest.update(path.read_bytes())
    try:
        base = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # nobody's home
        return None
    return Path(base, "logemit", digest.hexdigest()[:16])


@cache
def usable() -> Path | None:
    """The folder, or this process's copy of one that is complete and cannot be written to, as numba insists on that."""
    place = folder()
    if place is None or can_be_kept():
        return place
    try:
        if not (place / _MADE).exists():
            return None
        copy = Path(tempfile.mkdtemp(prefix="logemit-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        for path in place.glob("*/*"):
            (copy / path.parent.name).mkdir(exist_ok=True)
            shutil.copyfile(path, copy / path.parent.name / path.name)
        shutil.copyfile(place / _MADE, copy / _MADE)
    except OSError:
        return None
    return copy


def is_made() -> bool:
    """Whether machine code of these sources is there, and can be used."""
    place = usable()
    return place is not None and (place / _MADE).exists()


def tell_made() -> None:
    """All of it is there now."""
    place = usable()
    if place is not None and place.is_dir():
        with suppress(OSError):
            (place / _MADE).touch()


def can_be_kept() -> bool:
    """Whether what is made now will be there for the next run."""
    place = folder()
    while place is not None and not place.exists():
        place = place.parent if place.parent != place else None
    return place is not None and os.access(place, os.W_OK | os.X_OK)
