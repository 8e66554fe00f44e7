"""Within a unit of work each child makes one line; folded or each, all totals are the same."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import logemit
from logemit import emitter, families, fold, outside
from logemit.emitter import write_events
from logemit.testing import capture_events
from logemit.unit import Unit, current, entered
from logemit.vocabulary import LINE_LIMIT
from tests.conftest import Events
from tests.scale import scaled

from .adder import added, is_ascending, number
from .conftest import Samples

Work = Callable[[], None]


@pytest.fixture
def unit() -> Unit:
    return Unit("request", "r1")


def finish(unit: Unit) -> None:
    write_events(unit.close() or (), unit)


def measurements(events: Events, name: str) -> list[dict[str, Any]]:
    return [event for event in events("measurement") if event["name"] == name]


def test_a_unit_makes_one_line_of_each_child(events: Events, unit: Unit) -> None:
    c = logemit.Counter("c", "help", ["l"])
    h = logemit.Histogram("h", "help")
    with entered(unit):
        for n in range(50):
            c.labels("a").inc()
            c.labels("b").inc(2)
            h.observe(n % 3)
    finish(unit)
    a, b = measurements(events, "c")
    assert (a["labels"], a["value"], a["count"]) == ({"l": "a"}, 50, 50)
    assert (b["labels"], b["value"], b["count"]) == ({"l": "b"}, 100, 50)
    (line,) = measurements(events, "h")
    assert (line["value"], line["count"], line["value_min"], line["value_max"]) == (49, 50, 0, 2)
    assert line["bins"] == "0:17,1:17,2:16"
    assert {line["request_id"] for line in (a, b, line)} == {"r1"}


def test_a_declaration_is_told_once_before_the_first_measurement(events: Events) -> None:
    c = logemit.Counter("c_total", "All of them.", ["l", "m"])
    for _ in range(3):
        c.labels("a", "b").inc()
        logemit.flush()
    first, *rest = events()
    assert {name: first[name] for name in ("event", "name", "kind", "help", "label_names", "declared")} == {
        "event": "instrument",
        "name": "c",
        "kind": "counter",
        "help": "All of them.",
        "label_names": "l,m",
        "declared": 1,
    }
    assert [line["event"] for line in rest] == ["measurement"] * 3


def test_a_declaration_tells_buckets_and_states(events: Events) -> None:
    logemit.Histogram("h", "help", buckets=[-1, 0.5, 1e6, float("inf")])
    logemit.Enum("e", "help", states=["a", "b,c"])
    logemit.flush()
    told = {event["name"]: event for event in events("instrument")}
    assert told["h"]["buckets"] == "-1.0,0.5,1e+06"
    assert told["e"]["states"] == '["a","b,c"]'


def test_a_new_output_is_told_again(events: Events, output: Any) -> None:
    c = logemit.Counter("c", "help")
    c.inc()
    logemit.flush()
    emitter.reset()
    c.inc()
    logemit.flush()
    assert [event["event"] for event in events()] == ["instrument", "measurement"] * 2


def test_what_happens_outside_any_unit_waits_for_a_flush(events: Events) -> None:
    logemit.Counter("c", "help").inc()
    assert events() == []
    logemit.flush()
    (line,) = measurements(events, "c")
    assert (line["value"], line["unit"]) == (1, "none")


def test_a_unit_that_is_closed_hands_its_operations_to_the_thread(events: Events, unit: Unit) -> None:
    c = logemit.Counter("c", "help")
    with entered(unit):
        c.inc()
        finish(unit)
        c.inc(5)
    logemit.flush()
    assert [(line["value"], line["unit"]) for line in measurements(events, "c")] == [(1, "request"), (5, "none")]


def test_a_request_that_is_left_out_counts_all_the_same(events: Events, unit: Unit) -> None:
    """What is left out is what logemit tells of it; instruments are the app's own."""
    c = logemit.Counter("c", "help")
    unit.muted = True
    with entered(unit):
        c.inc()
    finish(unit)
    logemit.flush()
    assert [line["value"] for line in measurements(events, "c")] == [1]


def test_flush_writes_the_current_unit_too(events: Events, unit: Unit) -> None:
    c = logemit.Counter("c", "help")
    with entered(unit):
        c.inc()
        logemit.flush()
        assert [line["unit"] for line in measurements(events, "c")] == ["request"]


