"""What each platform is known for."""

import json
import re
from typing import Any

import pytest

from aggregator.envelopes import BARE, ENVELOPES, named
from aggregator.errors import UsageError
from aggregator.lines import Block
from aggregator.streams import MOST_LEVELS, Stream

from ..conftest import ROOT
from . import wrapped

EVENT = b'{"logemit":1,"event":"task","timestamp":"2026-11-21T08:25:15.095123Z","service":"shop","name":"shop.emit"}'
OTHER = b'{"logemit":1,"event":"task","timestamp":"2026-11-21T08:25:16Z","name":"shop.other"}'
FIELDS: dict[str, Any] = json.loads(EVENT)


def texts(line: bytes, name: str | None = None) -> list[bytes]:
    return list(Stream(envelope=named(name) if name else None).texts(line))


def test_each_envelope_has_its_own_name_and_words_for_people() -> None:
    assert len({envelope.name for envelope in ENVELOPES}) == len({envelope.title for envelope in ENVELOPES})
    assert BARE not in {envelope.name for envelope in ENVELOPES}
    with pytest.raises(UsageError, match="bare, docker, cri"):
        named("dokcer")


def test_events_that_stand_bare_between_wrapped_lines_are_taken_as_they_are() -> None:
    assert texts(EVENT, "docker") == [EVENT]


def test_so_many_envelopes_in_envelopes_and_no_more_are_opened() -> None:
    text = EVENT.decode()
    for _ in range(MOST_LEVELS + 1):
        text = wrapped.docker(text).decode()
    assert texts(text.encode()) == [wrapped.docker(EVENT.decode())]


# The journal


def test_journald_embedded_newlines_are_several_lines() -> None:
    assert texts(wrapped.journald(f"{EVENT.decode()}\n{OTHER.decode()}\n")) == [EVENT, OTHER]


def test_journald_bytes_of_old_versions_have_spaces_between() -> None:
    fields = json.loads(wrapped.journald_bytes(EVENT.decode()))
    line = json.dumps(fields, separators=(", ", " : ")).replace("[", "[ ").encode()
    stream = Stream(envelope=named("journald"))
    assert any(word in line for word in stream.words)
    assert list(stream.texts(line)) == [EVENT]


@pytest.mark.parametrize("message", [None, [], [1.5], [256], [-1], [None], [[None]], {"a": 1}, 17, [[1], ["x"]]])
def test_journald_message_that_is_no_text_holds_nothing(message: Any) -> None:
    line = json.dumps({"__CURSOR": "s", "MESSAGE": message, "X": EVENT.decode()}).encode()
    assert b"".join(texts(line)) in (b"", b"\x01")


def test_journald_message_given_several_times_may_mix_texts_and_bytes() -> None:
    line = json.dumps({"__CURSOR": "s", "MESSAGE": ["first", list(EVENT), None]}).encode()
    assert texts(line, "journald") == [b"first", EVENT, b""]


def test_journald_pretty_lines_are_no_objects() -> None:
    line = b'\t"MESSAGE" : ' + json.dumps(EVENT.decode()).encode() + b","
    assert texts(line) == [line]


# syslog


def test_syslog_newlines_of_rsyslog_between_and_after_events_are_undone() -> None:
    line = wrapped.rsyslog_traditional(f"{EVENT.decode()}#015#012{OTHER.decode()}#012#000")
    assert texts(line) == [EVENT, OTHER]


def test_syslog_numbers_in_a_value_are_left() -> None:
    text = '{"logemit":1,"event":"task","name":"#177 #012} #011","labels":{"a":"}#012{"}}'
    assert texts(wrapped.rsyslog_traditional(text)) == [text.encode()]


def test_syslog_colours_behind_an_event_go() -> None:
    assert texts(wrapped.syslog_3164(f"{EVENT.decode()}#033[0m")) == [EVENT]


