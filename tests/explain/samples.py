"""Samples of the golden metrics.prom files, chosen so that every family is there, and what stands where in a log."""

import gzip
from functools import cache
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT

_PARTS = ("bucket", "count", "sum")
CASES = ROOT / "sample_logs"


class Golden(NamedTuple):
    log: Path
    name: str
    labels: dict[str, str]
    value: float
    type: str

    @property
    def asked(self) -> str:
        """As a user writes it, spelled by other means than logemit's."""
        pairs = (f'{name}="{_escaped(value)}"' for name, value in self.labels.items())
        return f"{self.name}{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def log_of(case: Path) -> Path:
    (log,) = case.glob("*.log*")
    return log


@cache
def golden() -> list[Golden]:
    """Of each family in any file the middle sample that is not 0, from the smallest log; of a histogram one part."""
    found: dict[str, Golden] = {}
    for expected in sorted(CASES.glob("*/expected.prom"), key=lambda path: path.stat().st_size):
        for family in text_string_to_metric_families(expected.read_text()):
            by_name: dict[str, list[Golden]] = {}
            for name, labels, value, *_ in family.samples:
                by_name.setdefault(name, []).append(Golden(log_of(expected.parent), name, labels, value, family.type))
            for name, samples in by_name.items():
                told = [sample for sample in samples if sample.value]
                if told and not (name in found and found[name].value):
                    found[name] = told[len(told) // 2]
                found.setdefault(name, samples[0])
    chosen = [found[name] for name in sorted(found) if not name.startswith("logemit_")]
    histograms = sorted({each.name.rpartition("_")[0] for each in chosen if each.type == "histogram"})
    parts = {f"{family}_{_PARTS[number % 3]}" for number, family in enumerate(histograms)}
    return [each for each in chosen if each.type != "histogram" or each.name in parts]


def content(log: Path) -> bytes:
    return gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes()
