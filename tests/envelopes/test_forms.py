"""Whatever a platform wraps comes out as it was written."""

import json
import re
import time
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.envelopes import ENVELOPES, named
from aggregator.lines import Block
from aggregator.streams import Stream

from . import wrapped
from .wrapped import WRAPPERS, event_lines, quick

EVENT = '{"logemit":1,"event":"task","timestamp":"2026-11-21T08:25:15.095123Z","service":"shop","name":"shop.emit"}'
Wrapper = Callable[[str], bytes]
each_form = pytest.mark.parametrize("wrap", WRAPPERS, ids=lambda wrap: wrap.__name__)


@each_form
@quick
@given(text=event_lines())
def test_a_line_comes_out_as_it_was_written(wrap: Wrapper, text: str) -> None:
    stream = Stream()
    assert list(stream.texts(wrap(text))) == [text.encode()]
    assert stream.found == {WRAPPERS[wrap]: 1}


@each_form
def test_the_envelope_is_learned_from_the_first_lines(wrap: Wrapper) -> None:
    stream = Stream()
    data = b"Booting\n\n" + wrap(EVENT) + b"\n"
    stream.learn(Block(data, len(data), 1))
    assert stream.envelope is named(WRAPPERS[wrap])
    assert any(word in wrap(EVENT) for word in stream.words)


@each_form
def test_a_forced_envelope_opens_its_own_lines(wrap: Wrapper) -> None:
    stream = Stream(is_forced=True, envelope=named(WRAPPERS[wrap]))
    assert list(stream.texts(wrap(EVENT))) == [EVENT.encode()]


EVENTS_ONLY = {
    *(wrapped.celery, wrapped.celery_task, wrapped.logging_basic, wrapped.logging_spaced, wrapped.logging_dashed),
    *(wrapped.logging_verbose, wrapped.gunicorn, wrapped.lambda_text, wrapped.lambda_json, wrapped.gcp_message),
    *(wrapped.cloudwatch_tail, wrapped.fluentd_stdout, wrapped.rsyslog_of_5424, wrapped.rsyslog_of_untagged),
}
"""Behind them stands an event, or nothing that can be told."""


@pytest.mark.parametrize("inner", [wrapped.celery_task, wrapped.compose, wrapped.logging_dashed, wrapped.lambda_text])
@pytest.mark.parametrize("wrap", [wrap for wrap in WRAPPERS if wrap not in EVENTS_ONLY], ids=lambda wrap: wrap.__name__)
def test_an_envelope_in_an_envelope_is_opened(wrap: Wrapper, inner: Wrapper) -> None:
    assert list(Stream().texts(wrap(inner(EVENT).decode()))) == [EVENT.encode()]


@each_form
def test_a_quote_in_another_programs_message_is_no_event(wrap: Wrapper) -> None:
    """The records stage takes an event only at the end of a line."""
    quote = f"got {EVENT} from the queue"
    for text in Stream().texts(wrap(quote)):
        assert not text.startswith(b'{"logemit"')


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"level": "info", "msg": f"got {EVENT}"}),
        json.dumps({"level": "info", "message": f"got {EVENT}"}),
        json.dumps({"log": f"got {EVENT}"}),
        json.dumps({"level": "info", "msg": EVENT}),
        json.dumps({"messages": [EVENT]}),
        json.dumps([EVENT]),
        f"2026-11-21 08:25:15 something else {EVENT} was lost",
        f"INFO:root:{EVENT} was lost",
        f"a | b {EVENT} c",
    ],
)
def test_what_is_no_envelope_stays_as_it_is(line: str) -> None:
    stream = Stream()
    assert list(stream.texts(line.encode())) == [line.encode()]
    assert stream.found == {"bare": 1}


@pytest.mark.parametrize("name", [None, *(envelope.name for envelope in ENVELOPES)])
@quick
@given(line=st.binary(max_size=200), text=event_lines(), data=st.data())
def test_nothing_is_raised_whatever_comes(name: str | None, line: bytes, text: str, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(list(WRAPPERS)))(text)
    at = data.draw(st.integers(0, len(whole)))
    for hostile in (line, whole[:at] + line + whole[at:], whole[:at] + line, line + whole[at:], whole[:at] + whole):
        stream = Stream(envelope=named(name) if name else None, is_forced=name is not None)
        for text_found in (*stream.texts(hostile.replace(b"\n", b"")), *stream.pending.values()):
            assert isinstance(text_found, bytes)


@pytest.mark.parametrize("depth", [100, 300, 480])
@each_form
def test_nothing_is_raised_however_deep_a_value_is(wrap: Wrapper, depth: int) -> None:
    deep = '{"a":[' * depth + "]}" * depth
    whole = wrap(EVENT).decode()
    values = [deep, deep[: len(deep) // 2], '{"logemit":1,"event":"task","x":' + deep + "}"]
    for found, value in product(re.finditer(r"(?<=: )[^,]+|(?<=:)[^,]+", whole), values):
        line = (whole[: found.start()] + value + whole[found.end() :]).encode()
        for text in Stream().texts(line):
            assert isinstance(text, bytes)


FILLINGS = [
    b"a",
    b" ",
    b"[",
    b"]",
    b"\\",
    b'"',
    b'="',
    b"1",
    b"#012",
    b"|",
    b"{",
    b"}",
    b"\x1b[",
    b"- ",
    b"<1>",
    b"1 <1>1 ",
]


@each_form
def test_no_line_takes_long(wrap: Wrapper) -> None:
    """64 KiB behind any part of a beginning: an expression that goes back over them would take minutes."""
    whole = wrap(EVENT)
    long = [filling * (65536 // len(filling)) + b'{"logemit":}' for filling in FILLINGS]
    for filling, envelope, at in product(long, ENVELOPES, range(0, len(whole), 13)):
        if envelope.of_text:
            began = time.process_time()
            envelope.of_text(whole[:at] + filling)
            assert time.process_time() - began < 0.5, (envelope.name, whole[:at], filling[:8])
