"""Glued subscription objects come onto lines, however they are read."""

import json
from itertools import islice, pairwise, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.glued import apart, begins_glued, lined
from aggregator.streams import Stream

from .wrapped import event_lines, quick

ORIGIN = {"owner": "123", "logGroup": "shop", "logStream": "web/1", "subscriptionFilters": ["all"]}
BYTES = st.one_of(st.binary(), st.text(alphabet='{}[],:" \t\r\\ab1', max_size=200).map(str.encode))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def subscription(messages: list[str], **changes: Any) -> dict[str, Any]:
    events = [{"id": str(n), "timestamp": 1795249515095, "message": text} for n, text in enumerate(messages)]
    return {"messageType": "DATA_MESSAGE", **ORIGIN, "logEvents": events, **changes}


@st.composite
def pieces_of(draw: st.DrawFn, whole: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    return [whole[start:end] for start, end in pairwise([0, *places, len(whole)])]


def _lines(pieces: list[bytes]) -> list[bytes]:
    return b"".join(apart(pieces)).split(b"\n")


@st.composite
def glued(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Events, and objects that hold them in any style."""
    groups = draw(st.lists(st.lists(event_lines(), max_size=3), min_size=1, max_size=3))
    dumped = []
    for group in groups:
        fields = subscription(group)
        fields = {name: fields[name] for name in draw(st.permutations(list(fields)))}
        style = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        dumped.append(json.dumps(fields, separators=style, ensure_ascii=draw(st.booleans())))
    return [text for group in groups for text in group], draw(st.sampled_from(["", " ", "\n"])).join(dumped).encode()


@quick
@given(case=glued(), data=st.data())
def test_every_event_comes_out_of_glued_objects(case: tuple[list[str], bytes], data: st.DataObject) -> None:
    texts, whole = case
    stream = Stream()
    lines = _lines(data.draw(pieces_of(whole)))
    found = [text for line in lines if b'"logemit' in line for text in stream.texts(line)]
    assert found == [text.encode() for text in texts]


@quick
@given(whole=st.one_of(BYTES, glued().map(lambda case: case[1])), data=st.data())
def test_any_split_gives_the_same_lines(whole: bytes, data: st.DataObject) -> None:
    assert _lines(data.draw(pieces_of(whole))) == _lines([whole]) == _lines([bytes([byte]) for byte in whole])


@quick
@given(whole=st.one_of(BYTES, glued().map(lambda case: case[1])))
def test_no_byte_is_lost_and_only_newlines_are_added(whole: bytes) -> None:
    assert b"".join(_lines([whole])) == whole.replace(b"\n", b"")


@quick
@given(value=VALUES)
def test_json_means_the_same_with_the_newlines(value: Any) -> None:
    whole = json.dumps(value).encode()
    assert json.loads(b"".join(apart([whole]))) == value


@pytest.mark.parametrize("text", [b"", b"plain } { text", b"{}{}", b'\\"}{\\"a', b'{"a": {"b": 1}}', b'["},{\\"a"]'])
def test_what_is_no_such_object_is_left(text: bytes) -> None:
    assert b"".join(apart([text])) == text


def test_newlines_that_are_there_are_not_doubled() -> None:
    whole = b"\n".join(_lines([json.dumps(subscription(["a", "b"])).encode() * 2]))
    assert b"".join(apart([whole])) == whole


def test_memory_is_bounded_whatever_comes() -> None:
    for filling in (b" ", b"{", b'"', b"\\", b"[", b'{"', b", "):
        piece = filling * 4096
        kept = 0
        for given_out in islice(apart(repeat(piece)), 50):
            kept += len(piece) - len(given_out.replace(b"\n", b""))
            assert kept <= 16


BEGINNINGS = [
    json.dumps(subscription(["x"])),
    json.dumps(subscription(["x"]), indent=1),
    json.dumps({**ORIGIN, **subscription(["x"])}, separators=(",", ":")),
    json.dumps({"logEvents": [], "logGroup": "g", "logStream": "s"}),
    '{"messageType":"CONTROL_MESSAGE"',
    json.dumps({**ORIGIN, "logGroup": "g" * 512, "logStream": "s" * 512, "messageType": "DATA_MESSAGE"})[:1024],
]


@pytest.mark.parametrize("head", BEGINNINGS)
def test_a_source_of_subscription_objects_is_told_by_its_beginning(head: str) -> None:
    assert begins_glued(head.encode())


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_they_are_told_however_small_the_pieces_are_that_come_first(size: int) -> None:
    """A pipe gives what is there: six bytes, and then the rest."""
    whole = json.dumps(subscription(["a", "b"])).encode() * 2
    pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    assert b"".join(lined(pieces)) == b"".join(apart([whole])) + b"\n"


@pytest.mark.parametrize(
    "head",
    [
        "",
        "{",
        '{"logemit":1,"event":"task"}',
        '{"log":"{\\"messageType\\":\\"DATA_MESSAGE\\"}","stream":"stdout","time":""}',
        '{"messageType":"greeting","text":"hello"}',
        '{"owner":"me","text":"\\"logGroup\\":, \\"logStream\\":"}',
        "[" + json.dumps(subscription(["x"])) + "]",
    ],
)
def test_other_sources_are_not(head: str) -> None:
    assert not begins_glued(head.encode())