def test_syslog_trailing_nul_goes() -> None:
    assert texts(wrapped.syslog_5424(f"{EVENT.decode()}\0")) == [EVENT]


def test_syslog_foreign_text_behind_an_event_stays() -> None:
    text = f"{EVENT.decode()} was lost#012"
    assert texts(wrapped.syslog_3164(text)) == [text.encode()]


def test_syslog_messages_behind_their_lengths_may_stand_on_one_line() -> None:
    messages = [wrapped.syslog_5424_bare(EVENT.decode()), wrapped.syslog_5424_bare(OTHER.decode())]
    assert texts(b"".join(messages)) == [EVENT, OTHER]


def test_syslog_wrong_length_is_passed_over() -> None:
    message = wrapped.syslog_5424_bare(EVENT.decode()).split(b" ", 1)[1]
    for length in (b"0", b"7", b"999999"):
        assert texts(length + b" " + message) == [EVENT]


def test_syslog_program_without_host() -> None:
    assert texts(b"<30>Nov 21 08:25:15 5d2f0a[123]: " + EVENT) == [EVENT]


# Heroku


def test_heroku_celery_behind_a_drain_is_no_structured_data() -> None:
    assert texts(wrapped.heroku_drain(wrapped.celery(EVENT.decode()).decode())) == [EVENT]


def test_heroku_colours_of_the_shell_are_passed_over() -> None:
    assert texts(b"\x1b[36m2026-11-21T08:25:15.095123+00:00 app[web.1]:\x1b[0m " + EVENT) == [EVENT]


# CloudWatch


