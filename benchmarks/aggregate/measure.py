"""The sections of the benchmark: each makes its logs, runs programs on them and keeps their turns."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .envelopes import ENVELOPES
from .generate import START, Wanted
from .logs import MB, Logs, Say, size
from .peers.wanted import save
from .programs import LOGEMIT, OURS, Command, Program, aggregate, one_worker
from .running import Turn, run

Turns = dict[str, list[Turn]]
LARGE_START = "2026-11-16T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; `large` is a log more to scale to, 0 for none."""

    rounds: int = 5
    lines: int = 2_000_000
    scaling: tuple[int, ...] = (10 * MB, 100 * MB, 592 * MB)
    large: int = 0
    foreign: int = 500 * MB
    packed: int = 200 * MB
    enveloped: int = 700_000
    taken_in: int = 1000 * MB
    appended: int = MB
    days: int = 30
    day_lines: int = 2000


QUICK = Sizes(1, 3000, (MB // 4, MB), 0, 2 * MB, MB, 3000, MB, MB // 20, 3, 50)


@dataclass(slots=True)
class Measured:
    """Turns by program, of each section that ran; sizes in MB."""

    main: Turns = field(default_factory=dict)
    main_size: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    """What was compared of each peer, and found equal."""
    scaling: dict[float, list[Turn]] = field(default_factory=dict)
    foreign: Turns = field(default_factory=dict)
    foreign_size: float = 0.0
    packed: Turns = field(default_factory=dict)
    packed_size: float = 0.0
    envelopes: Turns = field(default_factory=dict)
    envelopes_sizes: dict[str, float] = field(default_factory=dict)
    increment: Turns = field(default_factory=dict)
    start_up: Turns = field(default_factory=dict)


class Bench:
    def __init__(self, logs: Logs, sizes: Sizes, say: Say) -> None:
        self._logs = logs
        self._sizes = sizes
        self._say = say
        self._wanted = logs.folder / "rollups.json"
        save(self._wanted)
        self.measured = Measured()

    def main(self, programs: Sequence[Program]) -> None:
        """Every peer once beside ours, to be equal; then all in turns."""
        log = self._logs.log("main", Wanted(lines=self._sizes.lines))
        there = [program for program in programs if program.is_there]
        self.measured.main_size = size(log)
        self._check(there, log)
        turns = self.measured.main = {program.name: [] for program in there}
        for number in range(self._sizes.rounds):
            shift = number % len(there)
            for program in (*there[shift:], *there[:shift]):
                if number < program.rounds:
                    with self._out() as out:
                        turns[program.name].append(self._timed(program.name, program.command(log, out, self._wanted)))

    def _check(self, programs: Sequence[Program], log: Path) -> None:
        with self._out() as ours:
            run(aggregate([log], ours))
            for program in programs:
                if program.check is not None:
                    with self._out() as out:
                        run(program.command(log, out, self._wanted))
                        self.measured.rows[program.name] = program.check(out, ours)
                        self._say(f"{program.name}: equal")

    def scaling(self) -> None:
        for wanted in filter(None, (*self._sizes.scaling, self._sizes.large)):
            is_large = wanted == self._sizes.large
            start = LARGE_START if is_large else START
            log = self._logs.log(f"scaling-{wanted // 1000}k", Wanted(size=wanted, start=start))
            rounds = 1 if is_large else min(3, self._sizes.rounds)
            turns = [self._aggregated(f"{size(log):,.1f} MB", [log]) for _ in range(rounds)]
            self.measured.scaling[size(log)] = turns

    def foreign(self) -> None:
        log = self._logs.access_log(self._sizes.foreign)
        self.measured.foreign_size = size(log)
        for name, options in {OURS: (), "one worker": one_worker()}.items():
            if name == OURS or options:
                rounds = range(min(3, self._sizes.rounds))
                self.measured.foreign[name] = [self._aggregated("foreign only", [log], *options) for _ in rounds]

    def packed(self, unpackers: Sequence[str]) -> None:
        log = self._logs.log("plain", Wanted(size=self._sizes.packed))
        packed = self._logs.packed(log)
        self.measured.packed_size = size(log)
        turns = self.measured.packed = {"plain": [], "gz": [], **{name: [] for name in unpackers}}
        for _ in range(min(3, self._sizes.rounds)):
            turns["plain"].append(self._aggregated("plain", [log]))
            turns["gz"].append(self._aggregated("gz", [packed]))
            for name in unpackers:
                turns[name].append(self._timed(f"unpacked by {name}", unpacking(name, packed)))

    def envelopes(self) -> None:
        """The same lines bare, and as container runtimes keep them."""
        logs = {
            name: self._logs.log(f"enveloped-{name}", Wanted(lines=self._sizes.enveloped, envelope=name))
            for name in ENVELOPES
        }
        self.measured.envelopes_sizes = {name: size(log) for name, log in logs.items()}
        self.measured.envelopes = {name: [] for name in logs}
        for _ in range(self._sizes.rounds):
            for name, log in logs.items():
                self.measured.envelopes[name].append(self._aggregated(name, [log]))

    def increment(self) -> None:
        """A little more of a long log: beside its history, without it, and as all there is."""
        sizes = self._sizes
        whole = self._logs.log("taken-in", Wanted(size=sizes.taken_in + sizes.appended))
        days = self._logs.days(sizes.days, sizes.day_lines)
        with self._out() as folder, self._out() as bare, self._out() as with_history:
            folder.mkdir()
            log, alone = folder / "app.log", folder / "alone.log"
            _split(whole, sizes.appended, log, alone)
            self._say("increment: taking in what there was before")
            run(aggregate([log], bare))
            run(aggregate([*days, log], with_history))
            with log.open("ab") as file:
                file.write(alone.read_bytes())
            for _ in range(sizes.rounds):
                self._increment("alone", [alone], None)
                self._increment("appended", [log], bare)
                self._increment("with history", [*days, log], with_history)

    def _increment(self, name: str, logs: Sequence[Path], before: Path | None) -> None:
        with self._out() as out:
            if before is not None:
                shutil.copytree(before, out)
            turn = self._timed(f"increment, {name}", aggregate(logs, out))
        self.measured.increment.setdefault(name, []).append(turn)

    def start_up(self) -> None:
        log = self._logs.log("ten", Wanted(lines=10))
        turns = self.measured.start_up = {"logemit --help": [], "logemit aggregate of 10 lines": []}
        for _ in range(self._sizes.rounds):
            for name, own in turns.items():
                with self._out() as out:
                    command: Command = [LOGEMIT, "--help"] if "help" in name else aggregate([log], out)
                    own.append(self._timed(name, command))

    def _aggregated(self, name: str, logs: Sequence[Path], *options: str) -> Turn:
        with self._out() as out:
            return self._timed(name, aggregate(logs, out, *options))

    def _timed(self, name: str, command: Command) -> Turn:
        turn = run(command)
        self._say(f"{name}: {turn.wall:.2f} s, CPU {turn.cpu:.2f} s, {turn.peak / MB:,.0f} MB")
        return turn

    @contextmanager
    def _out(self) -> Iterator[Path]:
        """A path for a folder, which is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._logs.folder, prefix="out-") as folder:
            yield Path(folder) / "out"


def unpacking(name: str, packed: Path) -> Command:
    return [sys.executable, "-m", "benchmarks.aggregate.unpack", name, packed]


def _split(whole: Path, appended: int, before: Path, after: Path) -> None:
    """At the end of a line, as many bytes before the end."""
    shutil.copyfile(whole, before)
    with before.open("rb+") as file:
        file.seek(-appended, 2)
        file.readline()
        end = file.tell()
        after.write_bytes(file.read())
        file.truncate(end)
