"""The compiled way and the reference decoder agree on any input whatever."""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aggregator import config, cube
from aggregator.compiled.engine import Engine
from aggregator.compiled.judge import judged
from aggregator.cube import Cube
from aggregator.definitions import Summary
from aggregator.envelopes.envelope import MARKER, WORD
from aggregator.fields import MAX_TEXT
from aggregator.held import Held
from aggregator.intake import Intake
from aggregator.joins import finished
from aggregator.lines import PADDING, Block, Lines
from aggregator.partials import Partials
from aggregator.processes import Processes
from aggregator.records import unwrap
from aggregator.report import Report
from aggregator.seen import Seen
from aggregator.streams import Stream
from logemit.vocabulary import BY_NAME, EVENTS, Field
from tests.scale import scaled

SAMPLES = Path(__file__).parents[2] / "sample_logs"
HOUR = 3_600_000_000


def recorded() -> list[bytes]:
    paths = sorted(SAMPLES.glob("*/stdout.log"))
    return [line for path in paths for line in path.read_bytes().splitlines(keepends=True)]


RECORDED = recorded()
EVENT_LINES = [line for line in RECORDED if line.startswith(MARKER)]
"""Of all events that there are in the samples."""
NEWEST = max(datetime.fromisoformat(json.loads(line)["timestamp"]) for line in EVENT_LINES)
NOW = round(NEWEST.timestamp()) * 10**6 + HOUR
"""After the samples, in microseconds since 1970."""

LATE_BEFORE = 1_795_183_200_000_000
"""2026-11-20T14:00:00Z."""

CONFIG = replace(config.load(None), exemplars_from=0.001)


def new_intake() -> Intake:
    processes = Processes([], lambda proc: [], NOW)
    intake = Intake(CONFIG, Seen(lambda hour: [], processes, "2026-11-19"), Held([], NOW), Report(), set())
    intake.late_before = LATE_BEFORE
    return intake


def blocks(data: bytes, size: int) -> Iterator[Block]:
    lines = Lines()
    for start in range(0, len(data), size):
        yield from lines.take(data[start : start + size])
        yield from lines.flush()


def by_reference(data: bytes, size: int = 1 << 20) -> Intake:
    intake = new_intake()
    stream = Stream("log")
    for block in blocks(data, size):
        stream.learn(block)
        intake.take(unwrap(block, stream), "log")
    intake.take(finished(stream), "log")
    return intake


def by_machine(data: bytes, size: int = 1 << 20, workers: int = 1) -> Intake:
    intake = new_intake()
    engine = Engine(
        CONFIG.catalogue,
        CONFIG.window_seconds,
        workers,
        lambda scanned: judged(intake, scanned),
        lambda part, is_late: intake.add(part, is_late=is_late),
        intake.exemplars,
    )
    stream = Stream("log")
    try:
        for block in blocks(data, size):
            stream.learn(block)
            if block.too_long:
                engine.settle()
                intake.take(unwrap(block, stream), "log")
            else:
                engine.take(block, stream)
        engine.finish()
    finally:
        engine.close()
    intake.take(finished(stream), "log")
    return intake


def rows(cube: Cube) -> tuple[list[Any], list[Any]]:
    return cube.cells.to_pylist(), cube.bins.to_pylist()


def whole(partials: Partials, summary: Summary, partition: str) -> Cube:
    parts = partials.take(summary, partition)
    return cube.merge([*(part.read() for part in parts), cube.empty(summary, windowed=bool(partition))])


