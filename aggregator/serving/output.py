"""The two files of an output that are served, each opened as of one moment: they are only ever replaced whole."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from .. import remote
from ..errors import ReadWriteError
from ..promtext import METRICS
from ..urls import is_url, shown
from . import exemplars

_TAIL_BYTES = 1 << 16
_LATEST = 1e11
"""A time that a calendar still has."""
_LAST_RUN = re.compile(rb"^logemit_last_run_timestamp_seconds(?:\{[^\n]*\})? (\S+)$", re.MULTILINE)


class Output:
    """Of a folder, or of what a URL leads to. Raises UsageError for a URL that cannot be meant."""

    def __init__(self, out: Path | str) -> None:
        self.name = str(out)
        self._folder = Path(out)
        self._files = remote.filesystem(self.name) if is_url(self.name) else None

    @property
    def shown(self) -> str:
        """Where the text lies."""
        return f"{shown(self.name).rstrip('/')}/{METRICS}"

    def metrics(self) -> BinaryIO:
        """The text. Raises FileNotFoundError where no run has written it, ReadWriteError."""
        return self._opened(METRICS)

    def exemplars(self) -> dict[bytes, bytes]:
        """None where they are not there or cannot be read: they may be missing."""
        with suppress(FileNotFoundError, ReadWriteError), self._opened(exemplars.PATH) as file:
            return exemplars.read(file)
        return {}

    def _opened(self, relative: str) -> BinaryIO:
        if self._files is not None:
            url = f"{self.name.rstrip('/')}/{relative}"
            try:
                return self._fetched(url)
            except ReadWriteError:
                return self._fetched(url)  # a run may have put another in its place
        path = self._folder / relative
        try:
            return path.open("rb")
        except NotADirectoryError:
            raise FileNotFoundError from None
        except OSError as exc:
            if isinstance(exc, FileNotFoundError):
                raise
            raise ReadWriteError(f"{path}: cannot be read: {exc.strerror}; check its owner and mode") from None

    def _fetched(self, url: str) -> BinaryIO:
        """A copy of an object. Its library reads parts of it, and refuses where another has taken its place."""
        found = remote.Object(url, 0, "", remote.path_of(self._files, url), self._files)
        copy = TemporaryFile()  # noqa: SIM115 (who asked for it closes it)
        try:
            with found.opened() as file:
                shutil.copyfileobj(file, copy, 1 << 20)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy


def last_run(file: BinaryIO) -> float | None:
    """When the run ended that wrote a text, in seconds since 1970: it stands near the text's end."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL_BYTES))
    found = _LAST_RUN.search(file.read())
    try:
        at = float(found[1]) if found else -1.0
    except ValueError:
        return None
    return at if 0 <= at < _LATEST else None
