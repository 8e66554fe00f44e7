"""SIGKILL at random instants of real runs, over a log that grows and is rotated; the next run just runs.

python -m tests.reliability.kills --times 10000 --seed 7
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from .forks import Ended, ForkServer, Kill, fork_server
from .processes import Outcome, outcome
from .writer import DIMENSIONS, Cell, Log, recounted

FOLDER_FOR = 400
"""Kills of one output folder: over all of its lines it is held against a run that is not disturbed."""

PHASES = ("reading", "staging", "applying")
"""What a run is at. A campaign goes on, up to so many times as long, until it has killed one at each."""
LONGER = 4

CHECK_EVERY = 20


def cells_of(found: Outcome) -> dict[Cell, tuple[int, int]]:
    cells = {}
    for path, rows in found.rows.items():
        summary = path.split("/")[0]
        for row in rows if summary in DIMENSIONS else ():
            first, second = (row[name] for name in DIMENSIONS[summary])
            cell = (summary, row["window_start"], first, second)
            assert cell not in cells
            cells[cell] = row["events"], round(row["duration_seconds_sum"] * 1e6)
    return cells


def _differences(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> list[str]:
    keys = sorted(found.keys() | wanted.keys(), key=str)
    return [f"{key}: {found.get(key)}, not {wanted.get(key)}" for key in keys if found.get(key) != wanted.get(key)]


@dataclass(slots=True)
class Figures:
    kills: Counter[str] = field(default_factory=Counter)
    """By what the run was at."""
    ended: int = 0
    """Runs that were through before they were to be killed."""
    checks: int = 0
    events: int = 0
    mismatches: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Of runs that were left alone, and of them what came after the commit point."""
    after_commit: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        kills = self.kills
        before = kills["reading"] + kills["staging"]
        return (
            f"{kills.total()} SIGKILLs, {before} before the commit point ({kills['reading']} reading, "
            f"{kills['staging']} staging), {kills['applying']} while the commit was applied, {kills['finishing']} "
            f"while that of a killed run was finished, {kills['applied']} after; {self.ended} runs ended before; "
            f"a run took {_median(self.seconds)}, {_median(self.after_commit)} of it after the commit point; "
            f"{self.checks} checks over {self.events:,} events, {len(self.mismatches)} mismatches"
        )


def _median(seconds: list[float]) -> str:
    return f"{1000 * median(seconds or [0.0]):.0f} ms"


