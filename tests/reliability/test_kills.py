"""Runs that are killed for real, at any instant."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scale import scaled

from .forks import ForkServer
from .kills import PHASES, campaign


@pytest.mark.parametrize("named", [False, True], ids=["folder", "name"])
def test_a_run_killed_at_any_instant_is_made_up_for_by_the_next(
    named: bool, tmp_path: Path, forks: ForkServer, figure: Callable[[str], None]
) -> None:
    figures = campaign(tmp_path, forks, scaled(15, 50, 5000), 7, named=named)
    figure(f"kills, the log given by its {'name' if named else 'folder'}: {figures}")
    assert not figures.mismatches, "\n".join(figures.mismatches)
    assert figures.kills.total() >= scaled(15, 50, 5000)
    assert all(figures.kills[phase] for phase in PHASES)
