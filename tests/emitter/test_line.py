"""One event, one line: flat JSON of at most 4,096 bytes, whatever an app hands in."""

import datetime
import decimal
import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import logemit
from logemit import emitter
from logemit.vocabulary import LINE_LIMIT
from tests.conftest import Events

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_every_line_begins_with_its_version_and_name(output: Path) -> None:
    logemit.emit("alert_created", product="DriftWatch", severity="high")
    line = output.read_text()
    assert line.startswith('{"logemit":1,"event":"alert_created","timestamp":"')
    assert line.endswith("}\n")
    event = json.loads(line)
    assert list(event)[:7] == ["logemit", "event", "timestamp", "service", "proc", "seq", "unit"]
    assert (event["product"], event["severity"], event["unit"]) == ("DriftWatch", "high", "none")


def test_the_timestamp_has_microseconds_also_at_a_whole_second(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logemit.line.time_ns", lambda: 1_795_176_000_000_000_999)
    logemit.emit("tick")
    assert events()[0]["timestamp"] == "2026-11-20T12:00:00.000000Z"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.text(), values, max_size=8))
def test_any_fields_make_one_valid_line(output: Path, fields: dict[str, object]) -> None:
    output.unlink(missing_ok=True)
    emitter.reset()
    logemit.emit("anything", **fields)
    data = output.read_bytes()
    assert data.count(b"\n") == 1
    assert len(data) <= LINE_LIMIT
    event = json.loads(data)
    assert event["event"] == "anything"
    assert not any(isinstance(value, dict | list) for value in event.values())


def test_values_become_plain(events: Events) -> None:
    identity = uuid.uuid4()
    logemit.emit(
        "odd",
        id=identity,
        price=decimal.Decimal("1.5"),
        on=datetime.date(2026, 1, 2),
        tags=["a"],
        none=None,
        lone="\ud800",
    )
    event = events()[0]
    assert event["id"] == str(identity)
    assert (event["price"], event["on"], event["tags"], event["lone"]) == (1.5, "2026-01-02", '["a"]', "?")
    assert "none" not in event


def test_a_number_as_identity_is_written_as_text(events: Events) -> None:
    logemit.emit("feed_poll", feed_id=7, status="success")
    assert events()[0]["feed_id"] == "7"


def test_a_reserved_name_keeps_its_value_under_another(events: Events) -> None:
    logemit.emit("weighed", unit="kg", seq=5)
    event = events()[0]
    assert (event["unit"], event["unit_"], event["seq"], event["seq_"]) == ("none", "kg", 0, 5)


def test_long_values_are_cut_and_the_cut_is_counted(output: Path) -> None:
    logemit.emit("long", text="ä" * 5000, more="y" * 3000, kept=1)
    data = output.read_bytes()
    event = json.loads(data)
    assert len(data) <= LINE_LIMIT
    assert event["cut"] == 2
    assert event["kept"] == 1
    assert event["text"].endswith("…")


def test_too_many_fields_are_left_out_and_counted(output: Path) -> None:
    logemit.emit("wide", **{f"field_{i}": "x" * 20 for i in range(400)})
    data = output.read_bytes()
    event = json.loads(data)
    assert len(data) <= LINE_LIMIT
    kept = [name for name in event if name.startswith("field_")]
    assert event["cut"] == 400 - sum(event[name] == "x" * 20 for name in kept)


def test_bound_request_id_is_honoured_and_other_context_stays_out(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc", ip="10.0.0.1", tenant="t1"):
        logemit.emit("a")
        monkeypatch.setenv("LOGEMIT_CONTEXT_FIELDS", "request_id,tenant")
        emitter.reset()
        logemit.emit("b")
    a, b = events()
    assert (a["request_id"], a.get("ip"), a.get("tenant")) == ("abc", None, None)
    assert (b["request_id"], b.get("ip"), b.get("tenant")) == ("abc", None, "t1")


def test_a_bound_name_that_an_event_declares_is_not_taken_for_its_field(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or every query of that app would be a failed one."""
    monkeypatch.setenv("LOGEMIT_CONTEXT_FIELDS", "error,tenant")
    emitter.reset()
    with structlog.contextvars.bound_contextvars(error="E42", tenant="t1"):
        emitter.write_events([("db_connection", {"alias": "default"}), ("own", {})], None)
    connection, own = events()
    assert "error" not in connection
    assert (connection["error_"], connection["tenant"]) == ("E42", "t1")
    assert (own["error"], own["tenant"]) == ("E42", "t1")


def shout(_logger: object, _method: str, event_dict: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if event_dict["event"] == "secret":
        raise structlog.DropEvent
    return {**event_dict, "shouted": True}


def test_processors_of_the_users_own_run_on_every_event(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGEMIT_PROCESSORS", "tests.emitter.test_line.shout")
    emitter.reset()
    logemit.emit("secret")
    logemit.emit("open")
    assert [(event["event"], event["shouted"]) for event in events()] == [("open", True)]


def test_a_processor_that_fails_never_reaches_the_app(
    events: Events, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LOGEMIT_PROCESSORS", "builtins.len")
    monkeypatch.setattr(emitter, "_told", set())
    emitter.reset()
    for _ in range(3):
        logemit.emit("lost")
    assert events() == []
    assert [record.getMessage()[:17] for record in caplog.records] == ["an event was lost"]


def test_the_users_structlog_configuration_stays_untouched() -> None:
    code = (
        "import structlog, logemit; before = structlog.get_config(); logemit.emit('x');"
        "assert structlog.get_config() == before and not structlog.is_configured()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_importing_logemit_loads_neither_django_nor_pandas() -> None:
    code = (
        "import sys, logemit, logemit.vocabulary; logemit.emit('x');"
        "heavy = {'django', 'pandas', 'pyarrow', 'numpy', 'typer', 'prometheus_client'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


HEAVY = "{'pandas', 'pyarrow', 'numpy', 'typer', 'celery', 'kombu', 'rest_framework', 'psycopg', 'psycopg_pool'}"


def test_a_web_process_loads_nothing_heavy_on_our_account() -> None:
    code = (
        "import sys, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.django_side.settings';"
        "from django.core.wsgi import get_wsgi_application; application = get_wsgi_application();"
        "from django.test import RequestFactory;"
        "environ = RequestFactory().get('/queries/a/').environ;"
        "response = application(environ, lambda *_: None); response.close();"
        "assert 'logemit.exchange' in sys.modules;"
        f"heavy = {HEAVY} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    assert b'"event":"process_stats"' in done.stdout


def picky(_logger: object, _method: str, event_dict: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if event_dict["event"] == "bad":
        raise KeyError
    return {**event_dict, "unit": "u" * 1_000_000, "seq": 5, "proc": "mine"}


def test_a_processor_that_fails_on_one_event_loses_that_one_and_it_is_counted(
    events: Events, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGEMIT_PROCESSORS", "tests.emitter.test_line.picky")
    emitter.reset()
    emitter.write_events([("good", {}), ("bad", {}), ("good", {})], None)
    first, second = events()
    assert (first["event"], second["event"], first["dropped"]) == ("good", "good", 1)
    assert all(len(line) < LINE_LIMIT for line in output.read_bytes().splitlines())
    assert (first["seq"], second["seq"]) == (0, 1)
    assert output.read_bytes().count(b'"seq":') == 2


def test_numbers_that_json_cannot_hold_become_text(events: Events) -> None:
    logemit.emit("odd", big=10**400, nan=decimal.Decimal("sNaN"), listed=[10**400])
    event = events()[0]
    assert event["big"].startswith("0x")
    assert event["nan"] == "Decimal('sNaN')"
