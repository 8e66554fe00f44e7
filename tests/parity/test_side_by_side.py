"""The same traffic gives the same series and counts, but for what is declared."""

from collections.abc import Mapping

import pytest

from tests.scale import scaled

from .conftest import Play
from .differences import BOTH, CORRECTIONS, DIFFERENCES, LIMITS, Cell, Difference, declared
from .samples import FAMILIES, Samples, family_of, only

RUNS = ("together", "apart")
PLAYED = BOTH[scaled(1, 0, 0) :]
"""With PostgreSQL, where there is time for one only: some limits show with it alone."""
ONLY_APART = ("django_cache_", "django_model_")
"""Theirs are other backends and other models, which do other things than the app's own."""

NEVER_SEEN = {
    "django_http_requests_unknown_latency_including_middlewares_total",
    "django_http_requests_unknown_latency_total",
}
OF_START_UP = {"django_migrations_applied_total", "django_migrations_unapplied_total"}
"""Compared by test_migrations.py."""


def differing(left: dict[str, Samples], right: dict[str, Samples], run: str) -> set[Cell]:
    cells = set()
    for scene, samples in left.items():
        series = {each for each in {*samples, *right[scene]} if samples[each] != right[scene][each]}
        cells |= {(scene, family_of(each)) for each in series}
    return {cell for cell in cells if run == "apart" or not cell[1].startswith(ONLY_APART)}


@pytest.mark.parametrize("vendor", PLAYED)
@pytest.mark.parametrize("run", RUNS)
def test_all_is_the_same_but_for_declared_differences(play: Play, run: str, vendor: str) -> None:
    played = play(run, vendor)
    found, known = differing(played.theirs, played.ours, run), declared(vendor, played.theirs)
    assert found - known == set(), "differs, and is not declared"
    assert known - found == set(), "is declared, and differs no longer"


@pytest.mark.parametrize("vendor", PLAYED)
@pytest.mark.parametrize("run", RUNS)
def test_ours_is_what_the_driver_did_but_for_limits(play: Play, run: str, vendor: str) -> None:
    played = play(run, vendor)
    limits = declared(vendor, played.truth, LIMITS.values())
    assert differing(played.truth, played.ours, run) == limits


@pytest.mark.parametrize("vendor", PLAYED)
def test_every_family_is_seen_the_same_somewhere(play: Play, vendor: str) -> None:
    seen = set()
    for played in (play(run, vendor) for run in RUNS):
        for scene, samples in played.ours.items():
            seen |= {f for f in map(family_of, samples) if only(samples, f) == only(played.theirs[scene], f)}
    assert set(FAMILIES) - seen == NEVER_SEEN | OF_START_UP


@pytest.mark.parametrize("vendor", PLAYED)
def test_types_labels_and_buckets_are_the_same(play: Play, vendor: str) -> None:
    seen = set()
    for theirs, ours in (play(run, vendor).shapes for run in RUNS):
        both = theirs.keys() & ours.keys()
        assert {name: theirs[name] for name in both} == {name: ours[name] for name in both}
        seen |= both
    assert seen == set(FAMILIES) - OF_START_UP


def seen(differences: Mapping[str, Difference]) -> list[str]:
    """The names of those that show with a database that is played."""
    return [name for name, difference in differences.items() if {*difference.vendors} & {*PLAYED}]


def counts_of(difference: Difference, play: Play) -> list[tuple[Samples, Samples, Samples]]:
    """Theirs, ours and the truth, wherever it is said to be."""
    vendors = [vendor for vendor in difference.vendors if vendor in PLAYED]
    plays = [play(run, vendor) for vendor in vendors for run in RUNS]
    found = [
        (only(played.theirs[scene], family), only(played.ours[scene], family), only(played.truth[scene], family))
        for played in plays
        for scene, family in sorted(difference.cells)
        if scene in played.theirs
    ]
    assert len(found) == len(difference.cells) * len(vendors), "not all of its scenes are played"
    return found


@pytest.mark.parametrize("name", seen(CORRECTIONS))
def test_correction(name: str, play: Play) -> None:
    """Ours is what the driver counted, and theirs is not."""
    for theirs, ours, truth in counts_of(CORRECTIONS[name], play):
        assert ours == truth
        assert theirs != truth


@pytest.mark.parametrize("name", seen(LIMITS))
def test_limit(name: str, play: Play) -> None:
    for theirs, ours, truth in counts_of(LIMITS[name], play):
        assert ours != truth
        assert theirs == truth


def test_no_difference_is_declared_twice() -> None:
    for vendor in BOTH:
        cells = [cell for each in DIFFERENCES if vendor in each.vendors for cell in each.cells]
        assert len(cells) == len(set(cells))
