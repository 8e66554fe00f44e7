"""Two bytes for each number of a process, from the time of its event: is a number that comes again the same event?"""

from collections.abc import Iterable, Iterator

BLOCK = 256
_WIDTH = 2
FACTOR = 0x9E3779B97F4A7C15


def mark(moment: int) -> int:
    """1 to 65,535, of microseconds since 1970; 0 means not known."""
    return 1 + (((moment * FACTOR) >> 24) & 0xFFFFFFFF) % 0xFFFF


class Marks:
    """By number, in blocks: a process whose numbers lie far apart costs a block each."""

    __slots__ = ("_blocks",)

    def __init__(self, blocks: Iterable[tuple[int, bytes]] = ()) -> None:
        self._blocks: dict[int, bytearray] = {}
        for first, data in blocks:  # blocks were smaller once
            self.add_all(first, data)

    def add(self, number: int, moment: int) -> None:
        self.add_all(number, mark(moment).to_bytes(_WIDTH, "little"))

    def add_all(self, first: int, marks: bytes) -> None:
        """Of numbers one after the other."""
        at = 0
        while at < len(marks):
            number, place = divmod(first * _WIDTH + at, BLOCK * _WIDTH)
            part = marks[at : at + BLOCK * _WIDTH - place]
            block = self._blocks.get(number)
            if block is None:
                block = self._blocks[number] = bytearray(BLOCK * _WIDTH)
            block[place : place + len(part)] = part
            at += len(part)

    def may_be(self, number: int, moment: int) -> bool:
        """Whether the number was used at this time; True where the time is not known."""
        block = self._blocks.get(number // BLOCK)
        place = number % BLOCK * _WIDTH
        known = int.from_bytes(block[place : place + _WIDTH], "little") if block else 0
        return known in (0, mark(moment))

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """(first number, marks) of each block, ascending."""
        return ((block * BLOCK, bytes(data)) for block, data in sorted(self._blocks.items()))
