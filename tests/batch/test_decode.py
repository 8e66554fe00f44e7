"""The reference decoder: what counts, what is rejected and why, and what only loses a field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.catalogue import shipped
from aggregator.decode import Decoded, Decoder
from aggregator.lines import Block
from aggregator.records import Records, unwrap
from aggregator.streams import Stream

BASE: dict[str, Any] = {
    "logemit": 1,
    "event": "feed_poll",
    "timestamp": "2026-11-20T12:00:00.000001Z",
    "service": "bookmarks",
    "proc": "p",
    "seq": 0,
}


def line(**fields: Any) -> bytes:
    return json.dumps({**BASE, **fields}, separators=(",", ":")).encode()


def decode(*lines: bytes) -> Decoded:
    return Decoder(shipped()).decode(records(b"".join(text + b"\n" for text in lines)))


def column(decoded: Decoded, name: str, event: str = "feed_poll") -> list[Any]:
    return decoded.batches[event].columns[name]


def reason(text: bytes) -> str:
    (rejection,) = decode(text).rejections
    return f"{rejection.kind}: {rejection.reason}"


def test_a_plain_event() -> None:
    decoded = decode(line(feed_id="7", status="success", duration_seconds=0.25, items_new=3))
    row = {name: values[0] for name, values in decoded.batches["feed_poll"].columns.items()}
    assert row["timestamp"] == 1_795_176_000_000_001
    assert (row["feed_id"], row["status"], row["count"]) == ("7", "success", 1)
    assert (row["duration_seconds"], row["duration_seconds_low"], row["items_new"]) == (250_000, 250_000, 3)
    assert row["items_discovered"] is None


@pytest.mark.parametrize("missing", [{}, {"status": None}, {"status": ""}])
def test_missing_null_and_empty_are_one_dimension_value(missing: dict[str, Any]) -> None:
    assert column(decode(line(**missing)), "status") == [""]


def test_numbers_and_booleans_are_dimensions_as_text() -> None:
    decoded = decode(line(event="http_request", status=404, ajax=True), line(feed_id=7))
    assert column(decoded, "status", "http_request") == ["404"]
    assert column(decoded, "ajax", "http_request") == ["true"]
    assert column(decoded, "feed_id") == ["7"]


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "-0.1", "1e999", "1e300", "1125899906.842625", "9" * 300]
)
def test_a_number_that_cannot_be_measured_loses_only_its_field(value: str) -> None:
    decoded = decode(line(duration_seconds=0).replace(b'"duration_seconds":0', f'"duration_seconds":{value}'.encode()))
    assert decoded.rejections == []
    assert decoded.fields_invalid == {"feed_poll.duration_seconds": 1}
    assert column(decoded, "duration_seconds") == [None]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": 5.5}, "type: feed_poll.status: expected text, found 5.5"),
        ({"status": ["x"]}, "type: feed_poll.status: expected text"),
        ({"status": True}, "type: feed_poll.status: expected text"),
        ({"items_new": "3"}, "type: feed_poll.items_new: expected a number"),
        ({"items_new": 1.5}, "type: feed_poll.items_new: expected a whole number"),
        ({"items_new": True}, "type: feed_poll.items_new: expected a number"),
        ({"duration_seconds": {}}, "type: feed_poll.duration_seconds: expected a number"),
        ({"service": 1.5}, "type: service: expected text"),
        ({"event": ""}, "type: event is ''"),
        ({"event": 5}, "type: event is 5"),
        ({"logemit": 2}, "version: schema version 2"),
        ({"logemit": None}, "version: schema version None"),
        ({"proc": ""}, "type: proc"),
        ({"proc": 5}, "type: proc"),
        ({"proc": "x" * 65}, "type: proc"),
        ({"seq": -1}, "type: seq"),
        ({"seq": 2**63}, "type: seq"),
        ({"seq": None}, "type: seq"),
        ({"seq": True}, "type: seq"),
        ({"timestamp": None}, "timestamp: timestamp: expected ISO 8601"),
        ({"timestamp": "yesterday"}, "timestamp: timestamp: expected ISO 8601"),
        ({"timestamp": 1795176000}, "timestamp: timestamp: expected ISO 8601"),
        ({"timestamp": "2026-11-20T12:00:00"}, "timestamp: timestamp: '2026-11-20T12:00:00' has no zone"),
        ({"timestamp": "1969-11-20T12:00:00Z"}, "timestamp: timestamp: '1969-11-20T12:00:00Z' is before 2000"),
    ],
)
def test_a_line_of_the_wrong_type_is_rejected_with_its_reason(fields: dict[str, Any], expected: str) -> None:
    assert reason(line(**fields)).startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        b'{"logemit":1',
        b'{"logemit":1,}',
        b'{"logemit":1,"event":"x"} trailing',
        b'{"logemit":1,"event":"\xff"}',
        b'{"logemit":1,"event":"a\x00b"}',
        b'{"logemit":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"logemit":' + b"9" * 5000 + b"}",
        b'{"logemit":1,"deep":' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
    ],
)
def test_broken_json_is_rejected(text: bytes) -> None:
    assert reason(text).split(":")[0] in {"json", "version"}


@pytest.mark.parametrize("name", ["logemit", "event", "timestamp", "service", "proc", "seq", "feed_id"])
def test_a_value_however_deep_is_rejected_and_not_followed(name: str) -> None:
    deep = b"[" * 1000 + b"]" * 1000
    text = line(**{name: 0}).replace(b'"%s":0' % name.encode(), b'"%s":%s' % (name.encode(), deep))
    assert deep in text
    assert "[[[" in reason(text)


def test_lone_surrogates_become_question_marks() -> None:
    decoded = decode(line(status="x").replace(b'"x"', b'"\\ud800y"'))
    assert column(decoded, "status") == ["?y"]


def test_of_a_repeated_key_the_last_counts() -> None:
    assert column(decode(line(status="a").replace(b'"status":"a"', b'"status":"a","status":"b"')), "status") == ["b"]


def test_offsets_are_converted_to_utc() -> None:
    utc, offset = line(), line(timestamp="2026-11-20T17:30:00.000001+05:30")
    assert len(set(column(decode(utc, offset), "timestamp"))) == 1


def test_additional_fields_are_passed_over() -> None:
    assert decode(line(novelty={"a": [1]}, other=None)).rejections == []


def test_an_unknown_event_counts_and_brings_no_columns_of_its_own() -> None:
    decoded = decode(line(event="page_turned", severity="high"))
    assert set(decoded.batches["page_turned"].columns) == {"timestamp", "service", "proc", "seq", "count"}


def query(**fields: Any) -> bytes:
    base = {"event": "db_query", "alias": "default", "count": 3, "duration_seconds": 0.03, "bins": "0.01:2,0.0125:1"}
    return line(**{**base, **fields})


def test_a_fold_brings_its_extremes_and_bins() -> None:
    decoded = decode(query(duration_min_seconds=0.009, duration_max_seconds=0.0121))
    row = {name: values[0] for name, values in decoded.batches["db_query"].columns.items()}
    assert (row["count"], row["duration_seconds"]) == (3, 30_000)
    assert (row["duration_seconds_low"], row["duration_seconds_high"]) == (9_000, 12_100)
    assert row["duration_seconds_bins"] == ((0.01, 2), (0.0125, 1))


@pytest.mark.parametrize("bins", ["0.010:2,1.25e-2:1", "1E-2:2,+.0125:1", "0000.01:2,12.5e-03:1"])
def test_bounds_of_bins_in_any_decimal_spelling(bins: str) -> None:
    assert column(decode(query(bins=bins)), "duration_seconds_bins", "db_query") == [((0.01, 2), (0.0125, 1))]


@pytest.mark.parametrize(
    "le", ["0.0100001", "1_0", "\u0665", " 0.01", "0.01\n", "-0.01", "1e999999", "0" * 99, "inf", "nan"]
)
def test_a_bound_that_is_no_decimal_number_on_the_grid(le: str) -> None:
    assert reason(query(bins=f"{le}:3")).startswith("type: db_query.bins")


def test_two_long_queries_count_alike_when_folded_and_when_written_each() -> None:
    """The sum of a fold may pass the grid: its extremes say how long its queries were."""
    fold = {"count": 2, "duration_min_seconds": 600_000, "duration_max_seconds": 600_000, "bins": "600000:2"}
    each = decode(query(count=1, duration_seconds=600_000, bins=None))
    folded = decode(query(duration_seconds=1_200_000, **fold))
    for decoded, total in ((each, 600_000), (folded, 1_200_000)):
        assert decoded.fields_invalid == {}
        assert column(decoded, "duration_seconds", "db_query") == [total * 10**6]
        assert column(decoded, "duration_seconds_high", "db_query") == [600_000 * 10**6]


def test_a_duration_beyond_the_grid_is_one_up_to_what_parquet_shows_exactly() -> None:
    decoded = decode(line(duration_seconds=1_000_000.000001), line(duration_seconds=2**50 / 10**6))
    assert column(decoded, "duration_seconds") == [10**12 + 1, 2**50]
    assert decoded.fields_invalid == {}


@pytest.mark.parametrize(
    ("fields", "invalid"),
    [
        ({"duration_max_seconds": 2**51 / 10**6}, "duration_seconds"),
        ({"duration_max_seconds": 1e300}, "duration_max_seconds"),
        ({"duration_min_seconds": -1}, "duration_min_seconds"),
        ({"duration_seconds": 4 * 2**50 / 10**6}, "duration_seconds"),
        ({"duration_seconds": 4e18}, "duration_seconds"),
    ],
)
def test_a_fold_with_a_duration_that_cannot_be_measured_loses_it_whole(fields: dict[str, Any], invalid: str) -> None:
    decoded = decode(query(**{"duration_min_seconds": 0.001, "duration_max_seconds": 0.02, **fields}))
    assert decoded.fields_invalid == {f"db_query.{invalid}": 1}
    for part in ("", "_low", "_high", "_bins"):
        assert column(decoded, f"duration_seconds{part}", "db_query") == [None]
    assert column(decoded, "count", "db_query") == [3]


def test_a_fold_that_does_not_tell_its_extremes_has_none() -> None:
    assert column(decode(query()), "duration_seconds_high", "db_query") == [None]


def test_a_fold_may_count_nothing_and_hold_keys() -> None:
    """Keys not found by a read that found others; rows that no driver tells."""
    decoded = decode(
        line(event="cache_operation", operation="get_many", hit=False, count=0, keys=3),
        line(event="model_change", model="shop.Item", operation="update", count=0, unknown=1),
    )
    assert (decoded.rejections, decoded.fields_invalid) == ([], {})
    assert (column(decoded, "count", "cache_operation"), column(decoded, "keys", "cache_operation")) == ([0], [3])
    assert (column(decoded, "count", "model_change"), column(decoded, "unknown", "model_change")) == ([0], [1])


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "-1", "1e301", "9" * 400])
def test_a_gauge_that_is_no_level_loses_only_its_field(value: str) -> None:
    text = line(event="process_stats", rss_bytes=0, threads=7).replace(
        b'"rss_bytes":0', f'"rss_bytes":{value}'.encode()
    )
    decoded = decode(text)
    assert decoded.fields_invalid == {"process_stats.rss_bytes": 1}
    assert column(decoded, "rss_bytes_last", "process_stats") == [None]
    assert column(decoded, "threads_last", "process_stats") == [7.0]


def test_gauges_may_be_larger_than_what_adds_up() -> None:
    """A process may map terabytes, and have no limit of open files."""
    decoded = decode(line(event="process_stats", vms_bytes=2**45, max_fds=2**64))
    assert column(decoded, "vms_bytes_last", "process_stats") == [2.0**45]
    assert column(decoded, "max_fds_last", "process_stats") == [2.0**64]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rss_bytes": "5"}, "type: process_stats.rss_bytes: expected a number"),
        ({"rss_bytes": True}, "type: process_stats.rss_bytes: expected a number"),
        ({"threads": 1.5}, "type: process_stats.threads: expected a whole number"),
    ],
)
def test_a_gauge_of_the_wrong_type_rejects_its_line(fields: dict[str, Any], expected: str) -> None:
    assert reason(line(event="process_stats", **fields)).startswith(expected)


@pytest.mark.parametrize("bins", ["0.01:2", "0.01:2,0.0125:2", "0.011111:3", "0.01:x", "0.01", "", "0.01:-3", 3, None])
def test_bins_that_do_not_fit_are_rejected(bins: object) -> None:
    assert reason(query(bins=bins)).startswith("type: db_query.bins")


def records(data: bytes) -> Records:
    return unwrap(Block(data, len(data), 1), Stream())


def test_foreign_lines_are_counted_and_passed_over() -> None:
    found = records(b'[INFO] boot\n{"other":1}\n\n  \n' + line() + b"\r\n" + b'{"seen":"{\\"logemit\\":1}"}\n')
    assert (found.read, found.foreign, [record.line for record in found.events]) == (6, 5, [5])


def test_two_objects_glued_on_a_line_are_two_events() -> None:
    found = records(line(seq=1) + line(seq=2) + b" " + line(seq=3) + b"\nnext\n")
    assert [json.loads(record.text)["seq"] for record in found.events] == [1, 2, 3]
    assert (found.read, found.foreign) == (4, 1)


def test_an_event_behind_text_that_lost_its_newline_counts() -> None:
    found = records(b"Traceback (most recent call last):" + line(seq=1) + b"\n  File x\n")
    assert ([record.line for record in found.events], found.foreign, found.read) == ([1], 1, 2)


def test_quoted_events_inside_other_text_do_not_count() -> None:
    found = records(b'{"seen":' + line() + b"}\n" + b"saw " + line() + b" again\n")
    assert (found.events, found.foreign) == ([], 2)


def test_bytes_are_split_at_newlines_and_nowhere_else() -> None:
    text = json.dumps({**BASE, "status": "a\u2028b\x85c"}, ensure_ascii=False).replace(" ", "").encode()
    decoded = decode(text.replace(b'"logemit":1', b'"logemit":1'), b"x\x0b\x0c\x1c\x85y")
    assert column(decoded, "status") == ["a\u2028b\x85c"]


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([line(), line()[:-1], line() + line(), b'{"logemit":']), max_size=9
    )
)
def test_any_bytes_balance(pieces: list[bytes]) -> None:
    data = b"".join(piece.replace(b"\n", b"") + b"\n" for piece in pieces)
    found = records(data)
    decoded = Decoder(shipped()).decode(found)
    events = sum(len(batch) for batch in decoded.batches.values())
    assert found.read == events + len(decoded.rejections) + found.foreign >= len(pieces)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4), st.data()
)
def test_any_value_in_any_field_is_a_row_or_a_reason(value: object, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*BASE, "status", "items_new", "duration_seconds"]))
    decoded = decode(line(**{name: value}))
    assert len(decoded.rejections) + sum(map(len, decoded.batches.values())) <= 1
