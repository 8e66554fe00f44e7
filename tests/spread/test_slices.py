"""A run in slices leaves what a run without them leaves, to the byte, wherever the logs are cut."""

import bz2
import gzip
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import zstandard

from aggregator import engines
from aggregator.limits import Limits, Room
from aggregator.lines import LINE_LIMIT
from aggregator.rebuild import rebuild
from aggregator.retention import Retention
from aggregator.run import aggregate
from tests.batch.runs import poll
from tests.batch.test_compiled import EVENT_LINES, RECORDED, hostile
from tests.batch.test_opened import WRAPS, wrapped
from tests.scale import FULL, scaled
from tests.test_recount import CASES
from tests.test_split import MEMORY, lines_of

from .same import CONFIG, Both, files, here, slices_of, stopped_clock, told

SAMPLES = Path(__file__).parents[2] / "sample_logs"
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".log": bytes,
    ".log.gz": gzip.compress,
    ".log.zst": zstandard.compress,
    ".log.bz2": bz2.compress,
}


def written(folder: Path, name: str, lines: list[bytes]) -> Path:
    path = folder / name
    path.write_bytes(b"".join(lines))
    return path


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [5_000, 1 << 30] if FULL else [20_000])
def test_samples(case: str, size: int, tmp_path: Path) -> None:
    log = written(tmp_path, "app.log", lines_of(case))
    assert Both(tmp_path, size=size).run([log]).events


@pytest.mark.parametrize("seed", range(scaled(3, 20, 300)))
def test_repeats_across_slices_and_within_them(seed: int) -> None:
    """Also in a second run, over the same logs as they grew, and others that repeat them."""
    rng = Random(seed)
    size = rng.randrange(200, 20_000)
    lines = rng.choices(RECORDED, k=rng.randrange(1, 300))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        both, logs = Both(Path(folder), size=size), []
        for number in range(rng.randrange(1, 4)):
            rng.shuffle(lines)
            logs.append(written(Path(folder), f"app-{number}.log", rng.sample(lines, rng.randrange(len(lines)) + 1)))
        both.run(logs)
        with logs[0].open("ab") as log:
            log.writelines(rng.choices(RECORDED, k=30))
        both.run([*logs, written(Path(folder), "again.log", [b"another first line\n", *lines])])


@pytest.mark.parametrize("seed", range(scaled(3, 20, 300)))
def test_hostile_logs(seed: int) -> None:
    rng = Random(seed)
    size = rng.randrange(200, 50_000)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        both = Both(Path(folder), size=size)
        logs = [written(Path(folder), f"{number}.log", [hostile(rng, rng.randrange(1, 120))]) for number in range(2)]
        both.run(logs)


@pytest.mark.parametrize("seed", range(scaled(3, 30, 400)))
def test_parts_of_lines_across_slices(seed: int) -> None:
    """Of two streams, from the first on that a source begins with, and over a rotation and several runs."""
    rng = Random(seed)
    wrap, share, size = rng.choice(sorted(WRAPS)), rng.choice([0.0, 0.1, 0.6]), rng.randrange(200, 20_000)
    whole = wrapped(rng.choices(RECORDED, k=200), WRAPS[wrap], rng, share)
    first, second = sorted(rng.choices(range(len(whole)), k=2))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        both, log = Both(Path(folder), size=size), Path(folder) / "app.log"
        log.write_bytes(b"".join(whole[:first]))
        both.run([log])
        with log.open("ab") as file:
            file.writelines(whole[first:second])
        log.rename(Path(folder) / "app.log.1")
        log.write_bytes(b"".join(whole[second:]))
        both.run([log])
        both.run([log])


@pytest.mark.parametrize("seed", range(scaled(3, 30, 400)))
def test_copies_packed_or_not(seed: int) -> None:
    """Of which each line counts once, and each source is told of once."""
    rng = Random(seed)
    size = rng.choice([200, 5_000, 1 << 20])
    lines = rng.choices(RECORDED, k=rng.randrange(5, 200))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        both, logs = Both(Path(folder), size=size), []
        for number in range(5):
            pack = rng.choice(sorted(PACK))
            path = Path(folder) / f"{rng.choice(['app', f'app-{number}'])}{pack}"
            part = lines[: rng.choice([len(lines), rng.randrange(len(lines)) + 1])]
            data = PACK[pack](b"".join(part))
            path.write_bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data)) + 1])])
            logs.append(path)
        both.run(logs)
        both.run(rng.sample(logs, 3))


