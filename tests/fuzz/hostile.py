"""Lines as no emitter writes them: recorded ones, changed, and what breaks readers of JSON, of UTF-8 and of lines."""

import gzip
import json
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from aggregator.lines import LINE_LIMIT
from tests.envelopes.wrapped import WRAPPERS

SAMPLES = Path(__file__).parents[2] / "sample_logs"
OF_EACH = 150
"""Lines taken from a recorded log."""

Change = Callable[[bytes, random.Random], bytes]


@cache
def recorded() -> list[bytes]:
    """Lines from every sample, out of their containers, without their newlines."""
    paths = [path for pattern in ("*/stdout.log", "envelopes/*/[!Rc]*") for path in sorted(SAMPLES.glob(pattern))]
    return [line[:LINE_LIMIT] for path in paths for line in _unpacked(path.read_bytes()).split(b"\n")[:OF_EACH]]


@cache
def events() -> list[bytes]:
    """One on a line."""
    return [line for line in recorded() if line.startswith(b'{"logemit":1,') and line.count(b'"logemit"') == 1]


def _unpacked(data: bytes) -> bytes:
    while data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return data


DEEP = 1000
TRAPS = [
    *(b"", b" ", b"\0", b"\r", b"{", b"}", b"[]", b"null", b"0", b'""', b"\xff", b"\xef\xbb\xbf", b"\xc2\x85"),
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000, b"0." + b"1" * 5000, b"1E-9999", b"-0"),
    *(b"%d" % (2**power + more) for power in (31, 40, 53, 62, 63, 64) for more in (-1, 0, 1)),
    *(b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\0"', b'"\x01"', b'"\xed\xa0\x80"', b'"\\x"', b'"\\u12"'),
    *(b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * 100_000),
    *(b'{"logemit":' * 50, b'{"logemit":1}' * 50, b'{"logemit":{"logemit":{"logemit":1}}}', b'"logemit' * 100),
    *(b'{"logemit":1,"event":"task"}', b'{"logemit":1,"event":null}', b'["logemit"]', b'"{\\"logemit\\":1}"'),
    *(b"\xe2\x80\xa8", b'{"log":null,"stream":[],"time":{}}', b"]}", b"},{"),
    *(b'{"MESSAGE":[300,-1,"a",null],"__CURSOR":""}', b'{"MESSAGE":[[[]]],"_BOOT_ID":0}'),
    b'{"insertId":1,"logName":2,"jsonPayload":{"logemit":[],"service":{},"event":"e"}}',
    b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"","timestamp":1,"message":"{\\"logemit\\":"},',
    *(b"999999 <1>1 ", b"0 <1>"),
    *(b"2026-11-21T08:25:15Z stdout P ", b"2026-11-21T08:25:15Z stderr F", b"2026-11-21T08:25:15Z stdout F:x "),
]  # fmt: skip
"""Lines by themselves, and values in the place of others."""

VALUE = re.compile(rb'(?<=":)(?:"(?:[^"\\]|\\.)*"|[^",{}\[\]]+)')
KEY = re.compile(rb'"\w+":')
MOMENTS = [
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2126-01-01T00:00:00Z", "2026-11-21T24:00:00Z"),
    *("2026-11-21T08:25:15", "2026-W47-6T08:25:15Z", "2026-11-21T08:25:60Z", "20261121T082515Z"),
]  # fmt: skip


def _at(line: bytes, rng: random.Random) -> int:
    return rng.randrange(len(line) + 1)


def flipped(line: bytes, rng: random.Random) -> bytes:
    at = _at(line, rng)
    return line[:at] + bytes(byte ^ 1 << rng.randrange(8) for byte in line[at : at + 1]) + line[at + 1 :]


def inserted(line: bytes, rng: random.Random) -> bytes:
    at = _at(line, rng)
    piece = rng.choice([rng.randbytes(rng.randrange(1, 5)), *(bytes([n]) for n in (0, 1, 10, 13, 27, 127, 133, 255))])
    return line[:at] + piece + line[at:]


def without_a_piece(line: bytes, rng: random.Random) -> bytes:
    at = _at(line, rng)
    return line[:at] + line[at + rng.choice([1, 2, 10, 100]) :]


def cut(line: bytes, rng: random.Random) -> bytes:
    at = _at(line, rng)
    return rng.choice([line[:at], line[at:]])


def glued(line: bytes, rng: random.Random) -> bytes:
    return line + rng.choice([b"", b" ", b",", b"\\n", b"#012", b"\r", b"\0"]) + rng.choice(recorded())


