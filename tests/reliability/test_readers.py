"""Readers that are at it while runs commit."""

import json
from collections import defaultdict
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from tests.batch.runs import poll
from tests.scale import scaled

from .forks import ForkServer
from .processes import Samples, samples_of

DATES = ("2026-11-18", "2026-11-19", "2026-11-20")
SUMMARIES = ("feed_polls", "http_requests", "feed_polls_bins")
Partition: TypeAlias = tuple[str, str]  # summary and date
COLUMN = {"feed_polls": "events", "http_requests": "events", "feed_polls_bins": "duration_seconds_n"}


def grown(log: Path, run: int) -> dict[Partition, int]:
    """Lines of another run, in one date after the other and in all; what they add to each partition."""
    added: dict[Partition, int] = {}
    with log.open("ab") as file:
        for place, date in enumerate(DATES):
            count = run % 5 + 1 if place in (run % 3, (run + 1) % 3) else 0
            for number in range(count):
                stamp, seq = f"{date}T{run % 24:02}:{number:02}:00Z", run * 10 + number
                file.write(poll(seq, stamp, proc=f"polls-{date}", feed_id=str(seq % 40), duration_seconds=0.5))
                file.write(poll(seq, stamp, proc=f"requests-{date}", event="http_request", view="v", status=200))
            added |= {(summary, date): count for summary in SUMMARIES}
    return added


class Witness:
    """Everything that was seen, held against what was committed once all is over."""

    def __init__(self) -> None:
        self.committed: dict[Partition, list[int]] = defaultdict(lambda: [0])
        self.reads: dict[str, int] = defaultdict(int)
        self.distinct: set[tuple[Partition, int]] = set()
        self._last: dict[Partition, int] = defaultdict(int)

    def commit(self, added: dict[Partition, int]) -> None:
        for partition, count in added.items():
            self.committed[partition].append(self.committed[partition][-1] + count)

    def read(self, out: Path, summary: str) -> None:
        frame = pd.read_parquet(out / summary, columns=["date", COLUMN[summary]])
        numbers = frame[COLUMN[summary]] if COLUMN[summary] == "events" else frame[COLUMN[summary]].map(sum)
        found = numbers.groupby(frame["date"].astype(str)).sum()
        for date in DATES:
            partition, total = (summary, date), int(found.get(date, 0))
            assert total >= self._last[partition], f"{partition} fell from {self._last[partition]} to {total}"
            self._last[partition] = total
            self.distinct.add((partition, total))
        self.reads[summary] += 1

    def check(self) -> None:
        for partition, total in self.distinct:
            assert total in self.committed[partition], f"{partition} never held {total}"


class Scraper:
    """Of metrics.prom; each text is read whole, every tenth is parsed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: Samples = {}
        self.scrapes = self.parsed = 0

    def scrape(self) -> None:
        text = self._path.read_text()
        assert text.endswith("\n")
        assert text.splitlines()[-1].startswith("logemit_")
        assert text.count("# TYPE logemit_") == text.count("# HELP logemit_") > 20
        self.scrapes += 1
        if self.scrapes % 10 == 1:
            found = samples_of(text)
            counters = {key: value for key, value in found.items() if key[0].endswith(("_total", "_count", "_bucket"))}
            fallen = [key for key, value in self._last.items() if counters.get(key, -1) < value]
            assert not fallen
            self._last = counters
            self.parsed += 1


def runs(tmp_path: Path, server: ForkServer, witness: Witness) -> Generator[Path, None, None]:
    """Run after run in a process of its own; gives the output folder again and again, once there is one."""
    log, out = tmp_path / "app.log", tmp_path / "out"
    for run in range(1_000_000):
        witness.commit(grown(log, run))
        server.start(["aggregate", log, "--out", out, "--json"])
        while not server.answer_is_there(0 if run else 60):
            yield out
        assert server.end().report["run"] == run + 1
        yield from [out] * 20  # readers get their turn where cores are few


def test_readers_see_what_was_committed_and_nothing_else(
    tmp_path: Path, forks: ForkServer, figure: Callable[[str], None]
) -> None:
    witness, count = Witness(), scaled(250, 2500, 100_000)
    scraper = Scraper(tmp_path / "out" / "metrics.prom")
    output = runs(tmp_path, forks, witness)
    for number in range(count):
        out = next(output)
        witness.read(out, SUMMARIES[number % 3])
        if number % 5 == 0:
            scraper.scrape()
    output.close()
    witness.check()
    commits = len(witness.committed["feed_polls", DATES[0]]) - 1
    (newest,) = [json.loads(max((tmp_path / "out/_logemit/commit").glob("*.json")).read_text())["state"]["commit"]]
    assert newest >= commits - 1
    assert len(witness.distinct) > commits
    figure(
        f"readers: {sum(witness.reads.values()):,} of Parquet and {scraper.scrapes:,} of metrics.prom "
        f"({scraper.parsed} parsed) during {newest:,} commits over {len(DATES)} dates; "
        f"{len(witness.distinct):,} different contents, 0 torn, 0 fallen"
    )