@pytest.fixture
def by_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PAYS_FROM", 0)
    monkeypatch.setattr(engines, "pays_from", lambda: 0)


@pytest.mark.usefixtures("by_machine")
@pytest.mark.parametrize("seed", range(scaled(2, 10, 200)))
def test_by_machine_code(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    both = Both(tmp_path, size=rng.randrange(20_000, 200_000))
    lines = rng.choice([RECORDED[:1500], RECORDED[:500] * 2, [hostile(rng, 200)], rng.sample(RECORDED, 500)])
    if seed % 3 == 0:
        lines = wrapped(lines[:800], WRAPS[rng.choice(sorted(WRAPS))], rng, 0.1)
    both.run([written(tmp_path, "app.log", lines)])
    both.run([written(tmp_path, "again.log", [b"another first line\n", *lines[::2]])])


@pytest.mark.usefixtures("by_machine")
def test_lines_are_told_by_the_name_under_which_they_were_read(tmp_path: Path) -> None:
    """Also where another source goes on while they are judged."""
    lines = [b'{"logemit":1,"event":"no_end"\n', *RECORDED[:50]]
    logs = [written(tmp_path, f"{number}.log", lines[: 30 + number]) for number in range(2)]
    assert Both(tmp_path).run(logs).rejections[0].startswith(f"{logs[0]}:1: ")


def test_what_was_read_before_packed_in_two_ways(tmp_path: Path) -> None:
    """Of which one says what is known of the other."""
    both, data = Both(tmp_path), b"".join(RECORDED[:50])
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(data))
    (tmp_path / "a.log.bz2").write_bytes(bz2.compress(data))
    both.run([tmp_path / "b.log.gz"])
    assert not both.run([tmp_path / "a.log.bz2", tmp_path / "b.log.gz"]).read


def test_one_copy_after_the_other_and_rotated_ones(tmp_path: Path) -> None:
    both, lines = Both(tmp_path, size=3_000), RECORDED[:400]
    log = written(tmp_path, "app.log", lines[:100])
    both.run([log])
    log.rename(tmp_path / "app.log.2")
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"".join(lines[:150])))
    (tmp_path / "app.log.2").unlink()
    written(tmp_path, "app.log.1", lines[150:300])
    written(tmp_path, "app.log", lines[300:])
    assert both.run([log]).events
    (tmp_path / "app.log.1").unlink()
    with log.open("ab") as file:
        file.write(b"no end")
    assert both.run([log]).unfinished


@pytest.mark.parametrize("wrap", [None, *sorted(WRAPS)])
def test_lines_that_are_too_long(wrap: str | None, tmp_path: Path) -> None:
    """Which are told alike wherever a block ends."""
    long = EVENT_LINES[0].replace(b"}", b',"note":"' + b"x" * LINE_LIMIT + b'"}', 1)
    lines = [*EVENT_LINES[:50], long, b"y" * 200_000 + b"\n", *EVENT_LINES[50:80], long, *EVENT_LINES[80:99]]
    if wrap:
        lines = wrapped(lines, WRAPS[wrap], Random(1))
    assert Both(tmp_path, size=10_000).run([written(tmp_path, "app.log", lines)]).rejected == 2


def test_rejected_lines_are_kept_and_told_with_their_places(tmp_path: Path) -> None:
    both, lines = Both(tmp_path, size=2_000), RECORDED[:100]
    for place in range(3, 100, 7):
        lines[place] = b'{"logemit":1,"event":"http_request"}\n'
    logs = [written(tmp_path, f"{number}.log", [b"%d\n" % number, *lines]) for number in range(2)]
    report = both.run(logs, keeps_rejects=True)
    assert report.rejections[2] == f"{logs[0]}:19: timestamp: expected ISO 8601 with a zone, found None"
    kept = [path.read_bytes() for path in (both.local.with_suffix(".jsonl"), both.spread.with_suffix(".jsonl"))]
    assert kept[0] == kept[1]
    assert kept[0].count(b"\n") == report.rejected == 28


def test_lines_dated_ahead(tmp_path: Path) -> None:
    both = Both(tmp_path, size=300)
    moments = ["2126-11-20T12:00:00Z", *["2026-11-20T12:00:00Z"] * 4] * 8
    lines = [poll(number, moment, event=f"own_{number % 3}") for number, moment in enumerate(moments)]
    assert both.run([written(tmp_path, "app.log", lines)]).held == 8


