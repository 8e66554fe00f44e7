"""The compiled way opens the envelopes of container runtimes as the reference way does, whatever stands in them."""

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.compiled import context, layout
from aggregator.compiled.context import as_array
from aggregator.compiled.opened import Opener
from aggregator.envelopes import named
from aggregator.lines import LINE_LIMIT, PADDING, Block
from aggregator.streams import Stream
from tests.scale import scaled

from .test_compiled import CONFIG, EVENT_LINES, MUTATIONS, RECORDED, agree, by_reference, found, hostile

TIME = "2026-11-21T08:25:15.095531123"
Wrap = Callable[[bytes, str, bool], bytes]


def docker(text: bytes, stream: str, ends: bool) -> bytes:
    log = text.decode("utf-8", "replace") + ("\n" if ends else "")
    fields = {"log": log, "stream": stream, "time": f"{TIME}Z"}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def cri(text: bytes, stream: str, ends: bool) -> bytes:
    return b"%sZ %s %s %s\n" % (TIME.encode(), stream.encode(), b"F" if ends else b"P", text)


WRAPS: dict[str, Wrap] = {"docker": docker, "cri": cri}


def parts(line: bytes, rng: random.Random, share: float) -> Iterator[tuple[bytes, bool]]:
    """A line as it is, or in parts, the last of which may be empty."""
    while rng.random() < share:
        at = rng.randrange(len(line) + 1)
        yield line[:at], False
        line = line[at:]
    yield line, True


def wrapped(lines: list[bytes], wrap: Wrap, rng: random.Random, share: float = 0.0) -> list[bytes]:
    """Two streams, whose lines and parts of lines come as they like."""
    waiting: dict[str, list[tuple[bytes, bool]]] = {"stdout": [], "stderr": []}
    for line in lines:
        stream = "stdout" if rng.random() < 0.8 else "stderr"
        waiting[stream].extend(parts(line.removesuffix(b"\n"), rng, share))
    found = []
    while any(waiting.values()):
        stream = rng.choice([name for name, texts in waiting.items() if texts])
        taken = rng.choice([1, 2, 8])
        found += [wrap(text, stream, ends) for text, ends in waiting[stream][:taken]]
        del waiting[stream][:taken]
    return found


@cache
def bare() -> dict[str, Any]:
    """What stands in the samples."""
    return found(by_reference(b"".join(RECORDED)))


WAYS = [(1 << 20, 1, 0.3), (100_003, 3, 0.0), (100_003, 3, 0.3), (1 << 20, 1, 0.0)][: scaled(2, 4, 4)]


@pytest.mark.parametrize("name", WRAPS)
@pytest.mark.parametrize(("size", "workers", "share"), WAYS)
def test_the_samples_come_out_of_their_envelopes(name: str, size: int, workers: int, share: float) -> None:
    lines = wrapped(RECORDED, WRAPS[name], random.Random(f"{size}{share}"), share)
    was = agree(b"".join(lines), size, workers)
    for key in bare():
        if "in time" in key or key in ("events", "read", "rejected", "duplicates"):
            assert was[key] == bare()[key], key


@pytest.mark.parametrize("name", WRAPS)
def test_what_runtimes_write_is_read_by_the_machine(name: str) -> None:
    """But for the first line of either stream in a block, which may go on from another."""
    lines = wrapped(RECORDED, WRAPS[name], random.Random(1))
    data = b"".join(lines)
    stream = Stream(envelope=named(name))
    opened = Opener().opened(stream, as_array(data + bytes(PADDING)), len(data))
    assert opened.end == len(data)
    assert len(opened.left) == 2
    assert bytes(opened.data[: opened.size]).count(b"\n") == len(lines)


