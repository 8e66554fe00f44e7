"""What was added up of events, by summary and partition, as it travels and merges."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from .. import cube
from ..cube import Cube
from ..definitions import Catalogue
from ..partials import Partials


class Place(NamedTuple):
    """`partition` is "" for what is too late for any."""

    summary: str
    partition: str


Packed = tuple[Any, pa.Buffer, pa.Buffer, bool]


class Sums:
    """Each cube is sorted. Tables are packed when they leave the process."""

    def __init__(self, cubes: dict[Place, Cube]) -> None:
        self.cubes = cubes

    @classmethod
    def of(cls, catalogue: Catalogue, *gathered: Partials) -> "Sums":
        """All that was gathered; nothing is left of it there."""
        found: dict[Place, Cube] = {}
        for partials in gathered:
            for summary in catalogue.summaries:
                for partition in list(partials.partitions(summary)):
                    parts = [part.read() for part in partials.take(summary, partition)]
                    found[Place(summary.name, partition)] = cube.merge(parts)
        return cls(found)

    def __iter__(self) -> Iterator[tuple[Place, Cube]]:
        return iter(self.cubes.items())

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in self.cubes.values())

    def __sizeof__(self) -> int:
        return self.nbytes

    def __getstate__(self) -> list[tuple[Place, Packed]]:
        return [(place, (each.summary, _packed(each.cells), _packed(each.bins), each.windowed)) for place, each in self]

    def __setstate__(self, state: list[tuple[Place, Packed]]) -> None:
        self.cubes = {
            place: Cube(summary, _unpacked(cells), _unpacked(bins), windowed)
            for place, (summary, cells, bins, windowed) in state
        }


def merged(*parts: Sums) -> Sums:
    """All that went into any of them."""
    cubes: defaultdict[Place, list[Cube]] = defaultdict(list)
    for part in parts:
        for place, each in part:
            cubes[place].append(each)
    return Sums({place: cube.merge(of_place) for place, of_place in cubes.items()})


def _packed(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _unpacked(data: pa.Buffer) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()
