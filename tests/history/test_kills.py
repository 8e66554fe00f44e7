"""A backfill killed at any step of what it writes, and the next one: every sample is there, in one file, and once."""

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

from aggregator.run import aggregate
from tests.history.logs import CONFIG, event, export, samples
from tests.reliability.faults import Disk, Killed, Lottery, Plan, Step, faulty
from tests.scale import FULL


def prepared(folder: Path) -> None:
    lines = [
        event("feed_poll", f"2026-11-{day}T12:00:30Z", day, feed_id="1", status="success", duration_seconds=0.5)
        for day in (19, 20)
    ]
    (folder / "app.log").write_bytes(b"".join(lines) + event("the_end", "2026-11-20T15:00:00Z", 0))
    aggregate([str(folder / "app.log")], folder / "before/out", CONFIG)
    (folder / "before/files").mkdir()


def run(place: Path) -> None:
    export(place / "out", place / "files", step=3600, metrics=("feed_polls_total",))


def told(place: Path) -> Counter[object]:
    """How often each sample stands in a file that has its name."""
    return Counter(each for path in (place / "files").glob("*.om") for each in samples(path.read_text()))


def fresh(folder: Path) -> Path:
    place = folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "before", place)
    return place


def chosen(steps: list[Step]) -> list[tuple[int, Step]]:
    """All that touch the files and the record of the commit; of what is staged and put in place some."""
    numbered = list(enumerate(steps, 1))
    near = {".om", ".tmp", ".json", ".copy"}
    if FULL:
        return numbered
    return [(at, step) for at, step in numbered if at % 9 == 0 or (step.path.suffix in near and step.name != "close")]


def test_a_backfill_killed_at_any_step_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    prepared(tmp_path)
    place = fresh(tmp_path)
    with faulty(Plan()) as system:
        run(place)
    wanted = told(place)
    assert set(wanted.values()) == {1}
    steps = system.steps
    for at, step in chosen(steps):
        for mode in ("before", "torn") if step.name == "write" else ("before",):
            place = fresh(tmp_path)
            with faulty(Plan(at, mode)), suppress(Killed):
                run(place)
            for path in (place / "files").glob("*.om"):
                assert path.read_text().endswith("# EOF\n"), (at, mode)
            run(place)
            assert told(place) == wanted, (at, mode, step)
            assert not list((place / "files").glob(".*")), (at, mode)
            run(place)
            assert told(place) == wanted, (at, mode, step)


def test_the_power_fails_after_a_kill(tmp_path: Path) -> None:
    """What was committed as exported is on the disk."""
    prepared(tmp_path)
    place = fresh(tmp_path)
    with faulty(Plan()) as system:
        run(place)
    wanted = told(place)
    for at, step in chosen(system.steps):
        for kind in ("nothing", "names") if FULL else ("nothing",):
            place = fresh(tmp_path)
            disk = Disk(place)
            with faulty(Plan(at), disk), suppress(Killed):
                run(place)
            disk.stop()
            disk.cut(Lottery(kind))
            (place / "files").mkdir(exist_ok=True)
            run(place)
            assert told(place) == wanted, (at, kind, step)
