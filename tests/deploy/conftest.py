import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.config import load
from aggregator.run import aggregate
from tests.conftest import LOGEMIT, ROOT

LOG = ROOT / "sample_logs/alerting/stdout.log"


@dataclass(frozen=True)
class Machine:
    """A folder that stands for `/`: with the app's recorded log, and logemit installed beside it."""

    root: Path

    @property
    def app(self) -> Path:
        return self.root / "srv/app"

    def here(self, text: str) -> str:
        """With the paths of this machine."""
        for folder in ("/srv/app", "/var/lib", "/var/cache", "/etc"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
        env = {**os.environ, "PATH": path, "COLUMNS": "80", **variables}
        shell = ["sh", "-c", self.here(script)]
        return subprocess.run(shell, env=env, cwd=self.root, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    app = tmp_path / "srv/app"
    for folder in (
        app / ".venv/bin", app / "logs", app / "textfile",
        tmp_path / "var/lib/prometheus/node-exporter", tmp_path / "var/lib/logemit", tmp_path / "etc/logrotate.d",
    ):  # fmt: skip
        folder.mkdir(parents=True)
    (app / ".venv/bin/logemit").symlink_to(LOGEMIT)
    shutil.copy(LOG, app / "logs/app.log")
    return Machine(tmp_path)


@pytest.fixture(scope="package")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder, of the log."""
    out = tmp_path_factory.mktemp("aggregated") / "metrics"
    aggregate([str(LOG)], out, load(None))
    return out


def events_in(log: bytes) -> int:
    """Counted as plainly as can be."""
    return sum(line.startswith(b'{"logemit":1,') for line in log.splitlines())


def counted(out: Path) -> int:
    """Events that the text of an output folder speaks of."""
    return events_of((out / "metrics.prom").read_text("utf-8"))


def events_of(text: str) -> int:
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith("logemit_events_total{"))