def found(intake: Intake) -> dict[str, Any]:
    """All that a run keeps of what it took in."""
    cubes: dict[str, Any] = {}
    for summary in CONFIG.catalogue.summaries:
        for kind, partials in (("in time", intake.in_time), ("late", intake.late)):
            parts = {name: rows(whole(partials, summary, name)) for name in sorted(partials.partitions(summary))}
            cubes[f"{summary.name} {kind}"] = parts
    seen = dict(intake.seen.rows())
    account = {"duplicates": intake.seen.duplicates, "conflicts": intake.seen.conflicts}
    account |= {"unchecked": intake.seen.unchecked, "recovered": intake.seen.recovered, "newest": intake.newest}
    events = {"events": dict(intake.by_event), "rejected": dict(intake.rejected), "warnings": sorted(intake.warnings)}
    return {
        **cubes,
        **{f"seen {hour}": rows for hour, rows in seen.items()},
        "processes": intake.seen._processes.rows(),
        "held": intake.held.lines,
        "exemplars": intake.exemplars.newest,
        **asdict(intake.report),
        **account,
        **events,
    }


def agree(data: bytes, size: int = 1 << 20, workers: int = 1) -> dict[str, Any]:
    wanted, was = found(by_reference(data, size)), found(by_machine(data, size, workers))
    for name in {**wanted, **was}:
        assert was.get(name) == wanted.get(name), name
    return wanted


WAYS = [(1 << 20, 1), (100_003, 2), (9_973, 3), (1 << 20, 3), (100_003, 1)][: scaled(2, 5, 5)]


@pytest.mark.parametrize(("size", "workers"), WAYS)
def test_the_samples_are_read_alike_whatever_the_blocks_and_the_workers(workers: int, size: int) -> None:
    was = agree(b"".join(RECORDED), size, workers)
    assert was["events"]["http_request"] > 1000
    assert was["exemplars"]


def test_what_the_emitter_writes_is_read_by_the_machine() -> None:
    """Nothing of the samples is left to the reference decoder, else it would be slow, and all of this for nothing."""
    intake = new_intake()
    odd: list[bytes] = []

    def judge(scanned: Any) -> Any:
        odd.extend(scanned.block.data[begin:end] for begin, end, _ in scanned.odd.tolist())
        return judged(intake, scanned)

    engine = Engine(CONFIG.catalogue, 60, 1, judge, lambda part, is_late: intake.add(part, is_late=is_late))
    for block in blocks(b"".join(RECORDED), 1 << 20):
        engine.take(block, Stream("log"))
    engine.finish()
    engine.close()
    assert odd == []


# Any JSON in the place of any value, and any bytes in the place of any others.

NUMBERS = [
    *(0, 1, -1, 2**31, 2**40, 2**40 + 1, 2**50, 2**53 + 1, 2**62, 2**63, 2**64, 10**15, 10**16, 10**30, 1e300, -0.0),
    *(0.1, 0.000001, 1e-7, 0.1234565, 2.5e-6, 1e9, 999999999.999999, 1125899906.842624, 1125899906.842625, 1e15, 1.5),
]
TOKENS = [
    *("01", "1.", ".5", "1e3", "1E-3", "-1", "-0", "+1", "0x1", "NaN", "Infinity", "-Infinity", "1e999", "00", "1.0"),
    *("true", "false", "null", "tru", "nul", "", " 1", "1 ", "[]", "{}", "[1]", '{"a":1}', "0.0000000000000001"),
    *("123456789012345", "1234567890123456", "0.123456789012345", "12345678.12345678", "5.000", "1000000.000"),
    *('""', '"a"', '"\\u0041"', '"\\n"', '"é"', '"日本"', '"😀"', '"\x7f"', '"\x01"', '"\\ud800"', '"a\\"b"', '"\\\\"'),
    *('"0.00012:1"', '"0.00012:1,0.000165:1"', '"0.5:2,+Inf:1"', '"0.50:1"', '"5e-1:1"', '"0.0001201:1"', '"1:0"'),
    *('"1000000:1"', '"1000001:1"', '"0:1"', '":1"', '"1:"', '"1:1,"', '"+Inf:1"', '"-1:1"', '"0.5:01"', '"0.5:1.0"'),
    *('"2026-11-21T09:59:59.999999Z"', '"2026-11-21T09:59:59Z"', '"2026-11-21T09:59:59.999999+00:00"'),
    *('"2026-02-29T00:00:00.000000Z"', '"2024-02-29T00:00:00.000000Z"', '"2026-11-21T24:00:00.000000Z"'),
    *('"2026-11-21T09:60:00.000000Z"', '"2026-11-21T09:00:60.000000Z"', '"2026-11-31T00:00:00.000000Z"'),
    *('"1999-12-31T23:59:59.999999Z"', '"2000-01-01T00:00:00.000000Z"', '"9999-12-31T23:59:59.999999Z"'),
    *('"2027-01-01T00:00:00.000000Z"', '"2026-11-20T00:00:00.000000Z"', '"2026-11-01T00:00:00.000000Z"'),
    *('"2126-11-21T09:59:59.999999Z"', '"2026-11-21 09:59:59.999999Z"', '"2026-11-21T09:59:59,999999Z"'),
    *('"' + "a" * length + '"' for length in (15, 16, 17, 31, 32, 64, 65, 300)),
    *('"' + character * length + '"' for length in (100, 101) for character in "xé"),
    *(json.dumps(number) for number in NUMBERS),
]
VALUE = re.compile(rb':("[^"]*"|[^,}]*)')