def test_names_of_events_that_nobody_knows(tmp_path: Path) -> None:
    both = Both(tmp_path, size=5_000)
    lines = [poll(number, event=f"own_{number // 2}") for number in range(3_000)]
    assert "__other__" in both.run([written(tmp_path, "app.log", lines)]).by_event
    written(tmp_path, "app.log", [poll(number, event=f"own_{number // 2}") for number in range(3_000, 4_000)])
    both.run([tmp_path / "app.log"])


def test_names_come_in_the_order_of_what_counts(tmp_path: Path) -> None:
    """Not of what is held."""
    moments = ["2126-11-20T12:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"]
    lines = [poll(number, moment, event=f"own_{number % 2}") for number, moment in enumerate(moments)]
    report = Both(tmp_path, size=100).run([written(tmp_path, "app.log", lines)])
    assert [warning.partition(":")[0] for warning in report.warnings] == ["own_1", "own_0"]


def test_late_events_for_which_there_is_no_room(tmp_path: Path) -> None:
    limits = Limits(room=Room(max_combinations=3, max_cells=5))
    settings = replace(CONFIG, retention=Retention(late_days=1), limits=limits)
    feeds = [*range(8), *[5] * 3, 7, 7]
    lines = [poll(number, "2020-01-01T00:00:00Z", feed_id=str(feed)) for number, feed in enumerate(feeds)]
    logs = [written(tmp_path, f"{number}.log", [line]) for number, line in enumerate(lines)]
    assert Both(tmp_path, size=200, settings=settings).run(logs).late == len(feeds)


def test_lines_that_begin_bare_and_go_on_in_an_envelope(tmp_path: Path) -> None:
    """All that is new of a log is taken for what it begins with, as without slices."""
    both, log = Both(tmp_path, size=1_000), written(tmp_path, "app.log", RECORDED[:20])
    both.run([log])
    with log.open("ab") as file:
        file.writelines(
            [EVENT_LINES[-1], *RECORDED[20:60], *wrapped(RECORDED[60:150], WRAPS["docker"], Random(1), 0.5)]
        )
    assert both.run([log]).events


SMALL = scaled(40, 120, 120)


def test_many_small_files(tmp_path: Path) -> None:
    both = Both(tmp_path, size=20_000)
    logs = [written(tmp_path, f"{number}.log", RECORDED[number : number + 5]) for number in range(0, SMALL * 5, 5)]
    assert both.run(logs).sources == SMALL


def test_what_only_this_process_can_read_comes_in_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between files, of which it repeats lines."""

    class Piped:
        @property
        def buffer(self) -> io.BytesIO:
            return io.BytesIO(b"".join(RECORDED[250:450]))

    monkeypatch.setattr(sys, "stdin", Piped())
    both = Both(tmp_path, size=5_000)
    logs = [written(tmp_path, f"{number}.log", RECORDED[200 * number : 200 * number + 300]) for number in range(2)]
    report = both.run([logs[0], "-", logs[1]])
    assert (report.sources, report.read) == (3, 800)
    assert report.duplicates


def test_forged_numbers(tmp_path: Path) -> None:
    numbers = [5, 10**15, 6, 10**15, 7, 3 * 10**15, 5, 8]
    lines = [poll(number) for number in numbers]
    lines.append(poll(9 * 10**15, "2026-11-20T19:00:00Z"))  # of an hour of which nothing is remembered
    assert Both(tmp_path, size=250).run([written(tmp_path, "app.log", lines)]).duplicates


def test_numbers_used_twice(tmp_path: Path) -> None:
    moments = ["12:00:00", "12:00:01", "13:00:00", "12:00:00"]
    lines = [poll(number, f"2026-11-20T{moment}Z") for moment in moments for number in range(5)]
    report = Both(tmp_path, size=500).run([written(tmp_path, "app.log", lines)])
    assert (report.duplicates, report.conflicts) == (5, 10)


def test_all_anew(tmp_path: Path) -> None:
    """Of logs that repeat each other, by rebuild: the same as of a first run over them."""
    logs = [str(written(tmp_path, f"{number}.log", RECORDED[200 * number :][:300])) for number in range(2)]
    first, second = tmp_path / "first", tmp_path / "second"
    with stopped_clock(), slices_of(5_000):
        for out in (first, second):
            aggregate(logs[:1], out, CONFIG)
        reports = [rebuild(logs, out, CONFIG, cluster=of) for out, of in ((first, None), (second, here))]
    assert told(reports[0]) == told(reports[1])
    assert reports[1].duplicates == 100
    assert files(first) == files(second)
