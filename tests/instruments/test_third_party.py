"""A module of somebody else's writes lines once its import is another, and nothing else of it changes."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, metrics

import logemit
from tests.conftest import Events

from .adder import added
from .conftest import Samples

SOURCE = Path(__file__).with_name("third_party.py")
NUMBERS = (0, 1, 2, 10, 11, 0, 1000)


def module(package: str) -> ModuleType:
    text = SOURCE.read_text().replace("from prometheus_client import", f"from {package} import")
    made = ModuleType("third_party")
    exec(compile(text, str(SOURCE), "exec"), made.__dict__)
    return made


def without_times(samples: Samples) -> Samples:
    timed = ("queue_job_seconds_sum", "queue_job_seconds_bucket")
    return {key: value for key, value in samples.items() if key[0] not in timed}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Samples:
    """What prometheus_client shows of it, in a registry of its own."""
    registry = CollectorRegistry()
    for name in ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"):
        made = getattr(metrics, name).__init__
        monkeypatch.setattr(getattr(metrics, name), "__init__", in_registry(made, registry))
    module("prometheus_client").work(NUMBERS)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def in_registry(made: Any, registry: CollectorRegistry) -> Any:
    def init(self: Any, *args: Any, **more: Any) -> None:
        made(self, *args, **({"registry": registry} | more))

    return init


def test_replacing_the_import_needs_no_other_change(known: Samples, events: Events) -> None:
    module("logemit").work(NUMBERS)
    logemit.flush()
    assert without_times(added(events())) == without_times(known)
    count = ("queue_job_seconds_count", frozenset({("name", "divide")}))
    assert added(events())[count] == known[count] == len(NUMBERS)


def test_a_module_that_is_imported_again_counts_on(events: Events) -> None:
    for _ in range(3):
        module("logemit").work(NUMBERS)
    logemit.flush()
    samples = added(events())
    assert samples["acme_queue_failed_total", frozenset()] == 3 * NUMBERS.count(0)
    assert samples["queue_waiting", frozenset()] == 0


def test_importing_logemit_imports_none_of_the_heavy_ones() -> None:
    import subprocess

    code = "import sys, logemit; print(*{'prometheus_client', 'django', 'pandas', 'pyarrow', 'numpy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "\n"
