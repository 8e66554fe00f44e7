"""Call sites of instruments and the project's own helpers are found, wherever they stand, and nothing else is."""

import pytest

from cli.leaving.traces import Kind, Stage

from .texts import after, found_in, lines_with, traces_of

METRICS = """\
from prometheus_client import Counter, Gauge, Histogram

ORDERS = Counter("shop_orders", "x", ["outcome"])
WAIT = Gauge("shop_wait", "x")
TIMES = Histogram("shop_times", "x")
BY_NAME = {"orders": ORDERS, "wait": WAIT}


class Metrics:
    sizes = Histogram("shop_sizes", "x")

    def __init__(self):
        self.clicks = Counter("shop_clicks", "x")

    @property
    def own(self):  # helper
        return self.clicks

    def touch(self):
        self.clicks.inc()  # call
        return 3


metrics = Metrics()
"""
HELPERS = '''\
import time
from contextlib import contextmanager
from functools import wraps

from shop.metrics import ORDERS, TIMES, WAIT


def record(outcome):  # helper
    """One more."""
    if outcome:
        ORDERS.labels(outcome).inc()  # call


def record_paid():  # helper
    record("paid")  # call


def timed(metric):  # helper
    def decorate(function):
        @wraps(function)
        def inner(*args):
            start = time.time()
            try:
                return function(*args)
            finally:
                metric.observe(time.time() - start)  # call

        return inner

    return decorate


def counted(function):  # helper
    def inner(*args):
        with WAIT.track_inprogress():  # call
            return function(*args)

    return inner


@contextmanager
def waiting():  # helper
    WAIT.inc()  # call
    try:
        yield
    finally:
        WAIT.dec()  # call


class Watch:  # helper
    def __enter__(self):
        self.start = time.time()

    def __exit__(self, *args):
        TIMES.observe(time.time() - self.start)  # call


class Recorder:
    def paid(self):  # helper
        ORDERS.labels("paid").inc()  # call

    def name(self):
        return "x"


recorder = Recorder()
'''
USES = """\
from collections import Counter

import shop.metrics
from shop import metrics as m
from shop.helpers import Watch, counted, record, record_paid, recorder, timed, waiting
from shop.metrics import BY_NAME, ORDERS, TIMES, metrics
from shop.names import OTHER


@timed(TIMES)  # call
@counted  # call
@TIMES.time()  # call
def checkout(order):
    ORDERS.labels(  # call
        "paid",
    ).inc()
    child = ORDERS.labels(outcome="x")  # call
    child.inc(3)  # call
    m.WAIT.set(4)  # call
    shop.metrics.WAIT.dec()  # call
    with TIMES.time(), open("x") as file:  # call
        file.read()
    metrics.clicks.inc()  # call
    metrics.sizes.observe(4)  # call
    metrics.own.inc()  # call
    BY_NAME["wait"].set_to_current_time()  # call
    for metric in BY_NAME.values():
        metric.clear()  # call
    record("paid")  # call
    record_paid()  # call
    with waiting(), Watch():  # call
        recorder.paid()  # call
    recorder.name()
    OTHER.inc()  # call
    order.labels("x").inc()
    words = Counter()
    words.clear()
    words.inc()
    return metrics.touch()


def elsewhere():
    checkout(3)
"""
PROJECT = {
    "shop/__init__.py": "",
    "shop/metrics.py": METRICS,
    "shop/helpers.py": HELPERS,
    "shop/uses.py": USES,
    "shop/names.py": "from .metrics import *\n\nOTHER = WAIT\n",
    "shop/api.py": "from .uses import checkout\n\n\ndef api(request):\n    return checkout(request)\n",
    "shop/other.py": "class ORDERS:\n    def inc(self): ...\n\n\nORDERS().inc()\nmetrics = {}\nmetrics['a'].inc()\n",
}


@pytest.mark.parametrize(("kind", "mark"), [(Kind.CALL, "# call"), (Kind.HELPER, "# helper")])
def test_all_are_found_and_nothing_else(kind: Kind, mark: str) -> None:
    planted = {(path, line) for path, text in PROJECT.items() for line in lines_with(text, mark)}
    assert found_in(PROJECT, kind) == planted


def test_they_need_no_change_where_their_instrument_is_replaced() -> None:
    found = traces_of(PROJECT, Kind.CALL, Kind.HELPER)
    assert not [trace for trace in found if trace.edits or trace.doubt]
    changed = after(PROJECT, Stage.CODE)
    assert [path for path in PROJECT if changed[path] != PROJECT[path]] == ["shop/metrics.py"]
    assert not traces_of(changed)


def test_they_are_left_with_their_instrument() -> None:
    project = {**PROJECT, "tests/test_a.py": "from shop.metrics import WAIT\n\nassert WAIT._value.get() == 3\n"}
    doubts = {(trace.file, trace.line): trace.doubt for trace in traces_of(project, Kind.CALL)}
    of_wait = {place for place, doubt in doubts.items() if "tests/test_a.py:3" in doubt}
    lines = {
        ("shop/uses.py", number) for number in range(1, 60) if "WAIT" in (USES.splitlines() + [""] * 60)[number - 1]
    }
    assert lines & doubts.keys() <= of_wait
    assert ("shop/uses.py", lines_with(USES, "m.WAIT.set").pop()) in of_wait
    assert doubts["shop/uses.py", lines_with(USES, "metrics.sizes").pop()] == ""


def test_who_tells_its_subject() -> None:
    subjects = {trace.line: trace.subject for trace in traces_of(PROJECT, Kind.CALL) if trace.file == "shop/uses.py"}
    assert subjects[lines_with(USES, "m.WAIT.set").pop()] == "shop_wait"
    assert subjects[lines_with(USES, "@timed").pop()] == "shop_times"
    assert subjects[lines_with(USES, "metrics.own.inc").pop()] == "shop_clicks"
