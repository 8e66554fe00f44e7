"""Files of the output folder damaged at random: a next run refuses, and changes nothing, or tells the truth."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from aggregator.errors import StateError
from aggregator.report import Report
from tests.scale import FULL, scaled, sized

from .cases import GROWTH, MORE, RUNS, Place, View, all_lines, jobs, place, prepare, tree, view
from .faults import Killed, Plan, faulty

Figure = Callable[[str], None]
SHARES = 2
REFUSED, ACCEPTED = scaled(2, 13, 300), sized(1, 10)
"""How often by file and kind: what is refused is refused at once, what is not takes a whole run."""

Files = dict[str, bytes]


# Damage. None is a file that is gone.


def flip_byte(data: bytes, chance: random.Random) -> bytes:
    return _xor(data, chance, chance.randrange(1, 256))


def flip_bit(data: bytes, chance: random.Random) -> bytes:
    return _xor(data, chance, 1 << chance.randrange(8))


def _xor(data: bytes, chance: random.Random, mask: int) -> bytes:
    at = chance.randrange(len(data)) if data else 0
    return data[:at] + bytes(byte ^ mask for byte in data[at : at + 1]) + data[at + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))] if data else data


def zero(data: bytes, chance: random.Random) -> bytes:
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return data[:first] + bytes(last - first) + data[last:]


RANDOM = (flip_byte, flip_bit, cut, zero)


def damages(name: str, state: "Case", chance: random.Random) -> Iterator[tuple[str, Iterator[bytes | None]]]:
    """By kind, without end or each of few."""
    data = state.files[name]
    for kind in RANDOM:
        yield kind.__name__, (kind(data, chance) for _ in range(REFUSED))
    others = [content for other, content in sorted(state.files.items()) if other != name]
    yield "replaced", iter(chance.sample(others, scaled(2, len(others), len(others))))
    yield "of an earlier run", iter([older[name] for older in state.older if name in older])
    yield "emptied", iter([b""])
    yield "gone", iter([None])


# What is damaged.


@dataclass(slots=True)
class Case:
    """A folder saved as "before", and what must come of it."""

    place: Place
    lines: bytes
    files: Files
    older: list[Files]
    finished: Files
    """The files once what was committed is in place."""
    oracle: View
    touched: set[str]
    """The files that the next run changes."""
    later: View | None = None
    """After one more run."""


def whole(here: Place, more: bytes) -> tuple[list[Files], bytes]:
    """Four runs; the log has grown since."""
    older = []
    for lines in (*RUNS, GROWTH):
        here.append(lines)
        here.run()
        older.append(tree(here.out))
    here.append(more)
    return older[:-1], more


def unapplied(here: Place, share: float) -> tuple[list[Files], bytes]:
    """The fourth was killed when a share of its files were in their places."""
    prepare(here)
    older = [tree(here.out)]
    with faulty(Plan()) as system:
        here.run()
    steps = [(step.name, "commit" in step.path.parts[-2]) for step in system.steps]
    commit = max(at for at, step in enumerate(steps, 1) if step == ("replace", True))
    applied = [at for at, step in enumerate(steps, 1) if step == ("replace", False)]
    point = commit + 1 + round(share * (applied[-1] - commit - 1))
    here.load("before")
    with faulty(Plan(point)), pytest.raises(Killed):
        here.run()
    here.append(MORE)
    return older, MORE


LATER = jobs("p", [16], "20T11:00") + jobs("p", [17], "19T17:00") + jobs("late", [0], "18T09:30")
EVERYWHERE = MORE + jobs("old", [4], "18T09:00")
CASES: dict[str, Callable[[Place], tuple[list[Files], bytes]]] = {
    "grown everywhere": lambda here: whole(here, EVERYWHERE),
    "grown in one date": lambda here: whole(here, jobs("p", [13], "20T10:00")),
    "committed and not applied": lambda here: unapplied(here, 0),
    "committed and half applied": lambda here: unapplied(here, 0.5),
}


def case(here: Place, name: str) -> Case:
    older, more = CASES[name](here)
    here.save("before")
    files = tree(here.out)
    here.recover()
    finished = tree(here.out)
    here.run()
    after = tree(here.out)
    touched = {path for path in after if after[path] != files.get(path)}
    oracle = here.oracle(all_lines(more))
    assert view(here.out) == oracle
    here.load("before")
    return Case(here, all_lines(more), files, older, finished, oracle, touched)


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", CASES)
def test_damage_is_refused_or_makes_no_difference(name: str, share: int, figure: Figure) -> None:
    with place() as here:
        state = case(here, name)
        chance = random.Random(f"{name} {share}")
        refused = accepted = 0
        for path in sorted(state.files)[share::SHARES]:
            for kind, contents in damages(path, state, chance):
                done = list(outcomes(state, path, kind, contents))
                refused, accepted = refused + sum(done), accepted + len(done) - sum(done)
        assert refused + accepted >= scaled(100, 340, 5_000)
        figure(
            f"mutations, {name}, share {share + 1}: {refused + accepted:,} of {len(state.files)} files, "
            f"{refused:,} refused, {accepted:,} without effect, 0 silent"
        )


def outcomes(state: Case, path: str, kind: str, contents: Iterator[bytes | None]) -> Iterator[bool]:
    """Whether each was refused."""
    accepted = 0
    for content in contents:
        if content == state.files[path]:
            continue
        was_refused = is_refused(state, path, content, (path, kind, content))
        yield was_refused
        accepted += not was_refused
        if accepted >= ACCEPTED:
            return


def is_refused(state: Case, path: str, content: bytes | None, what: object) -> bool:
    here = state.place
    put(here, path, content)
    try:
        report = here.run()
    except StateError:
        check_unchanged(state, path, content, what)
        return True
    check_truth(state, path, content, report, what)
    if FULL:
        check_later(state, path, content, what)
    here.load("before")
    return False


def put(here: Place, path: str, content: bytes | None) -> None:
    if content is None:
        (here.out / path).unlink()
    else:
        (here.out / path).write_bytes(content)


def check_unchanged(state: Case, path: str, content: bytes | None, what: object) -> None:
    """But for what was committed before; puts the folder back."""
    after, before = tree(state.place.out), dict(state.files)
    del before[path]
    if content is not None:
        before[path] = content
    if after == before:
        put(state.place, path, state.files[path])
        return
    names = [name for name in {*after, *before} if not name.startswith("_logemit/staging/")]
    for name in names:
        assert after.get(name) in (before.get(name), state.finished.get(name)), (name, what)
    state.place.load("before")


def check_truth(state: Case, path: str, content: bytes | None, report: Report, what: object) -> None:
    """All but the rows of a partition that a user removed, which is told, and of one that the run did not touch."""
    here, names = state.place, damaged_names(path, content)
    assert view(here.out, names) == without(names, state.oracle), what
    if not path.startswith("jobs"):
        return
    if path not in state.touched:
        assert tree(here.out).get(path) == content, what
    elif view(here.out) != state.oracle:
        assert content is None, what
        assert any("is gone" in warning for warning in report.warnings), what


def check_later(state: Case, path: str, content: bytes | None, what: object) -> None:
    """A run that passed over the damage has not hidden it from those after it."""
    here, names = state.place, damaged_names(path, content)
    here.append(LATER)
    try:
        here.run()
    except StateError:
        return
    if state.later is None:
        state.later = here.oracle(state.lines + LATER)
    assert view(here.out, names) == without(names, state.later), what


def damaged_names(path: str, content: bytes | None) -> set[str]:
    """Bins are of no use without their cells."""
    return {path} if content is not None else {path, path.replace("jobs/", "jobs_bins/")}


def without(names: set[str], found: View) -> View:
    return View(found.families, found.accounts, {name: rows for name, rows in found.rows.items() if name not in names})