def test_switched_off_nothing_is_written_and_refusals_stay(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGEMIT_ENABLED", "0")
    emitter.reset()
    c = logemit.Counter("c", "help")
    g = logemit.Gauge("g", "help", multiprocess_mode="sum")
    c.inc()
    g.inc(5)
    with pytest.raises(ValueError, match="non-negative"):
        c.inc(-1)
    logemit.flush()
    assert events() == []
    monkeypatch.setenv("LOGEMIT_ENABLED", "1")
    emitter.reset()
    g.inc()
    logemit.flush()
    assert added(events()) == {("g", frozenset()): 6}


def test_many_operations_are_written_before_the_unit_ends(events: Events, unit: Unit) -> None:
    c = logemit.Counter("c", "help")
    with entered(unit):
        for _ in range(fold.FLUSH_OPERATIONS * 2 + 1):
            c.inc()
        assert sum(line["count"] for line in measurements(events, "c")) == fold.FLUSH_OPERATIONS * 2
    finish(unit)
    assert sum(line["count"] for line in measurements(events, "c")) == fold.FLUSH_OPERATIONS * 2 + 1


def test_more_bins_than_a_line_holds_make_several(events: Events) -> None:
    labels = {f"label_{n}": "x" * 100 for n in range(9)}
    h = logemit.Histogram("h" * 200, "help", list(labels)).labels(**labels)
    values = [Decimal(n) / 7 - 40 for n in range(600)]
    for value in values:
        h.observe(float(value))
    logemit.flush()
    lines = measurements(events, "h" * 200)
    assert len(lines) > 1
    assert all("cut" not in line and is_ascending(line["bins"]) for line in lines)
    assert sum(line["count"] for line in lines) == 600
    assert sum(number(line["value"]) for line in lines) == sum(number(float(value)) for value in values)
    for line in lines:
        assert sum(int(pair.rpartition(":")[2]) for pair in line["bins"].split(",")) == line["count"]


def test_labels_are_cut_below_a_kilobyte_and_still_apart(events: Events) -> None:
    c = logemit.Counter("c", "help", ["path", "id"])
    odd = logemit.Histogram("odd", "help", ["path"], buckets=[1 / 3])
    c.labels("é" * 3000, "1").inc()
    c.labels("é" * 3000, "2").inc()
    odd.labels("\x00" * 3000).observe(1)
    logemit.flush()
    one, two = measurements(events, "c")
    assert (one["labels"]["id"], two["labels"]["id"]) == ("1", "2")
    assert one["labels"]["path"].endswith("…")
    for line in events("measurement"):
        as_json = emitter_json(line["labels"])
        assert len(as_json) < 1024
        assert "cut" not in line
    assert added(events())["odd_count", frozenset({("path", measurements(events, "odd")[0]["labels"]["path"])})] == 1


def emitter_json(labels: dict[str, str]) -> bytes:
    import json

    return json.dumps(labels, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=scaled(20, 60, 60))
@given(st.dictionaries(st.text(max_size=300), st.text(max_size=2000), min_size=1, max_size=8))
def test_any_labels_make_lines_that_fit(labels: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "_families", {})
        patch.setattr(families, "_exposed", {})
        with capture_events() as captured:
            try:
                c = logemit.Counter("c", "help", labels)
            except ValueError:
                assert any(name.startswith("__") for name in labels)
                return
            c.labels(**labels).inc()
    (line,) = captured.of("measurement")
    assert line["value"] == 1
    assert len(emitter_json(line["labels"])) < 1024


def test_a_long_help_and_many_buckets_fit_a_line(events: Events, output: Any) -> None:
    bounds = [n / 8 for n in range(1, 2000)]
    logemit.Histogram("h", "é" * 5000, buckets=bounds).observe(7)
    logemit.Enum("e", "help", states=[f"state {n}" for n in range(500)]).state("state 499")
    logemit.flush()
    assert max(map(len, output.read_bytes().splitlines())) < LINE_LIMIT
    told = {event["name"]: event for event in events("instrument")}
    assert all("cut" not in event for event in told.values())
    shown = [float(bound) for bound in told["h"]["buckets"].split(",")]
    assert set(shown) <= set(bounds)
    assert len(shown) > 50
    assert "states" not in told["e"]


def test_sums_that_no_double_holds_are_exact_in_two_lines(events: Events) -> None:
    s = logemit.Summary("s", "help")
    amounts = [9_007_199_254_740_991, 0.000000001, 1_234_567.000000001, 0.1]
    for amount in amounts:
        s.observe(amount)
    logemit.flush()
    lines = measurements(events, "s")
    assert sum(number(line["value"]) for line in lines) == sum(map(number, amounts))
    assert [line["count"] for line in lines] == [4, 0]


def test_an_apps_own_decimal_context_changes_nothing(events: Events) -> None:
    import decimal

    s = logemit.Summary("s", "help")
    with decimal.localcontext() as context:
        context.prec = 3
        s.observe(123456.7890123456)
        logemit.flush()
    assert [line["value"] for line in measurements(events, "s")] == [123456.789012346]


def test_threads_lose_nothing(events: Events, unit: Unit) -> None:
    c = logemit.Counter("c", "help", ["l"])
    g = logemit.Gauge("g", "help", multiprocess_mode="sum")
    barrier = threading.Barrier(8)

    def work(shared: bool) -> None:
        barrier.wait()
        token = current.set(unit) if shared else None
        for n in range(700):
            c.labels(str(n % 5)).inc()
            g.inc()
            g.dec(0.5)
        if token is not None:
            current.reset(token)

    threads = [threading.Thread(target=work, args=(n % 2 == 0,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finish(unit)
    del threads, thread
    logemit.flush()
    samples = added(events())
    assert [samples["c_total", frozenset({("l", str(n))})] for n in range(5)] == [8 * 140] * 5
    assert samples["g", frozenset()] == 8 * 700 * 0.5


def test_a_signal_in_the_middle_of_an_operation_loses_nothing(events: Events) -> None:
    import signal

    c = logemit.Counter("c", "help")
    g = logemit.Gauge("g", "help", multiprocess_mode="sum")
    seen = 0

    def handler(*_args: object) -> None:
        nonlocal seen
        seen += 1
        c.inc()
        g.inc()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        done = 0
        while seen < 200:
            c.inc()
            g.inc()
            done += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    logemit.flush()
    samples = added(events())
    assert samples["c_total", frozenset()] == done + seen
    assert samples["g", frozenset()] == done + seen


def test_an_exception_of_a_signal_handler_in_the_middle_of_ours_is_the_apps(events: Events) -> None:
    """As Celery's SoftTimeLimitExceeded."""
    import signal

    class TimeLimitError(Exception):
        pass

    def handler(*_args: object) -> None:
        raise TimeLimitError

    def until_the_alarm() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        while True:
            c.inc()

    c = logemit.Counter("c", "help")
    before = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(20):
            with pytest.raises(TimeLimitError):
                until_the_alarm()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_error_of_ours_never_reaches_the_app(monkeypatch: pytest.MonkeyPatch, events: Events) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(emitter, "_told", set())
    monkeypatch.setattr(outside, "fold_in", fail)
    logemit.Counter("c", "help").inc()
    logemit.Gauge("g", "help").set(1)
    monkeypatch.undo()


amounts = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-1e7, 1e7),
    st.sampled_from([0.005, 0.1, -2.5, 1 / 3, 1e-9, 5e-10, 1e6, 1e15]),
)
operations = st.lists(st.tuples(st.sampled_from("chbsg"), st.sampled_from("ab"), amounts), max_size=30)


def run(done: list[tuple[str, str, float]], between: Work) -> Samples:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "_families", {})
        patch.setattr(families, "_exposed", {})
        with capture_events() as captured:
            made = {
                "c": logemit.Counter("c", "help", ["l"]),
                "h": logemit.Histogram("h", "help", ["l"], buckets=[0, 0.1, 1]),
                "b": logemit.Histogram("b", "help", ["l"], buckets=[0.1, 1 / 3, 7]),
                "s": logemit.Summary("s", "help", ["l"]),
                "g": logemit.Gauge("g", "help", ["l"], multiprocess_mode="livesum"),
            }
            for name, label, amount in done:
                child: Any = made[name].labels(label)
                if name == "c":
                    child.inc(abs(amount))
                elif name == "g":
                    child.set(amount)
                else:
                    child.observe(amount)
                between()
        return added(captured)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_folded_equals_each(done: list[tuple[str, str, float]]) -> None:
    assert run(done, lambda: None) == run(done, logemit.flush)


@settings(deadline=None)
@given(st.lists(amounts, min_size=1, max_size=40))
def test_steps_of_a_gauge_add_up_to_its_value(values: list[float]) -> None:
    finite = [value for value in values if abs(value) <= 2**53]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "_families", {})
        patch.setattr(families, "_exposed", {})
        with capture_events() as captured:
            g = logemit.Gauge("g", "help", multiprocess_mode="sum")
            for value in finite:
                g.set(value)
                logemit.flush()
    steps = [number(line["step"]) for line in captured.of("measurement")]
    last = number(finite[-1] if finite else 0)
    assert abs(sum(steps, Decimal(0)) - last) <= max(map(abs, [*steps[-1:], last])) * Decimal("3e-16")
