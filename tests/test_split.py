"""However a log arrives, in pieces, again, out of order, the outputs are those of one run over it."""

import gzip
import json
import tempfile
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import config
from aggregator.report import Report
from aggregator.run import aggregate
from tests.scale import scaled
from tests.test_recount import CASES, GENERATED, OWN, SAMPLES, exact, generated, log_of

LINES = 300
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
CONFIG = config.load(None)


class Outputs(NamedTuple):
    families: str
    rows: dict[str, list[tuple[Any, ...]]]


@cache
def lines_of(case: str) -> list[bytes]:
    """The first lines of a sample log, with their newlines; without tmp_path, which Hypothesis cannot have."""
    if case == GENERATED:
        data = generated(seed=11, lines=LINES)
    else:
        path = log_of(case, SAMPLES)
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [line + b"\n" for line in data.split(b"\n")[:-1]][:LINES]


def take_in(out: Path, *logs: Path) -> Report:
    return aggregate([str(log) for log in logs], out, CONFIG)


def outputs(out: Path) -> Outputs:
    """What readers see, the figures about the runs themselves apart."""
    lines = (out / "metrics.prom").read_text().split("\n")
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for path in sorted(out.rglob("*.parquet")):
        if "_logemit" not in path.relative_to(out).parts:
            table = pq.ParquetFile(path).read(use_threads=False)
            shown = (tuple((name, exact(value)) for name, value in row.items()) for row in table.to_pylist())
            rows[str(path.relative_to(out))] = sorted(shown, key=repr)
    return Outputs("\n".join(line for line in lines if not OWN.match(line)), rows)


@cache
def at_once(case: str) -> Outputs:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        log, out = Path(folder) / "all.log", Path(folder) / "out"
        log.write_bytes(b"".join(lines_of(case)))
        take_in(out, log)
        return outputs(out)


def parts(lines: list[bytes], cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted(cuts), len(lines)]
    return [b"".join(lines[start:end]) for start, end in pairwise(places)]


CUTS = st.sets(st.integers(1, LINES - 1), min_size=1, max_size=3)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=scaled(2, 8, 40), deadline=None)
@given(cuts=CUTS, in_one_file=st.booleans())
def test_split_at_any_line(case: str, cuts: set[int], in_one_file: bool) -> None:
    lines = lines_of(case)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        out = Path(folder) / "out"
        for number, part in enumerate(parts(lines, {cut % len(lines) for cut in cuts})):
            log = Path(folder) / ("app.log" if in_one_file else f"app-{number}.log")
            with log.open("ab") as file:
                file.write(part)
            take_in(out, log)
        assert outputs(out) == at_once(case)


@settings(max_examples=scaled(5, 12, 100), deadline=None)
@given(cut=st.integers(1, 10**6), case=st.sampled_from(CASES))
def test_file_seen_while_a_line_is_being_written(case: str, cut: int) -> None:
    data = b"".join(lines_of(case))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        log, out = Path(folder) / "app.log", Path(folder) / "out"
        for end in (cut % len(data), len(data)):
            log.write_bytes(data[:end])
            take_in(out, log)
        assert outputs(out) == at_once(case)


@pytest.mark.parametrize("case", CASES[:: scaled(2, 1, 1)])
def test_in_any_order(case: str, tmp_path: Path) -> None:
    lines = lines_of(case).copy()
    Random(5).shuffle(lines)
    for number, part in enumerate(parts(lines, [len(lines) // 2])):
        log = tmp_path / f"{number}.log"
        log.write_bytes(part)
        take_in(tmp_path / "out", log)
    assert outputs(tmp_path / "out") == at_once(case)


@pytest.mark.parametrize("case", CASES[scaled(1, 0, 0) :: scaled(2, 1, 1)])
def test_same_file_again(case: str, tmp_path: Path) -> None:
    """Again, as a copy, compressed, and all three at once: nothing is added."""
    log, copy, packed, out = tmp_path / "app.log", tmp_path / "copy.log", tmp_path / "old.log.gz", tmp_path / "out"
    data = b"".join(lines_of(case))
    log.write_bytes(data)
    copy.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    took = take_in(out, log).events
    for logs in ([log], [copy], [packed], [packed, copy, log]):
        assert take_in(out, *logs).events == 0
        assert outputs(out) == at_once(case)
    assert took == sum(b'{"logemit":' in line for line in lines_of(case))


@pytest.mark.parametrize("case", CASES[:: scaled(2, 1, 1)])
def test_same_events_in_another_file(case: str, tmp_path: Path) -> None:
    """Behind another first line a log is a source of its own; its events are known all the same."""
    log, again, out = tmp_path / "app.log", tmp_path / "again.log", tmp_path / "out"
    log.write_bytes(b"".join(lines_of(case)))
    again.write_bytes(b"taken by another collector\n" * 60 + log.read_bytes())
    took, report = take_in(out, log), take_in(out, again)
    assert (report.events, report.duplicates) == (0, took.events)
    assert outputs(out) == at_once(case)


def test_numbers_are_of_their_process(tmp_path: Path) -> None:
    """Two processes may use the same numbers at the same moment."""
    event = {"logemit": 1, "event": "feed_poll", "timestamp": "2026-11-20T12:00:00.000000Z", "service": "app", "seq": 0}
    log = tmp_path / "app.log"
    log.write_text("".join(json.dumps({**event, "proc": proc, "feed_id": "1"}) + "\n" for proc in "ab"))
    assert take_in(tmp_path / "out", log).events == 2
