"""A package with instruments in many styles shows the same numbers through logemit as it did by prometheus_client."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from aggregator import aggregate
from aggregator.config import load
from cli.leaving.audit import audit
from cli.leaving.project import read
from cli.leaving.stages import migrate
from cli.leaving.traces import Kind, Stage
from cli.leaving.writing import write

PACKAGE = {
    "shop/__init__.py": "",
    "shop/metrics.py": '''
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram as Times
import prometheus_client as prom

SPACE = "shop"
OWN = CollectorRegistry()

ORDERS = Counter("orders_total", "Orders.", ["outcome"], namespace=SPACE)
WAITING = Gauge("waiting", "Orders that wait.", namespace=SPACE, registry=REGISTRY)
PAYMENT = Times("shop_payment_seconds", "Payments.", buckets=(0.1, 0.5, 2.5), registry=OWN)
SIZES = {"small": prom.Summary("shop_small", "x"), "large": prom.Summary("shop_large", "x", unit="bytes")}


class Build:
    info = prom.Info("shop_build", "What runs.")

    def __init__(self):
        self.state = prom.Enum("shop_state", "x", states=["starting", "running"])


def counter(name, **options):
    """Of the shop."""
    return Counter(f"shop_{name}", "x", **options)


CLICKS = counter("clicks", labelnames=["page"])
FAILURES = counter("failures")
''',
    "shop/helpers.py": """
from functools import wraps

from .metrics import FAILURES, ORDERS, PAYMENT


def watched(histogram, value):
    def decorate(function):
        @wraps(function)
        def inner(*args):
            histogram.observe(value)
            with FAILURES.count_exceptions():
                return function(*args)

        return inner

    return decorate


def record(outcome, amount=1):
    ORDERS.labels(outcome).inc(amount)


@watched(PAYMENT, 0.3)
def pay(amount):
    if amount < 0:
        raise ValueError(amount)
    record("paid")
""",
    "shop/__main__.py": """
from . import metrics
from .helpers import pay, record
from .metrics import CLICKS, SIZES, WAITING, Build

build = Build()
build.state.state("running")
Build.info.info({"version": "1.4"})
for amount in (1, 2, -3):
    WAITING.inc()
    try:
        pay(amount)
    except ValueError:
        record("refused", 0.5)
with WAITING.track_inprogress():
    metrics.PAYMENT.observe(0.05)
    metrics.PAYMENT.observe(7)
WAITING.set(4)
for size in SIZES.values():
    size.observe(12.5)
CLICKS.labels(page="/").inc(3)
""",
}
SHOW = """
import runpy
from prometheus_client import generate_latest
runpy.run_module("shop", run_name="__main__")
from shop.metrics import OWN
print((generate_latest() + generate_latest(OWN)).decode())
"""


def test_the_numbers_are_the_same(tmp_path: Path) -> None:
    for path, text in PACKAGE.items():
        (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / path).write_text(text)
    before = samples(run(tmp_path / "app", "-c", SHOW))
    write(migrate(read(tmp_path / "app"), [Stage.CODE])[1])
    left = audit(read(tmp_path / "app")).traces
    assert [(trace.kind, trace.subject) for trace in left if trace.kind is Kind.INSTRUMENT or trace.doubt] == []
    log = tmp_path / "app.log"
    log.write_text(run(tmp_path / "app", "-m", "shop"))
    aggregate([str(log)], tmp_path / "out", load(None))
    after = samples((tmp_path / "out" / "metrics.prom").read_text())
    assert len(before) == 18
    assert {key: after.get(key) for key in before} == before


def run(folder: Path, *arguments: str) -> str:
    paths = os.pathsep.join([str(folder), str(Path(__file__).parents[2])])
    settings = {**os.environ, "PYTHONPATH": paths, "LOGEMIT_OUTPUT": "stdout"}
    done = subprocess.run([sys.executable, *arguments], env=settings, capture_output=True, text=True, check=True)
    return done.stdout


Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Of the package's own instruments, without the service."""
    return {
        (sample.name, frozenset(pair for pair in sample.labels.items() if pair[0] != "service")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("shop_") and not sample.name.endswith("_created")
    }
