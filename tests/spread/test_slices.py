"""A run in slices leaves what a run without them leaves, to the byte, wherever the logs are cut."""

from pathlib import Path
from random import Random

import pytest

from tests.test_recount import CASES
from tests.test_split import lines_of

from .same import Both

SAMPLES = Path(__file__).parents[2] / "sample_logs"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1 << 10, 40_000, 1 << 30])
def test_of_any_size(case: str, size: int, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(lines_of(case)))
    assert Both(tmp_path, size=size).run([log]).events