def test_cloudwatch_control_messages_hold_no_event() -> None:
    events = [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose."}]
    line = json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": events}).encode()
    assert b'"logemit' not in b"".join(texts(line))


def test_cloudwatch_subscription_of_several_events_with_several_lines() -> None:
    messages = [EVENT.decode() + "\n", "START RequestId: 1\n", f"{EVENT.decode()}\n{OTHER.decode()}"]
    events = [{"id": str(n), "timestamp": 1, "message": message} for n, message in enumerate(messages)]
    line = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode()
    assert texts(line) == [EVENT, b"START RequestId: 1", EVENT, OTHER]


def test_cloudwatch_answers_of_the_api() -> None:
    events = [{"timestamp": 1, "message": EVENT.decode(), "ingestionTime": 2}]
    assert texts(json.dumps({"events": events, "nextForwardToken": "f/1"}).encode()) == [EVENT]


def test_cloudwatch_lists_of_other_events_are_foreign() -> None:
    line = json.dumps({"events": [{"message": EVENT.decode()}]}).encode()
    assert texts(line) == [line]


def test_cloudwatch_an_event_behind_an_element_is_none_of_it() -> None:
    """So it is read as it is behind any other text."""
    element = json.dumps({"id": "1", "timestamp": 1, "message": "START"}).encode()
    line = b"08:25:15 web.1  | " + element + b" " + EVENT
    assert texts(element + b" " + EVENT) == [element + b" " + EVENT]
    assert texts(line) == [element + b" " + EVENT]


def test_cloudwatch_lambda_in_an_export() -> None:
    assert texts(wrapped.cloudwatch_export(wrapped.lambda_text(EVENT.decode()).decode())) == [EVENT]


# Lambda


def test_lambda_message_as_an_object() -> None:
    line = json.dumps({"timestamp": "t", "level": "INFO", "message": FIELDS, "requestId": "6f"}).encode()
    assert json.loads(*texts(line)) == FIELDS
    assert texts(line)[0].startswith(b'{"logemit":1,"event":"task"')


# Fluent Bit and its kind


def test_fluent_event_among_the_shippers_fields_stands_first() -> None:
    line = json.dumps({"date": 1.5, "kubernetes": {"pod_name": "p"}, **FIELDS}).encode()
    (text,) = texts(line)
    assert text.startswith(b'{"logemit":1,"event":"task"')
    assert json.loads(text).items() >= FIELDS.items()


@pytest.mark.parametrize("key", ["log_processed", "message", "data", "structured"])
def test_fluent_event_as_an_object_under_any_key(key: str) -> None:
    line = json.dumps({"date": 1.5, "stream": "stdout", key: FIELDS}).encode()
    assert json.loads(*texts(line)) == FIELDS


def test_fluent_line_is_preferred_to_what_a_parser_made_of_it() -> None:
    line = json.dumps({"date": 1.5, "stream": "stdout", "log": EVENT.decode(), "log_processed": FIELDS}).encode()
    assert texts(line) == [EVENT]


def test_fluent_field_called_message_of_an_event_among_others_is_no_line() -> None:
    health = {"logemit": 1, "event": "health_check", "service": "shop", "message": "all is well", "stream": "stdout"}
    line = json.dumps({"date": 1.5, **health}).encode()
    assert json.loads(*texts(line)).items() >= health.items()


def test_fluent_numbers_and_texts_survive_being_written_again() -> None:
    fields = {**FIELDS, "a": 2**63, "b": 1e-9, "c": "é\u2028\x00\x7f", "d": [1, {"x": None}], "e": True}
    line = json.dumps({"date": 1.5, **fields}).encode()
    assert json.loads(*texts(line)).items() >= fields.items()


def test_fluent_bare_foreign_lines_are_not_taken_apart() -> None:
    stream = Stream()
    line = json.dumps({"level": "info", "message": "a\nb", "@timestamp": "t", "source": "x"}).encode() + b"\n"
    stream.learn(Block(line, len(line), 1))
    assert stream.envelope is None


@pytest.mark.parametrize("key", ["partial_message", "source", "container_id", "deep", "kubernetes"])
def test_fluent_fields_may_be_nested_deeper_than_json_is_written(key: str) -> None:
    deep = "[" * 400 + "]" * 400
    for line in (
        f'{{"log":"x","{key}":{deep}}}',
        f'{{"date":1.5,"logemit":1,"event":"task","service":"s","{key}":{deep}}}',
    ):
        assert texts(line.encode(), "fluent") in ([line.encode()], [b"x"])


# Google Cloud


ENTRY = {"insertId": "1", "logName": "l", "timestamp": "2026-11-21T08:25:15.095123456Z", "severity": "INFO"}


def test_gcp_payload_has_lost_its_integers_its_order_and_its_timestamp() -> None:
    payload = {
        "labels": {"n": 2.0},
        "seq": 7.0,
        "event": "task",
        "service": "s",
        "duration_seconds": 0.25,
        "logemit": 1.0,
    }
    (text,) = texts(json.dumps({**ENTRY, "jsonPayload": payload}).encode())
    assert text.startswith(b'{"logemit":1,"event":"task"')
    assert b'"seq":7' in text
    assert b'"n":2}' in text
    assert json.loads(text) == {**payload, "timestamp": ENTRY["timestamp"]}


def test_gcp_timestamp_of_the_payload_is_kept() -> None:
    (text,) = texts(json.dumps({**ENTRY, "jsonPayload": FIELDS}).encode())
    assert json.loads(text) == FIELDS


def test_gcp_proto_payload_holds_nothing() -> None:
    line = json.dumps({**ENTRY, "protoPayload": {"logemit": 1, "event": "task"}}).encode()
    assert texts(line) == [b""]


# Prefixes


def test_compose_with_timestamps() -> None:
    assert texts(wrapped.compose(wrapped.docker_logs(EVENT.decode()).decode())) == [EVENT]


def test_kubectl_prefix_alone() -> None:
    assert texts(b"[pod/shop-5d8f/web] " + EVENT) == [EVENT]


def test_the_docs_name_every_envelope() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", (ROOT / "docs/envelopes.md").read_text("utf-8"), re.MULTILINE)
    assert rows[1:] == [(envelope.name, envelope.title) for envelope in ENVELOPES]
