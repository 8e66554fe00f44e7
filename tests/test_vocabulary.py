"""The vocabulary grows by addition only."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from aggregator.catalogue import shipped
from logemit.jsonschema import line_schema
from logemit.vocabulary import COMMON, EVENTS, LINE_LIMIT
from tests.conftest import ROOT

SAMPLES = ROOT / "sample_logs"
OWN = {summary.event for summary in shipped().summaries} - {event.name for event in EVENTS}
"""Events that only the catalogue names: they may hold what they like."""
LOCK = Path(__file__).with_name("vocabulary.lock.json")


def described() -> dict[str, dict[str, list[object]]]:
    groups = [("common", COMMON), *((event.name, event.fields) for event in EVENTS)]
    return {
        name: {field.name: [field.type, field.unit, field.dimension, field.cardinality] for field in fields}
        for name, fields in groups
    }


def test_nothing_that_was_promised_is_gone_or_changed() -> None:
    now = described()
    for group, fields in json.loads(LOCK.read_text()).items():
        for name, promised in fields.items():
            assert now.get(group, {}).get(name) == promised, f"{group}.{name} was promised as {promised}"


def test_the_lock_file_holds_all_of_the_vocabulary() -> None:
    assert json.loads(LOCK.read_text()) == described(), "run: python -m tests.test_vocabulary"


def test_names_are_unique() -> None:
    assert len({event.name for event in EVENTS}) == len(EVENTS)
    common = {field.name for field in COMMON}
    for event in EVENTS:
        names = [field.name for field in event.fields]
        assert len(set(names)) == len(names)
        assert not common & set(names)


def test_a_dimension_says_how_many_values_it_takes() -> None:
    for event in EVENTS:
        for field in event.fields:
            assert field.doc
            assert not field.dimension or field.cardinality != "unbounded"


def test_the_schema_describes_every_event_and_field() -> None:
    schema = line_schema()
    assert set(schema["$defs"]) == {event.name for event in EVENTS}
    for event in EVENTS:
        assert set(schema["$defs"][event.name]["properties"]) == {field.name for field in event.fields}


def events_of(log: Path) -> Iterator[bytes]:
    data = log.read_bytes()
    data = gzip.decompress(data) if log.suffix == ".gz" else data
    return (line for line in data.splitlines() if line.startswith(b'{"logemit":'))


@pytest.mark.parametrize("log", sorted(SAMPLES.glob("*/*.log*")), ids=lambda log: log.parent.name)
def test_every_recorded_line_fits_the_schema_and_the_limit(log: Path) -> None:
    validator = Draft202012Validator(line_schema())
    validator.check_schema(validator.schema)
    lines = list(events_of(log))
    assert len(lines) > 100
    for line in lines:
        assert len(line) < LINE_LIMIT
        event = json.loads(line)
        assert list(event)[:2] == ["logemit", "event"]
        validator.validate(event)
        if event["event"] in OWN:
            continue
        known = {*validator.schema["properties"], *validator.schema["$defs"][event["event"]]["properties"]}
        assert set(event) <= known


def test_the_schema_refuses_what_is_wrong() -> None:
    validator = Draft202012Validator(line_schema())
    good = {"logemit": 1, "event": "task", "timestamp": "2026-11-20T12:00:00Z", "service": "s", "retries": 1}
    assert validator.is_valid(good)
    wrong = ({"logemit": 2}, {"retries": "1"}, {"retries": -1}, {"service": None})
    assert not any(validator.is_valid(good | change) for change in wrong)


if __name__ == "__main__":
    LOCK.write_text(json.dumps(described(), indent=1) + "\n")
