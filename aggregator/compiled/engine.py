"""Blocks through several threads at once, in order where order counts.

Scanning and adding up leave the interpreter's lock alone. In between, one thread says of each block's events which
count, block after block, as they stand in the logs.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ..cube import Cube
from ..definitions import Catalogue
from ..envelopes.envelope import WORD
from ..exemplars import Exemplars
from ..lines import Block
from ..streams import Stream
from . import context, layout
from .context import Handed, Scanned
from .opened import opens
from .texts import Array

Judge = Callable[[Scanned], Array]
"""Of what was scanned of a block: the verdict on each row."""

_NO_EXEMPLARS = Exemplars(())


class Engine:
    """`judge` is called for one block after the other, `hand_over` for what was added up so far.

    A block is held until it is added up: `exemplars` are offered what stands in it.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        window_seconds: int,
        workers: int,
        judge: Judge,
        hand_over: Callable[[Cube, bool], None],
        exemplars: Exemplars = _NO_EXEMPLARS,
    ) -> None:
        wishes = exemplars.wishes
        plans = layout.plans_of(catalogue, wishes)
        self._judge, self._hand_over, self._exemplars = judge, hand_over, exemplars
        self._free = [context.make(catalogue, plans, window_seconds, wishes) for _ in range(workers + 1)]
        self._pool = ThreadPoolExecutor(workers)
        self._scans: deque[Future[Scanned]] = deque()
        self._additions: deque[tuple[Future[Handed], Scanned]] = deque()

    @staticmethod
    def reads(stream: Stream) -> bool:
        """Whether what its envelope holds can be found."""
        return stream.words == (WORD,) or opens(stream)

    def take(self, block: Block, stream: Stream) -> None:
        """Scan a block, while those before it are judged."""
        while not self._free:
            self._step()
        scanner = self._free.pop()
        self._scans.append(self._pool.submit(scanner.scan, block, stream, stream.name))

    def _step(self) -> None:
        """Free a context, or come closer to it."""
        if self._additions and (self._additions[0][0].done() or not self._scans):
            addition, scanned = self._additions.popleft()
            self._receive(addition.result())
            scanned.block.release()
            self._free.append(scanned.context)
        else:
            self._judge_next()

    def _judge_next(self) -> None:
        scanned = self._scans.popleft().result()
        verdicts = self._judge(scanned)
        self._additions.append((self._pool.submit(scanned.context.add, scanned, verdicts), scanned))

    def settle(self) -> None:
        """Judge all blocks that were taken."""
        while self._scans:
            self._judge_next()

    def finish(self) -> None:
        """Hand over all that was taken."""
        self.settle()
        while self._additions:
            self._step()
        for handed in self._pool.map(lambda scanner: scanner.handed(only_full=False), self._free):
            self._receive(handed)

    def _receive(self, handed: Handed) -> None:
        for cube, is_late in handed.cubes:
            self._hand_over(cube, is_late)
        for found in handed.slow:
            self._exemplars.offer(*found)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
