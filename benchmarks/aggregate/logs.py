"""The logs that are measured on, made once in a folder and used again as long as they are the same."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .generate import Wanted, generate

MB = 1_000_000
FIRST_DAY = date(2026, 10, 18)
_PIECE = 20 * MB
_MADE_BY = 1
"""To be raised with the generator: logs that an older one made are made anew."""

Say = Callable[[str], None]


@contextmanager
def kept(named: Path | None) -> Iterator[Path]:
    """A folder that stays; or, where none is named, one that is gone afterwards."""
    if named is not None:
        yield named
        return
    with TemporaryDirectory(prefix="logemit-bench-") as made:
        yield Path(made)


class Logs:
    def __init__(self, folder: Path, say: Say) -> None:
        self.folder = folder
        self._say = say
        folder.mkdir(parents=True, exist_ok=True)

    def log(self, name: str, wanted: Wanted) -> Path:
        path = self.folder / f"{name}.log"

        def make() -> dict[str, Any]:
            return generate(wanted, path).told()

        return self._made(path, {"made_by": _MADE_BY, **asdict(wanted)}, make)

    def access_log(self, size: int) -> Path:
        """Foreign lines only: some, over and over."""
        piece = self.log("access-piece", Wanted(size=min(size, _PIECE), foreign=1.0))
        path = self.folder / "access.log"

        def make() -> dict[str, Any]:
            data = piece.read_bytes()
            with path.open("wb") as file:
                for _ in range(-(-size // len(data))):
                    file.write(data)
            return {"bytes": path.stat().st_size}

        return self._made(path, {"made_by": _MADE_BY, "size": size}, make)

    def packed(self, log: Path) -> Path:
        path = log.with_name(f"{log.name}.gz")

        def make() -> dict[str, Any]:
            with log.open("rb") as plain, gzip.open(path, "wb", compresslevel=6) as packed:
                shutil.copyfileobj(plain, packed, 1 << 20)
            return {"bytes": path.stat().st_size}

        return self._made(path, {"made_by": _MADE_BY, "of": log.stat().st_size}, make)

    def days(self, count: int, lines: int) -> list[Path]:
        """Small logs of the days before, one a day."""
        dates = [FIRST_DAY + timedelta(days=day) for day in range(count)]
        return [
            self.log(f"day-{day}", Wanted(lines=lines, seed=1000 + number, start=f"{day}T08:00:00Z"))
            for number, day in enumerate(dates)
        ]

    def _made(self, path: Path, wanted: dict[str, Any], make: Callable[[], dict[str, Any]]) -> Path:
        note = path.with_name(f"{path.name}.json")
        if path.exists() and note.exists():
            found = json.loads(note.read_text())
            if found["wanted"] == wanted and found["made"]["bytes"] == path.stat().st_size:
                _read(path)
                return path
        self._say(f"making {path.name}")
        note.unlink(missing_ok=True)
        note.write_text(json.dumps({"wanted": wanted, "made": make()}))
        return path


def _read(path: Path) -> None:
    """Into the page cache, where a log that was just made is, too."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def size(path: Path) -> float:
    """In MB."""
    return path.stat().st_size / MB