class Campaign:
    """Kills over one output folder."""

    def __init__(
        self, folder: Path, server: ForkServer, chance: random.Random, figures: Figures, *, named: bool
    ) -> None:
        self._folder, self._out, self._server = folder, folder / "out", server
        self._chance, self._figures = chance, figures
        self._log = Log(folder, chance)
        self._source = self._log.path if named else self._log.path.parent
        self._seconds = self._after_commit = 0.0

    def run(self, kills: int) -> None:
        done = 0
        self.check()
        while done < kills or (self._missed and done < LONGER * kills):
            self._log.write(self._chance.randrange(5, 60))
            if self._chance.random() < 0.1:
                self._log.rotate()
            if self.kill():
                done += 1
                if done % CHECK_EVERY == 0:
                    self.check()
        self.check()

    @property
    def _missed(self) -> bool:
        return not all(self._figures.kills[phase] for phase in PHASES)

    def kill(self) -> bool:
        """Start a run that is to be killed; whether it was."""
        number, applied = self._committed()
        staging, commit = marks = self._marks(number + 1)
        spans = [("", 1.1 * self._seconds), (str(staging), 0.5 * self._seconds), (str(commit), self._after_commit)]
        if not applied:
            spans[0] = "", 2 * self._after_commit  # it begins with what the last one was killed at
        rare = [1 / (1 + self._figures.kills[phase]) for phase in PHASES]
        after, span = self._chance.choices(spans, rare)[0]
        kill = Kill(self._chance.random() * span, after)
        self._server.start(self._arguments(self._out, self._source), kill, watched=marks)
        ended = self._write_meanwhile()
        if ended.code >= 0:
            _ = ended.report
            self._figures.ended += 1
            return False
        self._figures.kills[self._phase(number, applied=applied)] += 1
        return True

    def check(self) -> None:
        """Let a run through, and hold it against one over all lines and against a plain count."""
        self._log.write_out()
        now, once = time.time_ns(), self._folder / "once"
        self._let_through(now)
        _ = self._server.run(self._arguments(once, self._log.ledger), now=now).report
        found, wanted = outcome(self._out), outcome(once)
        shutil.rmtree(once)
        self._figures.checks += 1
        self._figures.events += len(self._log.events)
        pairs: list[tuple[Mapping[Any, Any], Mapping[Any, Any]]] = [
            (cells_of(found), recounted(self._log, now)),
            (found.samples, wanted.samples),
            (found.rows, wanted.rows),
        ]
        if different := [text[:300] for pair in pairs for text in _differences(*pair)]:
            self._figures.mismatches.append("\n ".join([f"{self._folder}: {self._figures}", *different[:10]]))
        self._log.drop_old()

    def _let_through(self, now: int) -> None:
        """Also measures how long a run takes, and what of it comes after the commit point."""
        marks = self._marks(self._committed()[0] + 1)
        self._server.start(self._arguments(self._out, self._source), now=now, watched=marks)
        ended = self._server.end()
        _ = ended.report
        self._seconds = ended.seconds
        self._after_commit = ended.seconds - ended.seen_at.get(str(marks[1]), ended.seconds)
        self._figures.seconds.append(ended.seconds)
        self._figures.after_commit.append(self._after_commit)

    def _marks(self, number: int) -> tuple[Path, Path]:
        """What is there once a run stages, and once it has committed."""
        state = self._out / "_logemit"
        return state / f"staging/{number}", state / f"commit/{number:010d}.json"

    def _arguments(self, out: Path, source: Path) -> list[object]:
        return ["aggregate", source, "--out", out, "--json"]

    def _write_meanwhile(self) -> Ended:
        while not self._server.answer_is_there(0.02):
            self._log.write(self._chance.randrange(4))
        return self._server.end()

    def _committed(self) -> tuple[int, bool]:
        """The last commit, and whether it is applied."""
        commits = self._out / "_logemit" / "commit"
        number = max((int(path.stem) for path in commits.glob("*.json")), default=0)
        return number, (commits / f"{number:010d}.applied").exists()

    def _phase(self, before: int, *, applied: bool) -> str:
        number, is_applied = self._committed()
        if number > before:
            return "applied" if is_applied else "applying"
        if not applied and not is_applied:
            return "finishing"
        return "staging" if self._marks(before + 1)[0].exists() else "reading"


def campaign(folder: Path, server: ForkServer, kills: int, seed: int, *, named: bool, shown: bool = False) -> Figures:
    """A run is given the log by its name, or the folder that it is in. `folder` keeps what a mismatch was found in."""
    figures, began = Figures(), time.monotonic()
    chance = random.Random(seed)
    for start in range(0, kills, FOLDER_FOR):
        part = folder / f"{start:06d}"
        part.mkdir()
        one = Campaign(part, server, chance, figures, named=named)
        one.run(min(FOLDER_FOR, kills - start))
        if not figures.mismatches:
            shutil.rmtree(part)
        if shown:
            print(f"{time.monotonic() - began:6.0f} s: {figures}", flush=True, file=sys.stderr)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    for named in (False, True):
        part = folder / ("named" if named else "folder")
        part.mkdir()
        with fork_server() as server:
            figures = campaign(part, server, options.times // 2, options.seed, named=named, shown=True)
        print(f"kills, the log given by its {'name' if named else 'folder'}: {figures}")
        if figures.mismatches:
            sys.exit("\n".join(figures.mismatches))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
