"""The text where node_exporter's textfile collector reads it, beside the files of others.

It reads whatever ends in `.prom`, skips what it may not read, drops a family of which two files say different things,
and fails where two files have the same sample.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client.parser import text_fd_to_metric_families

from .errors import OutputError
from .promtext import labelled, series
from .published import publish
from .urls import shown

OUTPUT = "output"
"""The label of the families about the runs: with it those of several outputs stand side by side."""

_BEGIN = b"# logemit: "
_ABOUT_RUNS = b"logemit_"
_ABOUT = re.compile(rb"# (?:HELP|TYPE) ([^ \n]+) ?(.*)")
_SAMPLE = re.compile(rb"([^ {\n]+)(.*) [^ ]+\n?")
_SUFFIXES = re.compile(rb"_(?:bucket|count|sum)$")

Heads = Mapping[bytes, list[bytes]]
"""Of each family, the lines about it."""


class TextFile:
    """One output's file in a folder that several may share. Raises OutputError where it cannot be there."""

    def __init__(self, place: Path, out: str) -> None:
        """`place` is the folder, or the file in it; `out` the output's folder or URL."""
        whole = shown(out) if "://" in out else str(Path(out).resolve())
        self._out = whole.encode(errors="replace").decode()
        named = place.suffix == ".prom"
        name = place.stem if named else self._out.rstrip("/").rpartition("/")[2]
        self._name = re.sub(r"[^a-zA-Z0-9_-]+", "_", name) or OUTPUT
        self._path = place if named else place / f"logemit_{self._name}.prom"
        self._check()

    def _check(self) -> None:
        folder = self._path.parent
        if str(folder.resolve()) == self._out:
            raise OutputError(
                f"{folder}: is the output itself, and node_exporter reads its metrics.prom; leave --textfile out"
            )
        if not folder.is_dir():
            raise OutputError(
                f"{folder}: no such folder; make what --collector.textfile.directory of node_exporter names"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{folder}: cannot be written; let the user who runs this write there")
        if self._path.exists() and (owner := _owner(self._path)) != self._out:
            whose = owner or "another program"
            raise OutputError(
                f"{self._path}: is of {whose}; remove it, or name another: --textfile {folder / 'NAME.prom'}"
            )

    def publish(self, text: Path) -> None:
        """Put what a run has written there."""
        self._refuse_clashes(text)
        with text.open("rb") as lines:
            try:
                publish(self._path, self._lines(lines))
            except OutputError as exc:
                raise OutputError(f"{exc}; the run itself is done: mend it and run again") from None

    def _lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        yield _BEGIN + self._out.encode() + b"\n"
        yield from (labelled(line, OUTPUT, self._name) if line.startswith(_ABOUT_RUNS) else line for line in lines)

    def _refuse_clashes(self, text: Path) -> None:
        ours = _heads(text)
        for other in sorted(self._path.parent.glob("*.prom")):
            if other == self._path or not other.is_file() or not os.access(other, os.R_OK):
                continue
            theirs = _heads(other)
            shared = ours.keys() & theirs.keys()
            if not shared:
                continue
            is_foreign = _owner(other) is None
            # Of ours, the next run brings the words of this version.
            for family in sorted(shared) if is_foreign else ():
                if ours[family] != theirs[family]:
                    raise OutputError(
                        f"{other}: describes {family.decode(errors='replace')} in other words, and node_exporter would "
                        f"show one of both; bring both to the same version, or give --textfile another folder"
                    )
            self._refuse_samples(text, other, shared, is_foreign=is_foreign)

    def _refuse_samples(self, text: Path, other: Path, families: set[bytes], *, is_foreign: bool) -> None:
        with text.open("rb") as lines:
            ours = {hash(sample) for sample in _samples(self._lines(lines), families)}
        with other.open("rb") as lines:
            for sample in _foreign_samples(other) if is_foreign else _samples(lines, families):
                if hash(sample) in ours:
                    raise OutputError(
                        f"{other}: has {sample.decode(errors='replace')}, too, and node_exporter would fail; give all "
                        f"logs of a service to one run, or --textfile another folder"
                    )


def _owner(path: Path) -> str | None:
    """The output whose text it is; None where another program has written it."""
    with path.open("rb") as file:
        first = file.readline(4096)
    return first.removeprefix(_BEGIN).decode(errors="replace").strip() if first.startswith(_BEGIN) else None


def _heads(path: Path) -> Heads:
    found: dict[bytes, list[bytes]] = {}
    with suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            if about := _ABOUT.match(line):
                found.setdefault(about[1], []).append(line.strip())
    return found


def _samples(lines: Iterable[bytes], families: set[bytes]) -> Iterator[bytes]:
    """Of these families: samples without their values."""
    for line in lines:
        found = _SAMPLE.match(line) if not line.startswith(b"#") else None
        if found and (found[1] in families or _SUFFIXES.sub(b"", found[1]) in families):
            yield found[1] + found[2]


def _foreign_samples(path: Path) -> Iterator[bytes]:
    """Of a file that we did not write, as we would have written them; of a broken one none, as nobody shows it."""
    with suppress(ValueError), path.open(encoding="utf-8") as file:
        for family in text_fd_to_metric_families(file):
            yield from (series(sample.name, sample.labels).encode() for sample in family.samples)
