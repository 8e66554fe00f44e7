"""Anything that happens to logs and runs, in any order, against a plain model of what must come out."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from aggregator.marks import mark
from tests.scale import FULL, scaled, sized

from .bench import LIVE, Bench
from .faults import Plan
from .logs import Logs
from .model import DAY, HOUR, MINUTE, Kept, moment_of, text_of

RETENTIONS = [Kept(), Kept(fold=1), Kept(fold=3, drop=9), Kept(late=4), Kept(drop=5), Kept(2, 6, 3)]
AGES = [0, 0, 0, MINUTE, 50 * MINUTE, 3 * HOUR, 26 * HOUR, 3 * DAY, 12 * DAY, -4 * MINUTE, -40 * MINUTE, -30 * HOUR]
STEPS = [MINUTE, 40 * MINUTE, 5 * HOUR, 25 * HOUR, 3 * DAY, 8 * DAY]
APART = [1, 7, -2, 20 * MINUTE, HOUR, -2 * HOUR]
"""How far in time two events of one number may be."""

PHASES = [Phase.generate, Phase.shrink]
ODD = {"foreign": b"Booting worker\n", "broken": b'{"logemit":1,"broken\n'}
picks = st.integers(0, 1 << 16)
changes = st.sampled_from(["write", "pack", "rename", "copytruncate", "date"])
live = st.sampled_from(LIVE)
retentions = st.sampled_from([0, 0, 1])
kills = st.none() | st.builds(Plan, st.integers(1, 120), st.sampled_from(["before", "torn", "after"]))
lines = st.tuples(
    st.sampled_from(["event"] * 8 + ["drop", "delay", "delay", "foreign", "broken", "anonymous", "forged"]),
    st.integers(0, 2),
    st.sampled_from(AGES),
)


class Machine(RuleBasedStateMachine):
    @initialize(
        form=st.sampled_from(["all", "by_name", "exotic"]),
        few_dates=st.booleans(),
        kept=st.sampled_from(RETENTIONS),
    )
    def begin(self, form: str, few_dates: bool, kept: Kept) -> None:
        is_exotic = form == "exotic"
        few = few_dates and not is_exotic
        self.bench = Bench(dates_known=4 if few else 400, is_exotic=is_exotic, by_name=form == "by_name")
        self.kept = [Kept(), kept]
        self.numbers: Counter[int] = Counter()
        self.lives: Counter[int] = Counter()
        self.written: list[bytes] = []
        self.delayed: list[bytes] = []
        self.serial = 0
        self.order_matters = False
        """What comes first among lines of one number, or is a process's first number."""
        Bench.done[form] += 1

    @property
    def logs(self) -> Logs:
        return self.bench.logs

    def unique(self) -> int:
        self.serial += 1
        return self.serial

    # Lines.

    def line(self, what: str, process: int, age: int) -> bytes:
        moment = self.logs.now - age + self.unique()
        origin: dict[str, Any] = {"proc": f"p{process}-{self.lives[process]}", "seq": self.numbers[process]}
        if what == "forged":
            origin["seq"] += 5 * 10**9
            self.order_matters = True
        elif what == "anonymous":
            origin = {}
        else:
            self.numbers[process] += 1
        return self.event({**origin, "kind": "ab"[self.serial % 2], "took": self.serial % 5 * 0.25}, moment)

    def event(self, fields: dict[str, Any], moment: int) -> bytes:
        event = {"logemit": 1, "event": "errand", "timestamp": text_of(moment), "service": "s", **fields}
        return json.dumps(event, separators=(",", ":")).encode() + b"\n"

    def append(self, name: str, given: Sequence[bytes]) -> None:
        """Every log has a first line of its own, except among exotic ones."""
        is_new = not self.logs.files[name].stream.data
        first = b"Starting\n" if self.bench.is_exotic else b"Starting %d\n" % self.unique()
        self.logs.append(name, (first if is_new else b"") + b"".join(given))

    @rule(name=live, plan=st.lists(lines, min_size=1, max_size=8))
    def write(self, name: str, plan: list[tuple[str, int, int]]) -> None:
        given = []
        for what, process, age in plan:
            if what in ODD or (self.bench.is_exotic and what in ("anonymous", "forged")):
                given.append(ODD.get(what, ODD["foreign"]))
                continue
            line = self.line(what, process, age)
            if what == "delay":
                self.delayed.append(line)
            elif what != "drop":
                given.append(line)
                self.written.append(line)
        self.append(name, given)

    @rule(name=live, process=st.integers(0, 2), part=st.integers(1, 99))
    def write_unfinished(self, name: str, process: int, part: int) -> None:
        line = self.line("event", process, 0)
        end = part * len(line) // 100
        self.append(name, [line[:end]])
        self.logs.files[name].stream.rest = line[end:]

    @precondition(lambda self: self.delayed)
    @rule(name=live, pick=picks, count=st.integers(1, 5))
    def deliver_late(self, name: str, pick: int, count: int) -> None:
        Random(pick).shuffle(self.delayed)
        given, self.delayed = self.delayed[:count], self.delayed[count:]
        self.written += given
        self.append(name, given)

    @precondition(lambda self: self.written)
    @rule(name=live, pick=picks, count=st.integers(1, 6))
    def deliver_again(self, name: str, pick: int, count: int) -> None:
        again = Random(pick).sample(self.written, min(count, len(self.written)))
        self.append(name, [line for line in again if self.bench.is_exotic or b'"proc"' in line])

    @precondition(lambda self: self.written)
    @rule(name=live, pick=picks, apart=st.sampled_from(APART))
    def use_a_number_twice(self, name: str, pick: int, apart: int) -> None:
        fields = json.loads(self.written[pick % len(self.written)])
        moment = moment_of(fields.pop("timestamp"))
        if "proc" in fields and mark(moment) != mark(moment + apart):
            line = self.event({**fields, "took": 0.75}, moment + apart)
            self.written.append(line)
            self.append(name, [line])
            self.order_matters = True

    @rule(process=st.integers(0, 2))
    def restart(self, process: int) -> None:
        self.lives[process] += 1
        self.numbers[process] = 0

    # Logs.

    @rule(name=live, how=st.sampled_from(["rename", "copytruncate", "date"]))
    def rotate(self, name: str, how: str) -> None:
        if self.bench.by_name and not self.bench.has_run:
            return
        target = f"{name}-{20261120 + self.unique()}" if how == "date" else f"{name}.1"
        if how != "date":
            self.shift(name)
        if how == "copytruncate":
            self.logs.copy(name, target)
        else:
            self.logs.rename(name, target)
        self.logs.create(name)

    def shift(self, name: str) -> None:
        for number in (4, 3, 2, 1):
            for packing in ("", ".gz", ".zst"):
                old, new = f"{name}.{number}{packing}", f"{name}.{number + 1}{packing}"
                if old in self.logs.files and number == 4:
                    self.logs.remove(old)
                elif old in self.logs.files:
                    self.logs.rename(old, new)

    def rotated(self, packing: bool = False) -> list[str]:
        names = [name for name in self.logs.names if name not in (*LIVE, "other.log")]
        return [name for name in names if packing or not self.logs.files[name].packing]

    @precondition(lambda self: self.rotated())
    @rule(pick=picks, packing=st.sampled_from([".gz", ".zst"]), is_cut_short=st.booleans(), is_kept=st.booleans())
    def pack(self, pick: int, packing: str, is_cut_short: bool, is_kept: bool) -> None:
        name = self.rotated()[pick % len(self.rotated())]
        is_torn = self.bench.is_exotic and is_cut_short and packing == ".gz"
        self.logs.pack(name, packing, is_torn)
        if not is_torn and not (self.bench.is_exotic and is_kept):
            self.logs.remove(name)

    @precondition(lambda self: any(file.is_torn for file in self.logs.files.values()))
    @rule()
    def finish_packing(self) -> None:
        for name, file in list(self.logs.files.items()):
            if file.is_torn:
                self.logs.finish(name)
                if name[:-3] in self.logs.files:
                    self.logs.remove(name[:-3])

    @precondition(lambda self: self.rotated())
    @rule(pick=picks)
    def write_to_a_rotated_log(self, pick: int) -> None:
        files = self.logs.files
        open_ones = [name for name in self.rotated() if files[name].length is None]
        if self.bench.by_name:  # one that no run has read a line of need not be found
            open_ones = [name for name in open_ones if files[name].stream in self.bench.known]
        if open_ones:
            line = self.line("event", 0, 0)
            self.written.append(line)
            self.append(open_ones[pick % len(open_ones)], [line])

    @rule(pick=picks)
    def remove(self, pick: int) -> None:
        names = [*self.rotated(packing=True), *LIVE]
        name = names[pick % len(names)]
        self.logs.remove(name)
        if name in LIVE:
            self.logs.create(name)

    @rule(name=live)
    def truncate(self, name: str) -> None:
        self.logs.create(name)

    @precondition(lambda self: self.bench.is_exotic)
    @rule(name=live, part=st.integers(0, 99))
    def cut(self, name: str, part: int) -> None:
        data = self.logs.files[name].stream.data
        end = data.rfind(b"\n", 0, part * len(data) // 100) + 1
        if end:
            self.logs.cut(name, end)

    @precondition(lambda self: self.bench.is_exotic)
    @rule(pick=picks)
    def copy(self, pick: int) -> None:
        self.logs.copy(self.logs.names[pick % len(self.logs.names)], f"copy-{self.unique()}.log")

    # Runs.

    @rule(step=st.sampled_from(STEPS))
    def wait(self, step: int) -> None:
        self.logs.now += step

    def names(self, pick: int) -> list[str]:
        names = [*LIVE, "other.log"] if self.bench.by_name else self.logs.names
        if pick % 3:
            Random(pick).shuffle(names)
        return names

    @rule(pick=picks, kept=retentions)
    def aggregate(self, pick: int, kept: int) -> None:
        as_folder = not pick % 3 and not self.bench.by_name
        self.bench.aggregate(self.names(pick), self.kept[kept], as_folder=as_folder)

    @rule(pick=picks, kept=retentions, kill=kills)
    def aggregate_and_be_killed(self, pick: int, kept: int, kill: Plan | None) -> None:
        self.bench.aggregate(self.names(pick), self.kept[kept], kill)

    @precondition(lambda self: not self.bench.few_dates and not self.order_matters)
    @rule(pick=picks, name=live, at=st.sampled_from([1, 1, 2, 3]), changes=st.lists(changes, min_size=1, max_size=3))
    def aggregate_meanwhile(self, pick: int, name: str, at: int, changes: list[str]) -> None:
        def change() -> None:
            for how in changes:
                if how == "write":
                    self.write(name, [("event", 0, 0), ("event", 1, 0)])
                elif how == "pack" and self.rotated():
                    self.pack(pick, ".gz", is_cut_short=False, is_kept=False)
                elif how != "pack":
                    self.rotate(name, how)

        self.bench.aggregate_meanwhile(lambda: self.names(pick), change, at)

    @precondition(lambda self: self.bench.commits)
    @rule(kill=kills, remove=st.booleans())
    def compact(self, kill: Plan | None, remove: bool) -> None:
        self.bench.compact(self.kept[1], kill, remove=remove and kill is None)

    @precondition(lambda self: self.bench.commits)
    @rule(pick=picks, kept=retentions, kill=kills, discard=st.booleans())
    def rebuild(self, pick: int, kept: int, kill: Plan | None, discard: bool) -> None:
        """From all there is: a rotated log that was left out would be taken in with the next one, if it is newer."""
        names = self.names(pick) + (self.rotated(packing=True) if self.bench.by_name else [])
        self.bench.rebuild(names, self.kept[kept], kill, discard=discard)

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.close()


def test_whatever_happens_to_logs_and_runs(figure: Callable[[str], None]) -> None:
    Bench.done.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=scaled(40, 120, 5000),
            stateful_step_count=sized(40, 60),
            derandomize=not FULL,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=PHASES,
        ),
    )
    done = Bench.done
    figure(
        f"machine: {done['aggregate']:,} runs, {done['compact']:,} compactions, {done['rebuild']:,} rebuilds, "
        f"{done['killed']:,} of them killed ({done['killed after the commit']:,} after their commit), 0 mismatches"
    )
