"""Logs with as many values of a label as lines: what a run needs stays below a bound."""

import json
import subprocess
from pathlib import Path

import pytest

from aggregator.compiled import kept
from tests.conftest import LOGEMIT
from tests.peak import peak_of
from tests.scale import scaled, sized

MOST_BYTES = 600_000_000
"""Resident, whatever the log."""

BOMBS = {
    "views": ("v{n:07}", "s", 3_600),
    "views of a day": ("v{n:07}", "s", 86_400),
    "services": ("home", "s{n:07}", 3_600),
    "long views": ("{n:07}" + "x" * 990, "s", 3_600),
}


@pytest.mark.parametrize("bomb", list(BOMBS)[: scaled(1, 4, 4)])
def test_memory_stays_below_its_bound(tmp_path: Path, bomb: str) -> None:
    view, service, seconds = BOMBS[bomb]
    lines, log = sized(150_000, 1_000_000), tmp_path / "app.log"
    with log.open("w") as file:
        for n in range(lines):
            second = n * seconds // lines
            time = f"2026-11-20T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"
            file.write(
                f'{{"logemit":1,"event":"http_request","timestamp":"{time}","service":"{service.format(n=n)}",'
                f'"proc":"p","seq":{n},"unit":"none","outcome":"ok","method":"GET","view":"{view.format(n=n)}",'
                f'"status":200,"duration_seconds":{n % 1000 / 1e4:.6f},"request_bytes":0,"response_bytes":10}}\n'
            )
    if not kept.is_made():
        subprocess.run([LOGEMIT, "compile"], check=True, capture_output=True)
    told, peak = peak_of(LOGEMIT, "aggregate", log, "--out", tmp_path / "out", "--json")
    assert json.loads(told)["events"] == lines
    assert peak < MOST_BYTES
    shown = (tmp_path / "out/metrics.prom").read_text()
    name = "django_http_requests_total_by_view_transport_method_total{"
    counted = [float(line.split()[-1]) for line in shown.splitlines() if line.startswith(name)]
    assert sum(counted) == lines
    assert len(counted) <= 1002  # a thousand, those over the cap, and those that the totals folded
