"""Parts of lines are joined wherever they were cut apart: between blocks, between runs, by a rotation."""

import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator import rotation
from aggregator.lines import LINE_LIMIT
from aggregator.report import Report
from aggregator.run import aggregate
from tests.scale import scaled

from .runs import CONFIG, DAY, NOON, poll
from .scene import Scene
from .test_opened import WRAPS, Wrap, parts

OWN, ALL = ("app.log",), ("app.log*",)


class Container(Scene):
    """Its logs are written by a container runtime, a line of the envelope at a time."""

    def __init__(self, folder: Path, wrap: Wrap, rng: random.Random) -> None:
        super().__init__(folder)
        self._wrap, self._rng = wrap, rng
        self.to_come: list[bytes] = []
        self.steps = 0
        self._time = 1_790_000_000

    def step(self, count: int, name: str = "app.log") -> None:
        """Write so many lines of the envelope, each of which may be part of a line."""
        while len(self.to_come) < count:
            for line in self.lines(1).splitlines():
                self.to_come += [self._wrap(text, "stdout", ends) for text, ends in parts(line, self._rng, 0.4)]
        with (self.logs / name).open("ab") as file:
            for line in self.to_come[:count]:
                self.steps += 1  # no two lines were written at one time
                file.write(line.replace(b"15.095531123", b"15.%09d" % self.steps, 1))
        del self.to_come[:count]
        self.touch(name)

    def touch(self, name: str) -> None:
        self._time += 1
        self.age(name, self._time)

    def rotate(self, number: int, *, by_copy: bool) -> None:
        if not (self.logs / "app.log").exists():
            return
        rotated = f"app.log.20261120-{number:06d}"
        if by_copy:
            self.copy("app.log", rotated)
            self.touch(rotated)
            self.truncate("app.log")
            self.touch("app.log")
        else:
            self.move("app.log", rotated)


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("named", [OWN, ALL], ids=["own name", "glob"])
@settings(deadline=None, max_examples=scaled(5, 12, 12), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from(["write 1", "write 2", "write 7", "rename", "truncate", "run", "run"]), max_size=12),
)
def test_every_line_counts_once_wherever_it_was_cut(
    wrap: Wrap, named: tuple[str, ...], seed: int, steps: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scene = Container(Path(folder), wrap, random.Random(seed))
        scene.step(9)
        scene.run(*named)
        for number, step in enumerate(steps):
            if step == "run":
                if named == ALL or (scene.logs / "app.log").exists():
                    scene.run(*named)
            elif step in ("rename", "truncate"):
                scene.rotate(number, by_copy=step == "truncate")
            else:
                scene.step(int(step.split()[1]))
        scene.step(len(scene.to_come))
        scene.run(*ALL)
        scene.check()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = [NOON]
    monkeypatch.setattr("aggregator.run.time.time_ns", lambda: clock[0])
    return clock


def cri(text: bytes, tag: str = "F", stream: str = "stdout") -> bytes:
    return f"2026-11-20T11:59:59.5Z {stream} {tag} ".encode() + text.removesuffix(b"\n") + b"\n"


def run(log: Path, out: Path) -> Report:
    return aggregate([str(log)], out, CONFIG)


def counts(report: Report) -> dict[str, int]:
    names = ("read", "events", "foreign", "rejected")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_an_empty_last_part_closes_a_line(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_bytes(cri(poll(0), "P") + cri(b"") + cri(poll(1)))
    assert counts(run(log, tmp_path / "out")) == {"read": 2, "events": 2}


def test_streams_are_joined_apart(tmp_path: Path) -> None:
    log, line, other = tmp_path / "0.log", poll(0), poll(1)
    pieces = [(line[:40], "P", "stdout"), (other[:50], "P", "stderr"), (line[40:], "F", "stdout")]
    log.write_bytes(b"".join(cri(*piece) for piece in pieces) + cri(other[50:], "F", "stderr"))
    assert counts(run(log, tmp_path / "out")) == {"read": 2, "events": 2}


def test_a_part_may_be_the_last_record_of_all(tmp_path: Path, now: list[int]) -> None:
    """It waits for a day, then it is what it is: here a whole event of which only the end of the line is missing."""
    log, out = tmp_path / "0.log", tmp_path / "out"
    log.write_bytes(cri(b"boot") + cri(poll(0), "P"))
    assert counts(run(log, out)) == {"read": 1, "foreign": 1}
    now[0] += DAY // 2
    assert counts(run(log, out)) == {}
    now[0] += DAY
    assert counts(run(log, out)) == {"read": 1, "events": 1}
    assert counts(run(log, out)) == {}


def test_what_waits_is_given_up_once_its_log_is_gone(tmp_path: Path, now: list[int]) -> None:
    log, out = tmp_path / "0.log", tmp_path / "out"
    log.write_bytes(cri(b"boot") + cri(poll(0)[:60], "P"))
    (tmp_path / "other.log").write_bytes(poll(1))
    run(log, out)
    log.unlink()
    assert counts(run(tmp_path / "other.log", out)) == {"read": 1, "events": 1}
    assert counts(run(tmp_path / "other.log", out)) == {"read": 1, "rejected": 1}
    assert counts(run(tmp_path / "other.log", out)) == {}


def test_the_first_text_of_a_log_is_no_rest_of_one_that_was_not_cut(tmp_path: Path) -> None:
    log, out = tmp_path / "0.log", tmp_path / "out"
    log.write_bytes(cri(b"boot") + cri(poll(0)))
    os.utime(log, (1_790_000_000, 1_790_000_000))
    run(log, out)
    log.rename(tmp_path / "0.log.20261120-115959")
    log.write_bytes(cri(b"a line of its own") + cri(poll(1)))
    assert counts(run(log, out)) == {"read": 2, "events": 1, "foreign": 1}


@pytest.mark.parametrize("stops", [False, True])
def test_parts_without_end_are_bounded(tmp_path: Path, stops: bool) -> None:
    """A line that never ends is counted once; no more of it is held than tells that it is too long."""
    log, out = tmp_path / "0.log", tmp_path / "out"
    log.write_bytes(
        cri(b"boot")
        + cri(b'{"logemit":1,"x":"', "P")
        + cri(b"y" * 8000, "P") * 400
        + cri(poll(0), "F" if stops else "P")
    )
    report = run(log, out)
    assert counts(report) == ({"read": 2, "foreign": 1, "rejected": 1} if stops else {"read": 1, "foreign": 1})
    held = json.loads(sorted((out / "_logemit/commit").glob("*.json"))[-1].read_bytes())["state"]["checkpoints"]
    assert [len(part) for each in held for part in each["partials"].values()] == ([] if stops else [LINE_LIMIT + 1])


def test_a_log_of_very_many_streams_is_bounded(tmp_path: Path) -> None:
    """Docker's lines name theirs, and hostile ones any."""
    log, out = tmp_path / "0.log", tmp_path / "out"
    lines = [json.dumps({"log": "x", "stream": f"s{number}", "time": "2026"}) for number in range(200)]
    begin = json.dumps({"log": "x\n", "stream": "stdout", "time": "2026"})
    log.write_text("\n".join([begin, *lines]) + "\n")
    assert counts(run(log, out)) == {"read": 201, "foreign": 201}


def test_very_many_new_logs_are_not_compared_each_with_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    bases = rotation.bases
    monkeypatch.setattr(rotation, "bases", lambda path: asked.append(path) or bases(path))  # type: ignore[func-returns-value]
    for number in range(100):
        (tmp_path / f"pod-{number}-web.log").write_bytes(cri(b"boot %d" % number))
    assert counts(run(tmp_path, tmp_path / "out")) == {"read": 100, "foreign": 100}
    assert len(asked) < 10 * 100