def spliced(line: bytes, rng: random.Random) -> bytes:
    """The beginning of one and the end of another, which may be in another envelope."""
    other = rng.choice(recorded())
    return line[: _at(line, rng)] + other[_at(other, rng) :]


def with_a_trap(line: bytes, rng: random.Random) -> bytes:
    places = list(VALUE.finditer(line))
    if not places:
        return line + rng.choice(TRAPS)
    place = rng.choice(places)
    return line[: place.start()] + rng.choice(TRAPS) + line[place.end() :]


def with_a_key_twice(line: bytes, rng: random.Random) -> bytes:
    keys = KEY.findall(line) or [b'"x":']
    return line.replace(b"}", b"," + rng.choice(keys) + rng.choice(TRAPS) + b"}", 1)


def at_another_time(line: bytes, rng: random.Random) -> bytes:
    return re.sub(rb"2026-11-21T[^\"]*(?=\")", rng.choice(MOMENTS).encode(), line, count=1)


def wrapped(line: bytes, rng: random.Random) -> bytes:
    """In an envelope, which may be the second or third."""
    return rng.choice(list(WRAPPERS))(line.decode("utf-8", "replace"))


def in_parts(line: bytes, rng: random.Random) -> bytes:
    """As container runtimes cut it: the last part may be missing, or not be the last."""
    return rng.choice([_cri_parts, _fluent_parts, _docker_parts])(line, rng)


def _cri_parts(line: bytes, rng: random.Random) -> bytes:
    at, stream = _at(line, rng), rng.choice([b"stdout", b"stderr"])
    begin = b"2026-11-21T08:25:15.095Z " + stream
    return begin + b" P " + line[:at] + b"\n" + begin + rng.choice([b" P ", b" F ", b" F"]) + line[at:]


def _docker_parts(line: bytes, rng: random.Random) -> bytes:
    at, stream = _at(line, rng), rng.choice(["stdout", "stderr"])
    texts = [line[:at].decode("utf-8", "replace"), line[at:].decode("utf-8", "replace") + rng.choice(["\n", ""])]
    return b"\n".join(json.dumps({"log": text, "stream": stream, "time": "T"}).encode() for text in texts)


def _fluent_parts(line: bytes, rng: random.Random) -> bytes:
    at, container = _at(line, rng), f"{rng.randrange(40)}"
    ends = [("false", line[:at]), (rng.choice(["true", "false"]), line[at:])]
    return b"\n".join(
        json.dumps({
            "container_id": container, "source": "stdout", "partial_message": "true", "partial_last": last,
            "log": text.decode("utf-8", "replace"),
        }).encode()
        for last, text in ends
    )  # fmt: skip


def of_the_limit(line: bytes, rng: random.Random) -> bytes:
    """Exactly as long as a line may be, or a byte less or more."""
    missing = LINE_LIMIT + rng.choice([-1, 0, 1]) - len(line)
    end = rng.choice([b"", b"}", b'"}'])
    return line[: len(line) - len(end)] + rng.choice([b" ", b"x", b"{"]) * missing + end if missing > 0 else line


def a_trap(line: bytes, rng: random.Random) -> bytes:
    return rng.choice(TRAPS)


CHANGES: list[Change] = [
    *(flipped, flipped, inserted, inserted, without_a_piece, cut, glued, spliced, spliced, a_trap, with_a_trap),
    *(with_a_trap, with_a_trap, with_a_key_twice, at_another_time, wrapped, wrapped, wrapped, in_parts, in_parts),
]
RARE = 0.003
"""How many lines are as long as a line may be."""


def hostile(rng: random.Random) -> bytes:
    """A line, which may have become several, without the last one's newline."""
    line = rng.choice(events() if rng.random() < 0.4 else recorded())
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 5])):
        line = rng.choice(CHANGES)(line, rng)
    return of_the_limit(line, rng) if rng.random() < RARE else line


def log(rng: random.Random, lines: int) -> bytes:
    """Lines, most of them in one envelope, and some twice."""
    home = rng.choice([None, None, *WRAPPERS])
    found: list[bytes] = []
    for _ in range(lines):
        line = hostile(rng)
        if home and rng.random() < 0.7:
            line = home(line.decode("utf-8", "replace"))
        found.append(rng.choice(found) if found and rng.random() < 0.03 else line)
    return b"".join(line + b"\n" for line in found)
