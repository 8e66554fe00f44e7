"""A folder of logs that are written, rotated, packed, cut and removed, and what is known of each of its files."""

import gzip
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import zstandard


@dataclass(eq=False)
class Stream:
    """What was written to one log from its creation until another took its place."""

    base: str
    data: bytes = b""
    rest: bytes = b""
    """Of a last line without its end."""
    grown: bool = False
    """Since the last run."""
    open: bool = False
    """It grew in the day before the last run that read it."""


@dataclass
class File:
    stream: Stream
    length: int | None = None
    """Of a copy; None for the file that is written to."""
    packing: str = ""
    is_torn: bool = False
    modified_at: int = 0

    @property
    def content(self) -> bytes:
        data = self.stream.data[: self.length]
        return zlib.decompressobj(wbits=31).decompress(half(gzip.compress(data, mtime=0))) if self.is_torn else data


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


PACK = {".gz": lambda data: gzip.compress(data, mtime=0), ".zst": zstandard.compress}


@dataclass
class Logs:
    folder: Path
    now: int
    files: dict[str, File] = field(default_factory=dict)
    vanished: list[Stream] = field(default_factory=list)
    """Streams whose last byte no file holds any more."""

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def paths(self, names: Iterable[str]) -> list[str]:
        return [self.path(name) for name in names]

    @property
    def names(self) -> list[str]:
        return sorted(self.files)

    def create(self, name: str) -> None:
        """An empty log in the place of what was there."""
        self._drop(name)
        self.files[name] = File(Stream(name))
        self._write(name)

    def append(self, name: str, data: bytes) -> None:
        stream = self.files[name].stream
        stream.data += stream.rest + data
        stream.rest, stream.grown = b"", True
        self._write(name)

    def rename(self, name: str, new: str) -> None:
        self._drop(new)
        os.replace(self.path(name), self.path(new))
        self.files[new] = self.files.pop(name)

    def copy(self, name: str, new: str) -> None:
        self._drop(new)
        file = self.files[name]
        self.files[new] = File(file.stream, len(file.content), file.packing)
        self._write(new)

    def pack(self, name: str, packing: str, is_torn: bool = False) -> str:
        """A packed copy as old as the file; its name."""
        file, new = self.files[name], name + packing
        self.files[new] = File(file.stream, len(file.content), packing, is_torn)
        self._write(new, file.modified_at)
        return new

    def finish(self, name: str) -> None:
        """What was torn is whole."""
        file = self.files[name]
        file.is_torn = False
        self._write(name, file.modified_at)

    def cut(self, name: str, length: int) -> None:
        """A log loses its end, and is another from here on."""
        data = self.files[name].stream.data[:length]
        self.create(name)
        self.append(name, data)

    def remove(self, name: str) -> None:
        os.unlink(self.path(name))
        self._drop(name)

    def holders(self, stream: Stream) -> list[str]:
        return [name for name, file in self.files.items() if file.stream is stream]

    def _drop(self, name: str) -> None:
        if name in self.files:
            stream = self.files.pop(name).stream
            left = (len(self.files[each].content) for each in self.holders(stream))
            if max(left, default=0) < len(stream.data):
                self.vanished.append(stream)

    def _write(self, name: str, modified_at: int = 0) -> None:
        file, path = self.files[name], self.path(name)
        file.modified_at = modified_at or self.now
        data = file.stream.data[: file.length]
        data = PACK[file.packing](data) if file.packing else data
        Path(path).write_bytes(half(data) if file.is_torn else data)
        os.utime(path, ns=(file.modified_at * 1000,) * 2)
