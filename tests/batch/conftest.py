"""Shared by the tests of logs that are rotated."""

from pathlib import Path
from zlib import crc32

import pytest

from tests.scale import LEVEL

from .scene import Scene

LENGTHS = {"short": 1, "long": 300}


@pytest.fixture(params=["either"] if LEVEL == "quick" else LENGTHS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    """With short logs and with long ones; where there is little time each case has one of the two."""
    either = list(LENGTHS.values())[crc32(request.node.name.encode()) % 2]
    return Scene(tmp_path, bulk=LENGTHS.get(request.param, either))