def test_parts_that_follow_one_another_are_joined_by_the_machine() -> None:
    lines = [cri(part, "stdout", ends) for line in EVENT_LINES for part, ends in halves(line.strip())]
    data = cri(b"", "stdout", True) + b"".join(lines)
    opened = Opener().opened(Stream(envelope=named("cri")), as_array(data + bytes(PADDING)), len(data))
    assert len(opened.left) == 1
    assert bytes(opened.data[: opened.size]) == b"\n" + b"".join(EVENT_LINES)
    assert opened.numbers(opened.joins[:, 0]).tolist() == list(range(2, 2 * len(EVENT_LINES) + 1, 2))


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("ends", [False, True])
def test_a_line_that_is_too_long_ends_no_part_before_it(wrap: Wrap, *, ends: bool) -> None:
    line = EVENT_LINES[0].removesuffix(b"\n")
    lines = [
        wrap(b"begin", "stdout", True),
        wrap(line[:100], "stdout", False),
        wrap(b"x" * (LINE_LIMIT + 1), "stdout", ends),
        wrap(line[100:], "stdout", True),
        wrap(b"", "stdout", True),
        wrap(line, "stdout", True),
    ]
    agree(b"".join(lines), 1 << 20, 1)


def halves(line: bytes) -> list[tuple[bytes, bool]]:
    return [(line[: len(line) // 2], False), (line[len(line) // 2 :], True)]


def broken(lines: list[bytes], rng: random.Random) -> bytes:
    """Some of the lines are not what they were."""
    chosen = []
    for line in lines:
        changed = line
        while rng.random() < 0.2:
            changed = rng.choice(MUTATIONS)(changed, rng) or b"\n"
        chosen.append(changed)
        if rng.random() < 0.05:
            chosen.append(rng.choice(RECORDED))
    return b"".join(chosen) + b"\n"


@pytest.mark.parametrize("name", WRAPS)
@settings(deadline=None, max_examples=scaled(20, 60, 60), suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from([1 << 20, 3000, 700]), st.integers(1, 2))
def test_hostile_lines_in_envelopes_are_read_alike(name: str, seed: int, lines: int, size: int, workers: int) -> None:
    rng = random.Random(seed)
    texts = hostile(rng, lines).split(b"\n")
    share = rng.choice([0.0, 0.1, 0.5])
    start = WRAPS[name](b"begin", "stdout", True)
    agree(start + broken(wrapped(texts, WRAPS[name], rng, share), rng), size, workers)


PREFIXES = {
    "celery": b"[2026-11-21 08:25:15,095: INFO/ForkPoolWorker-1] ",
    "rsyslog": b"2026-11-21T08:25:15.095531+00:00 host shop[123]: ",
    "compose": b"web-1  | ",
    "unknown": b"who knows: ",
}


@pytest.mark.parametrize("name", PREFIXES)
def test_events_behind_other_text_are_read_by_the_machine(name: str) -> None:
    lines = [PREFIXES[name] + line for line in RECORDED]
    was = agree(b"".join(lines))
    assert {key: was[key] for key in ("events", "read")} == {key: bare()[key] for key in ("events", "read")}
    data = b"".join(lines)
    scanner = context.make(CONFIG.catalogue, layout.plans_of(CONFIG.catalogue), 60)
    assert scanner.scan(Block(data + bytes(PADDING), len(data), 1), Stream()).odd.tolist() == []


def test_a_word_at_the_very_beginning_is_passed() -> None:
    agree(b'"logemit":1\n' + EVENT_LINES[0] + b'"logemit\n"log')


def test_a_block_of_empty_lines_is_left_to_the_reference_way() -> None:
    """Room is made for what makes sense."""
    start = docker(b"begin", "stdout", True)
    agree(start + b"\n" * 5000 + docker(EVENT_LINES[0].strip(), "stdout", True) + b"\n" * 5000)


@pytest.mark.parametrize("name", WRAPS)
def test_brackets_within_a_text_are_not_nested(name: str) -> None:
    line = EVENT_LINES[0].strip().replace(b"}", b',"note":"' + b"[{" * 600 + b'"}', 1)
    was = agree(WRAPS[name](b"begin", "stdout", True) + WRAPS[name](line, "stdout", True) * 2)
    assert sum(was["events"].values()) == was["duplicates"] == 1


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_parts_are_joined_however_many_other_streams_wait(share: float) -> None:
    """Machine code joins what follows one another, and knows of no others."""
    part = {"source": "stdout", "partial_message": "true", "partial_last": "false", "log": "x"}
    others = [json.dumps({"container_id": f"{number}", **part}).encode() + b"\n" for number in range(40)]
    lines = wrapped(EVENT_LINES[:200], cri, random.Random(share), share)
    was = agree(cri(b"begin", "stdout", True) + b"".join(others + lines))
    assert sum(was["events"].values()) == 200
