"""The vocabulary grows by addition only."""

import json
from pathlib import Path

from logemit.jsonschema import line_schema
from logemit.vocabulary import COMMON, EVENTS

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


if __name__ == "__main__":
    LOCK.write_text(json.dumps(described(), indent=1) + "\n")
