"""Cubes that wait on the disk, for as long as a run lasts."""

from itertools import count
from pathlib import Path

import pyarrow as pa

from ..cube import Cube
from ..definitions import Summary
from . import files
from .commit import STATE_FOLDER, told

SPILL = f"{STATE_FOLDER}/spill"


class Spill:
    """In a folder that is made when it is needed and belongs to one run. Methods raise OutputError, ReadWriteError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def write(self, cube: Cube) -> str:
        """What to ask for it by."""
        name = f"{next(self._numbers):06d}"
        with told(self._folder):
            files.make_folder(self._folder)
            for table, kind in ((cube.cells, "cells"), (cube.bins, "bins")):
                path = str(self._path(name, kind))
                with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table)
        return name

    def remove(self) -> None:
        files.remove_tree(self._folder)

    def read(self, summary: Summary, name: str, *, windowed: bool) -> Cube:
        return Cube(summary, self._read(name, "cells"), self._read(name, "bins"), windowed)

    def _read(self, name: str, kind: str) -> pa.Table:
        with told(self._folder), pa.OSFile(str(self._path(name, kind)), "rb") as source:
            return pa.ipc.open_file(source).read_all()

    def _path(self, name: str, kind: str) -> Path:
        return self._folder / f"{name}.{kind}.arrow"
