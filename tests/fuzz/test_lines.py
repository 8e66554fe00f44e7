"""A million hostile lines: no error, the account balances, and both ways say the same."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scale import scaled, sized

from .hostile import log
from .target import run_whole_way

SIZES = [(700, 200), (3000, 1000), (70_000, sized(4000, 8000)), (1 << 22, sized(4000, 60_000))]
"""Bytes of a block, and lines of a case."""


@pytest.mark.parametrize("seed", range(scaled(2, 4, 60)))
def test_hostile_lines_are_accounted_for_whichever_way_they_go(seed: int, figure: Callable[[str], None]) -> None:
    rng = random.Random(seed)
    block, lines = SIZES[seed % len(SIZES)]
    logs = rng.choice([1, 2, 3])
    texts = [log(rng, lines // logs) for _ in range(logs)]
    with tempfile.TemporaryDirectory() as folder:
        run_whole_way(Path(folder), rng, texts, block)
    count = sum(text.count(b"\n") for text in texts)
    figure(f"hostile lines, seed {seed}: {count:,}")
