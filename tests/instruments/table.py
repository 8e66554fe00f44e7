"""Calls that an app makes of instruments, each a row: what prometheus_client's own tests assert, and more.

A row is run with prometheus_client and with logemit; `i` has the classes of either, and `more` the registry.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from typing import Any

Row = Callable[[Any, dict[str, Any]], None]
ROWS: dict[str, Row] = {}


def row(function: Row) -> Row:
    ROWS[function.__name__] = function
    return function


class BrokenError(Exception):
    pass


def fails(kind: type[Exception] = BrokenError) -> None:
    raise kind


def tolerated(call: Callable[[], Any], *kinds: type[BaseException]) -> None:
    try:
        call()
    except kinds:
        return
    raise AssertionError("the app's exception must pass")


# Counters.


@row
def a_counter_that_is_not_used(i: Any, more: Any) -> None:
    i.Counter("c_total", "help", **more)


@row
def a_counter_adds_up(i: Any, more: Any) -> None:
    c = i.Counter("c_total", "help", **more)
    c.inc()
    c.inc(7)
    c.inc(0.5)
    c.inc(0)


@row
def a_counter_takes_booleans_and_fractions(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)
    c.inc(True)
    c.inc(Fraction(1, 4))


@row
def a_counter_takes_no_decimals(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).inc(Decimal(1))


@row
def a_counter_takes_no_text(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).inc("1")


@row
def a_counter_refuses_to_fall(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)
    c.inc(2)
    c.inc(-1)


@row
def a_counter_of_more_than_a_double_can_count(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).inc(1e300)


@row
def a_counter_of_infinity(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)
    c.inc(inf)


@row
def a_counter_with_labels_is_used_through_them(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["l"], **more).inc()


@row
def a_counter_is_reset(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)
    c.inc(3)
    c.reset()
    c.inc()


@row
def a_counter_of_exceptions_in_a_function(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)
    tolerated(c.count_exceptions()(fails), BrokenError)
    tolerated(c.count_exceptions(ValueError)(fails), BrokenError)
    tolerated(lambda: c.count_exceptions((ValueError, BrokenError))(fails)(ValueError), ValueError)
    assert c.count_exceptions()(lambda *a, **k: (a, k))(1, b=2) == ((1,), {"b": 2})


@row
def a_counter_of_exceptions_in_a_block(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)

    def block(kind: type[Exception]) -> None:
        with c.count_exceptions(ValueError):
            raise kind

    tolerated(lambda: block(ValueError), ValueError)
    tolerated(lambda: block(KeyError), KeyError)
    with c.count_exceptions():
        pass


@row
def a_counter_of_exceptions_wants_labels_first(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["l"], **more).count_exceptions()


@row
def a_counter_of_exceptions_in_a_coroutine(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", **more)

    @c.count_exceptions()
    async def work() -> None:
        raise BrokenError

    tolerated(lambda: asyncio.run(work()), BrokenError)


@row
def an_exemplar_is_taken(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).inc(2, {"trace": "abc"})
    i.Histogram("h", "help", **more).observe(2, {"trace": "abc"})
    i.Histogram("h2", "help", **more).observe(2, exemplar={"trace": "abc"})


@row
def an_exemplar_that_is_too_long(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).inc(1, exemplar={"trace": "x" * 128})


@row
def an_exemplar_with_a_reserved_label(i: Any, more: Any) -> None:
    i.Histogram("h", "help", **more).observe(1, {"__trace": "x"})


# Gauges.


@row
def a_gauge_that_is_not_used(i: Any, more: Any) -> None:
    i.Gauge("g", "help", **more)


@row
def a_gauge_goes_up_and_down(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", **more)
    g.inc()
    g.dec(3)
    g.inc(amount=0.5)
    g.dec()


@row
def a_gauge_is_set(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", **more)
    g.set(9)
    g.inc(2.5)
    g.dec()


@row
def a_gauge_is_set_from_text(i: Any, more: Any) -> None:
    i.Gauge("g", "help", **more).set("4.25")


@row
def a_gauge_is_set_to_something_else(i: Any, more: Any) -> None:
    i.Gauge("g", "help", **more).set(None)


@row
def a_gauge_moves_by_text(i: Any, more: Any) -> None:
    i.Gauge("g", "help", **more).inc("1")


@row
def a_gauge_is_set_to_now(i: Any, more: Any) -> None:
    i.Gauge("g", "help", **more).set_to_current_time()


@row
def a_gauge_that_is_no_number(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", **more)
    g.set(5)
    g.set(nan)


@row
def a_gauge_with_labels_is_used_through_them(i: Any, more: Any) -> None:
    i.Gauge("g", "help", ["l"], **more).set(1)


@row
def a_gauge_of_an_unknown_mode(i: Any, more: Any) -> None:
    i.Gauge("g", "help", multiprocess_mode="sometimes", **more)


@row
def a_gauge_of_each_mode(i: Any, more: Any) -> None:
    for mode in ("all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent"):
        i.Gauge(f"g_{mode}", "help", multiprocess_mode=mode, **more).set(4)


@row
def a_gauge_of_the_most_recent_value_does_not_move(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", multiprocess_mode="mostrecent", **more)
    g.set(1)
    g.inc()


@row
def a_gauge_of_the_most_recent_living_value_does_not_move(i: Any, more: Any) -> None:
    i.Gauge("g", "help", multiprocess_mode="livemostrecent", **more).dec()


@row
def a_gauge_of_what_is_at_work(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", **more)
    seen = i.Gauge("seen", "help", **more)

    @g.track_inprogress()
    def work(depth: int) -> None:
        seen.inc()
        if depth:
            work(depth - 1)

    work(2)
    with g.track_inprogress():
        g.inc(10)
    tolerated(g.track_inprogress()(fails), BrokenError)


@row
def a_gauge_of_what_is_at_work_wants_labels_first(i: Any, more: Any) -> None:
    i.Gauge("g", "help", ["l"], **more).track_inprogress()


@row
def a_gauge_of_a_function(i: Any, more: Any) -> None:
    items = [1, 2, 3]
    i.Gauge("g", "help", **more).set_function(lambda: len(items))
    labelled = i.Gauge("labelled", "help", ["l"], **more)
    labelled.labels("a").set_function(lambda: 2.5)


@row
def a_gauge_of_a_function_wants_labels_first(i: Any, more: Any) -> None:
    i.Gauge("g", "help", ["l"], **more).set_function(lambda: 1)


@row
def a_gauge_of_a_time(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", **more)
    with g.time():
        pass
    labelled = i.Gauge("labelled", "help", ["l"], **more)
    with labelled.time() as timer:
        timer.labels("a")
    decorated = i.Gauge("decorated", "help", **more)
    assert decorated.time()(lambda: 5)() == 5


@row
def a_gauges_child_that_is_not_used(i: Any, more: Any) -> None:
    i.Gauge("g", "help", ["l"], **more).labels("a")


@row
def a_gauges_child_that_adds_up_and_is_not_used(i: Any, more: Any) -> None:
    i.Gauge("g", "help", ["l"], multiprocess_mode="livesum", **more).labels("a")


# Summaries.


@row
def a_summary(i: Any, more: Any) -> None:
    s = i.Summary("s", "help", **more)
    s.observe(10)
    s.observe(0.25)
    s.observe(-3)


@row
def a_summary_that_is_not_used(i: Any, more: Any) -> None:
    i.Summary("s", "help", **more)
    i.Summary("labelled", "help", ["l"], **more).labels("a")


@row
def a_summary_of_text(i: Any, more: Any) -> None:
    i.Summary("s", "help", **more).observe("1")


@row
def a_summary_of_times(i: Any, more: Any) -> None:
    s = i.Summary("s", "help", **more)

    @s.time()
    def work(depth: int) -> int:
        """Of work."""
        return work(depth - 1) if depth else 7

    assert (work(2), work.__name__, work.__doc__) == (7, "work", "Of work.")
    with s.time() as timer:
        pass
    assert timer.duration == 0.25
    tolerated(s.time()(fails), BrokenError)


@row
def a_summary_of_times_of_a_child_that_is_known_at_the_end(i: Any, more: Any) -> None:
    s = i.Summary("s", "help", ["l"], **more)
    with s.time() as timer:
        timer.labels("end")


@row
def a_summary_with_labels_is_used_through_them(i: Any, more: Any) -> None:
    i.Summary("s", "help", ["l"], **more).observe(1)


@row
def a_summarys_time_without_labels(i: Any, more: Any) -> None:
    with i.Summary("s", "help", ["l"], **more).time():
        pass


@row
def a_summary_of_what_is_no_number(i: Any, more: Any) -> None:
    s = i.Summary("s", "help", **more)
    s.observe(1)
    s.observe(nan)


# Histograms.


@row
def a_histogram(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", **more)
    for amount in (0, 0.005, 0.0050001, 1, 2, 2.5, 5, 9.99, 10, 11, -1):
        h.observe(amount)


@row
def a_histogram_that_is_not_used(i: Any, more: Any) -> None:
    i.Histogram("h", "help", **more)
    i.Histogram("labelled", "help", ["l"], **more).labels("a")
    i.Histogram("odd", "help", ["l"], buckets=[1 / 3], **more).labels("a")


@row
def a_histogram_of_buckets_on_the_grid(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", buckets=(-2.5, 0, 1, "2", 1000, 1e6), **more)
    for amount in (-3, -2.5, -2.4999, 0, 1, 1.5, 2, 999, 1e6, 1e7):
        h.observe(amount)


@row
def a_histogram_of_other_buckets(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", ["l"], buckets=[1 / 3, 0.7777, 1234567, 2e6, inf], **more)
    for amount in (1 / 3, 0.34, 0.7777, 0.77770001, 5, 1234567, 1e9):
        h.labels("x").observe(amount)


@row
def a_histogram_of_bytes(i: Any, more: Any) -> None:
    h = i.Histogram("h_bytes", "help", buckets=[2**power for power in range(10, 31, 4)], **more)
    for amount in (1, 1024, 1025, 2**20, 2**40):
        h.observe(amount)


@row
def a_histogram_of_integers(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", buckets=range(1, 4), **more)
    h.observe(2)


@row
def a_histogram_of_a_bound_that_is_missed_by_less_than_a_nano(i: Any, more: Any) -> None:
    i.Histogram("h", "help", buckets=[0.3], **more).observe(0.1 + 0.2)


@row
def a_histogram_of_what_is_no_number(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", buckets=[1], **more)
    h.observe(0.5)
    h.observe(nan)


@row
def a_histogram_of_infinity(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", buckets=[1], **more)
    h.observe(inf)


@row
def a_histogram_of_other_buckets_and_infinities(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", buckets=[-inf, 1 / 3], **more)
    h.observe(inf)
    h.observe(0.1)


@row
def a_histogram_of_buckets_out_of_order(i: Any, more: Any) -> None:
    i.Histogram("h", "help", buckets=[3, 1], **more)


@row
def a_histogram_without_buckets(i: Any, more: Any) -> None:
    i.Histogram("h", "help", buckets=[], **more)


@row
def a_histogram_of_one_bucket(i: Any, more: Any) -> None:
    i.Histogram("h", "help", buckets=[inf], **more)


@row
def a_histogram_of_a_bucket_that_is_no_number(i: Any, more: Any) -> None:
    i.Histogram("h", "help", buckets=["few"], **more)


@row
def a_histogram_of_times(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", **more)
    h.time()(lambda: None)()
    with h.time():
        pass
    labelled = i.Histogram("labelled", "help", ["l"], **more)
    with labelled.labels("a").time():
        pass
    with labelled.time() as timer:
        timer.labels(l="b")


@row
def a_histogram_of_times_of_a_coroutine(i: Any, more: Any) -> None:
    h = i.Histogram("h", "help", **more)
    at_work = i.Gauge("at_work", "help", **more)
    ticks = i.Gauge("ticks", "help", **more)

    @h.time()
    async def work() -> int:
        with ticks.time():
            await asyncio.sleep(0)
        return 3

    assert asyncio.run(work()) == 3
    at_work.set(1)


@row
def a_histogram_with_labels_is_used_through_them(i: Any, more: Any) -> None:
    i.Histogram("h", "help", ["l"], **more).observe(1)


# Infos and enums.


@row
def an_info(i: Any, more: Any) -> None:
    info = i.Info("build", "help", **more)
    info.info({"version": "1", "host": "a"})
    info.info({"version": "2", "host": "b"})


@row
def an_info_that_is_not_used(i: Any, more: Any) -> None:
    i.Info("build", "help", **more)


@row
def an_info_with_labels(i: Any, more: Any) -> None:
    info = i.Info("build", "help", ["part"], **more)
    info.labels("web").info({"version": "1"})
    info.labels("db").info({"version": "2"})


@row
def an_infos_child_that_is_not_used(i: Any, more: Any) -> None:
    i.Info("build", "help", ["part"], **more).labels("web")


@row
def an_info_that_repeats_a_label(i: Any, more: Any) -> None:
    i.Info("build", "help", ["part"], **more).labels("web").info({"part": "x"})


@row
def an_info_of_nothing(i: Any, more: Any) -> None:
    i.Info("build", "help", **more).info({"version": None})


@row
def an_enum(i: Any, more: Any) -> None:
    e = i.Enum("state", "help", states=["starting", "running", "stopped"], **more)
    e.state("running")
    e.state("stopped")


@row
def an_enum_that_is_not_used(i: Any, more: Any) -> None:
    i.Enum("state", "help", states=["a", "b"], **more)


@row
def an_enum_with_labels(i: Any, more: Any) -> None:
    e = i.Enum("state", "help", ["part"], states=["a", "b"], **more)
    e.labels("x").state("b")
    e.labels("y").state("a")


@row
def an_enums_child_that_is_not_used(i: Any, more: Any) -> None:
    i.Enum("state", "help", ["part"], states=["a", "b"], **more).labels("x")


@row
def an_enum_in_a_state_that_it_does_not_have(i: Any, more: Any) -> None:
    i.Enum("state", "help", states=["a", "b"], **more).state("c")


@row
def an_enum_without_states(i: Any, more: Any) -> None:
    i.Enum("state", "help", states=[], **more)


@row
def an_enum_with_a_label_of_its_name(i: Any, more: Any) -> None:
    i.Enum("state", "help", ["state"], states=["a"], **more)


@row
def an_enum_with_labels_is_used_through_them(i: Any, more: Any) -> None:
    i.Enum("state", "help", ["part"], states=["a"], **more).state("a")


# Names.


@row
def names_are_joined(i: Any, more: Any) -> None:
    i.Counter("c", "help", namespace="a", subsystem="b", unit="bytes", **more).inc()
    i.Counter("d_bytes_total", "help", unit="bytes", **more).inc()
    i.Counter("e_total", "help", unit="seconds", **more).inc()
    i.Gauge("f_total", "help", namespace="n", **more).set(1)
    i.Histogram("h", "help", ["l"], "n", "s", "seconds", **more).labels("x").observe(1)
    i.Summary("s", "help", subsystem="only", **more).observe(2)


@row
def names_of_any_characters(i: Any, more: Any) -> None:
    i.Counter("my-requests.of things", "help", ["a label", "é"], **more).labels("x", "y").inc()


@row
def no_name(i: Any, more: Any) -> None:
    i.Counter("", "help", **more)


@row
def a_name_of_which_nothing_is_left(i: Any, more: Any) -> None:
    i.Counter("_total", "help", **more)


@row
def a_name_that_is_no_text(i: Any, more: Any) -> None:
    i.Counter("\ud800", "help", **more)


@row
def a_unit_of_an_info(i: Any, more: Any) -> None:
    i.Info("i", "help", unit="seconds", **more)


@row
def a_unit_of_an_enum(i: Any, more: Any) -> None:
    i.Enum("e", "help", unit="seconds", states=["a"], **more)


@row
def a_reserved_label(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["__reserved"], **more)


@row
def the_bound_as_a_label(i: Any, more: Any) -> None:
    i.Histogram("h", "help", ["le"], **more)


@row
def the_bound_as_a_label_of_a_counter(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["le", "quantile"], **more).labels("1", "2").inc()


@row
def the_quantile_as_a_label(i: Any, more: Any) -> None:
    i.Summary("s", "help", ["quantile"], **more)


@row
def two_of_one_name(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).inc()
    i.Counter("c_total", "help", **more).inc()


@row
def two_of_one_name_and_different_types(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more)
    i.Gauge("c", "help", **more)


@row
def two_of_one_name_and_different_labels(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more)
    i.Counter("c", "help", ["l"], **more)


@row
def two_that_would_show_the_same_name(i: Any, more: Any) -> None:
    i.Summary("s", "help", **more)
    i.Gauge("s_count", "help", **more)


# Labels.


@row
def children_by_place_and_by_name(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", ["a", "b"], **more)
    c.labels("x", "y").inc()
    c.labels(b="y", a="x").inc()
    c.labels(a="x", b="z").inc()
    assert c.labels("x", "y") is c.labels(b="y", a="x")
    assert isinstance(c.labels("x", "y"), i.Counter)


@row
def values_become_text(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", ["l"], **more)
    for value in (None, 1, 1.5, True, b"x", "1", ("a",)):
        c.labels(value).inc()


@row
def values_that_are_hostile(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", ["l"], **more)
    for value in ("", '"', "\\", "\n", "\x00", "\u2028", "}{", "é", "😀", " " * 5):
        c.labels(value).inc()


@row
def a_childs_child(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["l"], **more).labels("a").labels("b")


@row
def a_child_of_none(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).labels("a")


@row
def too_few_values(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a", "b"], **more).labels("x")


@row
def no_values(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a"], **more).labels()


@row
def values_under_other_names(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a"], **more).labels(b="x")


@row
def values_both_ways(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a", "b"], **more).labels("x", b="y")


@row
def an_empty_list_of_labels(i: Any, more: Any) -> None:
    i.Histogram("h", "help", [], buckets=[1], **more).observe(1)


@row
def label_names_that_are_consumed_once(i: Any, more: Any) -> None:
    i.Counter("c", "help", iter(["a"]), **more).labels("x").inc()


@row
def a_child_that_is_made_directly(i: Any, more: Any) -> None:
    i.Counter("parent", "help", ["a"], **more)
    i.Counter("child", "help", ["a"], _labelvalues=("x",)).inc()


@row
def a_counters_child_is_removed(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", ["l"], **more)
    c.labels("a").inc()
    c.labels("b").inc()
    c.remove("a")
    c.remove("never there")


@row
def a_child_is_removed_and_made_again(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", ["l"], **more)
    c.labels("a").inc(2)
    c.remove("a")
    c.labels("a").inc(3)


@row
def a_gauges_child_that_adds_up_is_removed(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", ["l"], multiprocess_mode="livesum", **more)
    g.labels("a").inc(2)
    g.remove("a")


@row
def the_wrong_number_of_values_is_removed(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a", "b"], **more).remove("x")


@row
def a_child_of_none_is_removed(i: Any, more: Any) -> None:
    i.Counter("c", "help", **more).remove("x")


@row
def children_are_removed_by_some_labels(i: Any, more: Any) -> None:
    c = i.Counter("c", "help", ["a", "b"], **more)
    for values in (("1", "x"), ("1", "y"), ("2", "x")):
        c.labels(*values)
    c.remove_by_labels({"a": 1})
    c.remove_by_labels({})


@row
def children_are_removed_by_labels_that_are_no_dict(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a"], **more).remove_by_labels(["a"])


@row
def children_are_removed_by_unknown_labels(i: Any, more: Any) -> None:
    i.Counter("c", "help", ["a"], **more).remove_by_labels({"b": "x"})


@row
def all_children_are_removed(i: Any, more: Any) -> None:
    g = i.Gauge("g", "help", ["l"], multiprocess_mode="sum", **more)
    g.labels("a").inc()
    g.labels("b").inc()
    g.clear()
    i.Counter("c", "help", **more).clear()


@row
def they_say_what_they_are(i: Any, more: Any) -> None:
    assert str(i.Counter("c_total", "help", **more)) == "counter:c"
    assert str(i.Enum("e", "help", states=["a"], **more)) == "stateset:e"
    assert repr(i.Gauge("g", "help", **more)).endswith(".Gauge(g)")
