"""The system fails a call, any call: a run says so in a line, and the next one tells what one run over all would."""

import errno
import os
from collections.abc import Callable

import pytest

from aggregator.errors import LogemitError, OutputError, ReadWriteError
from tests.scale import FULL, scaled

from .cases import MORE, Judge, Place, grown, place, prepare, tree
from .faults import Plan, Step, faulty

Figure = Callable[[str], None]
ERRORS = {
    "full": Plan(0, "error", errno.ENOSPC),
    "broken": Plan(0, "error", errno.EIO),
    "forbidden": Plan(0, "error", errno.EACCES),
    "read only from then on": Plan(0, "error", errno.EROFS, lasting=True),
}
WAYS = [(name, is_first) for name in ERRORS for is_first in (False, True) if FULL or not is_first or name == "full"]


def steps_of_a_run(place: Place, plan: Plan) -> list[Step]:
    place.load("before")
    with faulty(plan) as system:
        place.run()
    return system.steps


def failed_at(place: Place, plan: Plan) -> tuple[LogemitError | None, list[Step]]:
    place.load("before")
    with faulty(plan) as system:
        try:
            place.run()
        except LogemitError as exc:
            return exc, system.steps
    return None, system.steps


def check_told(place: Place, plan: Plan, error: LogemitError | None, steps: list[Step]) -> None:
    """What is thrown away may stay, and so may, unsynced, a folder above the output that others made."""
    place_of_error = steps[plan.at - 1]
    if error is None:
        assert place_of_error.in_removal or place_of_error.path == place.folder, place_of_error
        return
    message = str(error)
    assert type(error) in (OutputError, ReadWriteError), place_of_error
    assert error.exit_code
    assert "\n" not in message
    assert message.startswith(str(place.folder)), message
    assert os.strerror(plan.code) in message


@pytest.mark.parametrize(("name", "is_first"), WAYS)
def test_a_system_error_at_any_call(name: str, is_first: bool, figure: Figure) -> None:
    with place() as here:
        prepare(here, is_first)
        judge, failed, told = Judge(here), ERRORS[name], 0
        total = len(steps_of_a_run(here, Plan()))
        stride = scaled(19, 3, 1) if is_first or failed.lasting else scaled(7, 1, 1)
        calls = range(1, total + 1, stride)
        for at in calls:
            plan = Plan(at, failed.mode, failed.code, failed.lasting)
            error, steps = failed_at(here, plan)
            check_told(here, plan, error, steps)
            told += error is not None
            grown(here)
            judge.check(MORE, (plan, steps[at - 1]))
        kind = "first" if is_first else "fourth"
        figure(f"system errors, {name}, {kind} run: at {len(calls)} of {total} calls, {told} told, 0 mismatches")


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "fourth"])
def test_a_write_that_takes_a_part_is_continued(is_first: bool, figure: Figure) -> None:
    with place() as here:
        prepare(here, is_first)
        steps = steps_of_a_run(here, Plan())
        expected = tree(here.out)
        writes = [at for at, step in enumerate(steps, 1) if step.name == "write"]
        alone = writes[:: scaled(3, 1, 1)]
        for at in alone:
            again = steps_of_a_run(here, Plan(at, "short"))
            assert len(again) > len(steps) or "write" not in {step.name for step in again[at:]}, steps[at - 1]
            assert tree(here.out) == expected, steps[at - 1]
        many = steps_of_a_run(here, Plan(0, "short", lasting=True))
        assert tree(here.out) == expected
        more = len(many) - len(steps)
        figure(
            f"short writes, {'first' if is_first else 'fourth'} run: {len(alone)} single, "
            f"and {len(writes)} at once ({more} calls more), 0 mismatches"
        )
