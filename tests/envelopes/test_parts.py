"""Lines that a platform cuts are whole again, wherever they were cut and whatever came between."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.envelopes import named
from aggregator.joins import finished
from aggregator.streams import MOST_PENDING, Stream

from .wrapped import event_lines, quick

Cut = Callable[[list[str], str], list[bytes]]
TIME = "2026-11-21T08:25:15.095123456Z"


def docker(pieces: list[str], stream: str) -> list[bytes]:
    ends = [""] * (len(pieces) - 1) + ["\n"]
    logs = (piece + end for piece, end in zip(pieces, ends, strict=True))
    return [json.dumps({"log": log, "stream": stream, "time": TIME}).encode() for log in logs]


def cri(pieces: list[str], stream: str) -> list[bytes]:
    tags = ["P"] * (len(pieces) - 1) + ["F"]
    return [f"{TIME} {stream} {tag} {piece}".encode() for tag, piece in zip(tags, pieces, strict=True)]


def cri_empty_end(pieces: list[str], stream: str) -> list[bytes]:
    return [*(f"{TIME} {stream} P {piece}".encode() for piece in pieces), f"{TIME} {stream} F ".encode()]


def firelens(pieces: list[str], stream: str) -> list[bytes]:
    own = {"container_id": "0a", "source": stream}
    if len(pieces) == 1:
        return [json.dumps({**own, "log": pieces[0]}).encode()]
    parts = []
    for ordinal, piece in enumerate(pieces, 1):
        last = str(ordinal == len(pieces)).lower()
        marks = {"partial_message": "true", "partial_id": f"id-{stream}", "partial_ordinal": str(ordinal)}
        parts.append(json.dumps({**own, "log": piece, **marks, "partial_last": last}).encode())
    return parts


def fluent_bit(pieces: list[str], stream: str) -> list[bytes]:
    tags = ["P"] * (len(pieces) - 1) + ["F"]
    fields = ({"date": 1.5, "logtag": tag, "log": piece} for tag, piece in zip(tags, pieces, strict=True))
    return [json.dumps({**each, "kubernetes": {"pod_id": stream, "container_name": "web"}}).encode() for each in fields]


CUTS: dict[Cut, str] = {docker: "docker", cri: "cri", cri_empty_end: "cri", firelens: "fluent", fluent_bit: "fluent"}
each_cut = pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.__name__)


@st.composite
def pieces_of_events(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(event_lines())
    places = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=4)))
    return text, [text[start:end] for start, end in pairwise([0, *places, len(text)])]


def _interleaved(data: st.DataObject, streams: list[list[bytes]]) -> Iterator[bytes]:
    left = [list(stream) for stream in streams]
    while any(left):
        yield data.draw(st.sampled_from([lines for lines in left if lines])).pop(0)


@each_cut
@quick
@given(events=st.lists(pieces_of_events(), min_size=1, max_size=3), data=st.data())
def test_parts_are_joined_wherever_a_line_was_cut_and_streams_alternate(
    cut: Cut, events: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    names = ["stdout", "stderr", "third"] if CUTS[cut] == "fluent" else ["stdout", "stderr"]
    written = [cut(pieces, name) for (_, pieces), name in zip(events, names, strict=False)]
    stream = Stream(envelope=named(CUTS[cut]))
    found = [text for line in _interleaved(data, written) if _is_looked_at(stream, line) for text in stream.texts(line)]
    assert sorted(found) == sorted(text.encode() for text, _ in events[: len(names)])
    assert not stream.pending


def _is_looked_at(stream: Stream, line: bytes) -> bool:
    return any(word in line for word in stream.words)


@each_cut
def test_what_waits_in_vain_is_given_up_as_it_is(cut: Cut) -> None:
    stream = Stream(envelope=named(CUTS[cut]))
    first = cut(['{"logemit":1,', '"event":"task"}'], "stdout")[0]
    assert list(stream.texts(first)) == []
    assert [record.text for record in finished(stream).events] == [b'{"logemit":1,']


@each_cut
def test_a_line_of_many_parts_is_held_up_to_a_limit(cut: Cut) -> None:
    stream = Stream(envelope=named(CUTS[cut]))
    for line in cut(["x" * 16384] * 50, "stdout")[:-1]:
        assert list(stream.texts(line)) == []
    assert sum(map(len, stream.pending.values())) == 65537


def test_many_unfinished_streams_are_held_up_to_a_limit() -> None:
    stream = Stream(envelope=named("fluent"))
    for number in range(100):
        list(stream.texts(fluent_bit(["a", "b"], f"pod-{number}")[0]))
    assert len(stream.pending) == MOST_PENDING