def with_another_value(line: bytes, rng: random.Random) -> bytes:
    places = list(VALUE.finditer(line))
    if not places:
        return line
    place = rng.choice(places)
    return line[: place.start(1)] + rng.choice(TOKENS).encode() + line[place.end(1) :]


def with_a_key_twice(line: bytes, rng: random.Random) -> bytes:
    keys = re.findall(rb'"(\w+)":', line) or [b"x"]
    return line.replace(b"}", b',"%s":%s}' % (rng.choice(keys), rng.choice(TOKENS).encode()), 1)


def with_a_field_of_another(line: bytes, rng: random.Random) -> bytes:
    event = rng.choice(EVENTS)
    field = rng.choice(event.fields)
    return line.replace(b"}", b',"%s":%s}' % (field.name.encode(), rng.choice(TOKENS).encode()), 1)


def without_a_field(line: bytes, rng: random.Random) -> bytes:
    fields = re.findall(rb',"\w+":(?:"[^"]*"|[^,}"]*)', line)
    return line.replace(rng.choice(fields), b"", 1) if fields else line


def with_other_bytes(line: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + rng.randbytes(rng.randrange(4)) + line[at + rng.randrange(4) :]


def with_space(line: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(line))
    return line[:at] + rng.choice([b" ", b"\t", b"\r", b"\n", b"\0"]) + line[at:]


def cut(line: bytes, rng: random.Random) -> bytes:
    return line[: rng.randrange(len(line))] + rng.choice([b"", b"\n", b"\r\n"])


def glued(line: bytes, rng: random.Random) -> bytes:
    return line.rstrip(b"\n") + rng.choice([b"", b" ", b"text ", b"\\", b'"']) + rng.choice(RECORDED)


def behind_text(line: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"web.1 | ", b"\xef\xbb\xbf", b"{", b'{"logemit":', b'"', b"\xff", b" "]) + line


def of_another_version(line: bytes, rng: random.Random) -> bytes:
    return line.replace(b'"logemit":1', b'"logemit":' + rng.choice(TOKENS).encode(), 1)


def too_long(line: bytes, rng: random.Random) -> bytes:
    size = rng.choice([4_000, 65_000, 65_536, 70_000])
    return line.replace(b"}", b',"note":"' + b"x" * size + b'"}', 1)


Mutation = Callable[[bytes, random.Random], bytes]
MUTATIONS: list[Mutation] = [
    with_another_value,
    with_a_key_twice,
    with_a_field_of_another,
    without_a_field,
    with_other_bytes,
    with_space,
    cut,
    glued,
    behind_text,
    of_another_version,
]


