"""Kills and power cuts at every step of a run, alone and in pairs: the next run tells what one run over all would.

A kill after a step leaves what a kill before the next one does, so that each step is killed before, and within.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pandas as pd
import pytest

from tests.scale import FULL, scaled, sized

from .cases import CHANGES, MORE, Judge, Place, grown, place, prepare, tree
from .faults import Disk, Killed, Lottery, Mode, Plan, Step, System, faulty

Figure = Callable[[str], None]
Point = tuple[int, Mode]
SHARES = 2
LOTTERIES = ("nothing", "names", *(f"chance {number}" for number in range(sized(1, 20))))
TEMPLATES = pytest.mark.parametrize("is_first", [True, False], ids=["first", "fourth"])


def steps_of_a_run(place: Place) -> list[Step]:
    place.load("before")
    with faulty(Plan()) as system:
        place.run()
    return system.steps


def points_of(steps: list[Step]) -> list[Point]:
    """Before each step that changes what other processes see, within each write, and after the last."""
    before: list[Point] = [(at, "before") for at, step in enumerate(steps, 1) if FULL or step.name != "close"]
    within: list[Point] = [(at, "torn") for at, step in enumerate(steps, 1) if step.name == "write"]
    return [*before, *within, (len(steps), "after")]


def shared(points: list[Point], share: int) -> list[Point]:
    return points[share :: SHARES * scaled(6, 1, 1)]


def kill(place: Place, point: Point, disk: Disk | None = None, *, whole: bool = True) -> System:
    """A run, or only the part of it that recovers, killed at a point where it gets there."""
    with faulty(Plan(*point), disk) as system, suppress(Killed):
        place.run() if whole else place.recover()
    return system


def read_between(place: Place, versions: list[dict[str, bytes]]) -> None:
    """A reader finds each file as it is before the run or after it."""
    for name, content in tree(place.out).items():
        if not name.startswith("_logemit"):
            assert content in [version.get(name) for version in versions], name
    if (place.out / "jobs").is_dir():
        pd.read_parquet(place.out / "jobs")


def versions(place: Place) -> list[dict[str, bytes]]:
    place.load("before")
    before = tree(place.out)
    place.run()
    return [before, tree(place.out)]


@TEMPLATES
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_killed_at_any_step(is_first: bool, share: int, figure: Figure) -> None:
    with place() as here:
        prepare(here, is_first)
        judge, whole_files = Judge(here), versions(here)
        steps = steps_of_a_run(here)
        points = shared(points_of(steps), share)
        for point in points:
            here.load("before")
            assert kill(here, point).is_dead
            read_between(here, whole_files)
            here.save("killed")
            for name, change in CHANGES.items():
                here.load("killed")
                judge.check(change(here), (point, name))
        kind = "first run" if is_first else "fourth run"
        figure(
            f"failpoints, {kind}, share {share + 1}: {len(points)} kills at {len(steps)} steps, "
            f"{len(points) * len(CHANGES)} next runs, 0 mismatches"
        )


def commit_step(steps: list[Step]) -> int:
    """The step that makes the commit record's name outlast a power cut."""
    records = [at for at, step in enumerate(steps, 1) if step.path.suffix == ".json" and step.name == "replace"]
    return next(at for at in records if steps[at - 1].path.parent.name == "commit") + 1


def check_cuts(place: Place, disk: Disk, judge: Judge, what: object, *, must_count: bool) -> None:
    """Whatever of the disk is lost, and the logs too where the run counts."""
    disk.stop()
    for kind in LOTTERIES:
        place.load("before")
        disk.cut(Lottery(kind))
        assert place.has_committed or not must_count, (what, kind)
        judge.check(CHANGES["deleted"](place), (what, kind))


@TEMPLATES
@pytest.mark.parametrize("share", range(SHARES))
def test_the_power_fails_at_any_step(is_first: bool, share: int, figure: Figure) -> None:
    with place() as here:
        prepare(here, is_first)
        judge, steps = Judge(here), steps_of_a_run(here)
        points = shared(points_of(steps), share)
        for point in points:
            here.load("before")
            disk = Disk(here.out)
            kill(here, point, disk)
            is_over = point[0] > commit_step(steps) or point[1] == "after"
            check_cuts(here, disk, judge, point, must_count=is_over)
        figure(
            f"power cuts, {'first' if is_first else 'fourth'} run, share {share + 1}: {len(points)} points, "
            f"{len(points) * len(LOTTERIES)} cuts, 0 mismatches"
        )


@TEMPLATES
def test_a_killed_run_is_repeated_and_then_the_power_fails(is_first: bool, figure: Figure) -> None:
    """What the killed run did not live to sync is synced by the one that builds upon it."""
    with place() as here:
        prepare(here, is_first)
        judge, steps = Judge(here), steps_of_a_run(here)
        made = {at + 1 for at, step in enumerate(steps, 1) if step.name == "makedirs"}
        points = [p for at, p in enumerate(points_of(steps)) if FULL or p[0] in made or not at % scaled(40, 10, 1)]
        for point in points:
            here.load("before")
            disk = Disk(here.out)
            kill(here, point, disk)
            with faulty(Plan(), disk):
                here.run()
            check_cuts(here, disk, judge, point, must_count=True)
        figure(
            f"kills and then power cuts, {'first' if is_first else 'fourth'} run: {len(points)} kills, "
            f"{len(points) * len(LOTTERIES)} cuts, 0 mismatches"
        )


@pytest.mark.parametrize("share", range(SHARES))
def test_two_kills_in_a_row(share: int, figure: Figure) -> None:
    """The second anywhere in what recovers from the first, and, more rarely, anywhere in the run after that."""
    with place() as here:
        prepare(here)
        judge, steps = Judge(here), steps_of_a_run(here)
        first = next(at for at, step in enumerate(steps, 1) if step.path.parent.name == "commit")
        firsts = shared([point for point in points_of(steps) if point[0] >= first], share)
        pairs = 0
        for point in firsts:
            here.load("before")
            kill(here, point)
            grown(here)
            here.save("killed")
            pairs += sum(check_second(here, judge, (point, second)) for second in seconds(here, pairs))
        figure(f"two kills, share {share + 1}: {len(firsts)} first, {pairs} pairs, 0 mismatches")


Second = tuple[Point, bool]


def seconds(place: Place, offset: int) -> Iterator[Second]:
    """Each point of the recovery; and of the whole run that follows, all or one."""
    with faulty(Plan()) as system:
        place.recover()
    yield from ((point, False) for point in points_of(system.steps))
    if FULL:
        with faulty(Plan()) as system:
            place.run()
        yield from ((point, True) for point in points_of(system.steps))
    else:
        yield (len(system.steps) + 1 + 37 * offset % 100, "before"), True


def check_second(place: Place, judge: Judge, pair: tuple[Point, Second]) -> bool:
    point, whole = pair[1]
    place.load("killed")
    assert kill(place, point, whole=whole).is_dead, pair
    judge.check(MORE, pair)
    return True