def hostile(rng: random.Random, lines: int) -> bytes:
    """Recorded lines, most of them changed, some twice."""
    chosen = []
    for _ in range(lines):
        line = rng.choice(EVENT_LINES if rng.random() < 0.9 else RECORDED)
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            line = rng.choice(MUTATIONS)(line, rng) or b"\n"
        if rng.random() < 0.01:
            line = too_long(line, rng)
        chosen.append(line)
        if rng.random() < 0.1:
            chosen.append(rng.choice(chosen))
    return b"".join(chosen) + b"\n"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_changed_lines_are_read_alike(mutation: Mutation) -> None:
    rng = random.Random(mutation.__name__)
    agree(b"".join(mutation(line, rng) or b"\n" for line in rng.sample(EVENT_LINES, 400) for _ in range(3)) + b"\n")


@pytest.mark.parametrize("size", [MAX_TEXT - 1, MAX_TEXT, MAX_TEXT + 1, 50_000])
def test_long_texts_are_cut_alike(size: int) -> None:
    requests = [line for line in EVENT_LINES if b'"method":"GET"' in line][:100]
    lines = [line.replace(b'"method":"GET"', b'"method":"%s"' % (b"x" * size)) for line in requests]
    assert any(len(line) > size for line in lines)
    assert (agree(b"".join(lines))["texts_cut"] > 0) == (size > MAX_TEXT)


OF_ALL = [Field(name, "string") for name in ("timestamp", "service", "request_id")]


def test_every_field_takes_every_value_alike() -> None:
    """Each token in the place of each field of each event."""
    lines = []
    for event in EVENTS:
        base = {"logemit": 1, "event": event.name, "timestamp": "2026-11-21T09:00:00.000000Z", "service": "s"}
        for place, field in enumerate((*event.fields, *OF_ALL)):
            for number, token in enumerate(TOKENS):
                line = {**base, "proc": f"{event.name}{place}", "seq": number}
                text = json.dumps(line, separators=(",", ":"))
                if field.name in line:
                    text = text.replace(json.dumps(line[field.name]), token, 1)
                else:
                    text = text[:-1] + f',"{field.name}":{token}}}'
                lines.append(text.encode("utf-8", "surrogatepass") + b"\n")
    was = agree(b"".join(lines))
    assert was["rejected"]
    assert set(was["events"]) >= set(BY_NAME)


@settings(deadline=None, max_examples=scaled(20, 60, 60), suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(1, 60), st.sampled_from([1 << 20, 3000, 700]), st.integers(1, 2))
def test_hostile_logs_are_read_alike(rng: random.Random, lines: int, size: int, workers: int) -> None:
    agree(hostile(rng, lines), size, workers)


@settings(deadline=None, max_examples=scaled(33, 100, 100))
@given(st.lists(st.binary(max_size=80) | st.sampled_from([MARKER, b"\n", b'"', b'{"logemit":1,"event":"task",', b"}"])))
@example([b'{"logemit":1,"event":"', b"\n"])
@example([MARKER, b"\n", MARKER])
def test_any_bytes_are_read_alike(pieces: list[bytes]) -> None:
    agree(b"".join(pieces) + b"\n")


@pytest.mark.parametrize("line", [WORD, MARKER, b""])
def test_there_is_room_for_a_block_of_the_shortest_odd_lines(line: bytes) -> None:
    """Machine code does not look whether it writes beyond an array's end."""
    agree((line + b"\n") * 50_000)


def test_nothing_is_read_behind_a_block() -> None:
    """What stands there is another line's, or nobody's memory."""
    line = EVENT_LINES[0]
    for stop in range(1, len(line), scaled(7, 2, 2)):
        data = line[:stop] + b"\n"
        block = Block(data + line[stop:] + bytes(PADDING), len(data), 1)
        was, wanted = new_intake(), new_intake()
        engine = Engine(CONFIG.catalogue, 60, 1, lambda scanned, i=was: judged(i, scanned), lambda part, is_late: None)  # type: ignore[misc]
        engine.take(block, Stream("log"))
        engine.finish()
        engine.close()
        wanted.take(unwrap(block, Stream("log")), "log")
        assert (was.report.events, was.rejected) == (wanted.report.events, wanted.rejected)
