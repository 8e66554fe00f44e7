"""Prometheus and what stands around it, real and short-lived, on loopback ports of their own."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import tool
from tests.services import free_port, running

Labels = frozenset[tuple[str, str]]
"""Of a series, with its name as `__name__` where it has one."""

ATTACHED = {"job", "instance"}
"""Labels that a scrape attaches."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    url: str

    def query(self, expression: str, at: float | None = None) -> dict[Labels, float]:
        """An instant vector, without the labels that the scrape attached."""
        found = self.api("query", query=expression, **({} if at is None else {"time": f"{at:.3f}"}))
        assert found["resultType"] == "vector", found
        values = {_labels(each["metric"]): float(each["value"][1]) for each in found["result"]}
        assert len(values) == len(found["result"]), "series that differ in what a scrape attached only"
        return values

    def query_range(self, expression: str, start: float, end: float, step: float) -> dict[Labels, dict[float, float]]:
        """Values by time, in seconds."""
        found = self.api("query_range", query=expression, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step:g}s")
        return {
            _labels(each["metric"]): {float(at): float(value) for at, value in each["values"]}
            for each in found["result"]
        }

    def api(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of its API."""
        answer = json.loads(fetch(f"{self.url}/api/v1/{path}", parameters))
        assert answer["status"] == "success", answer
        return answer["data"]

    def scraped(self, job: str) -> float:
        """When a target of a job was last scraped well, in seconds since 1970; 0 where it never was."""
        up = f'up{{job="{job}"}}'
        found = self.api("query", query=f"timestamp({up}) and ({up} == 1)")["result"]
        return max((float(each["value"][1]) for each in found), default=0.0)


@contextmanager
def prometheus(
    folder: Path, config: str = "", *, data: Path | None = None, options: Sequence[str] = ()
) -> Iterator[Prometheus]:
    """With this prometheus.yml; its blocks lie in `data`."""
    port = free_port()
    file = folder / "prometheus.yml"
    file.write_text(config)
    command = [
        tool("prometheus", "prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={data or folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        *options,
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "prometheus.log", lambda: answers(f"{url}/-/ready")):
        yield Prometheus(url)


@contextmanager
def node_exporter(folder: Path, log: Path) -> Iterator[str]:
    """The URL of the metrics of one that reads the text files in a folder, and nothing else."""
    port = free_port()
    command = [
        tool("prometheus-node-exporter", "prometheus-node-exporter"),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}/metrics"
    with running(command, log, lambda: answers(url)):
        yield url


@contextmanager
def pushgateway(log: Path) -> Iterator[str]:
    """The URL of one that keeps nothing on disk."""
    port = free_port()
    program = tool("prometheus-pushgateway", "prometheus-pushgateway")
    # Debian's keeps what was pushed in /var/lib, for the next one, unless it is told not to.
    command = [program, "--persistence.file=", f"--web.listen-address=127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}"
    with running(command, log, lambda: answers(f"{url}/-/ready")):
        yield url


def scrape_config(targets: Mapping[str, str], interval: str = "1s") -> str:
    """A prometheus.yml; `targets` are URLs of metrics by their job."""
    jobs = []
    for job, url in targets.items():
        parts = urllib.parse.urlsplit(url)
        jobs.append(
            {
                "job_name": job,
                "metrics_path": parts.path,
                "honor_labels": True,
                "static_configs": [{"targets": [parts.netloc]}],
            }
        )
    return json.dumps({"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": jobs})


def promtool(*arguments: str | Path, given: str | None = None) -> str:
    """What it prints; fails where it finds fault."""
    command = [tool("promtool", "prometheus"), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def fetch(url: str, parameters: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> str:
    """The body of an answer; of a POST where there are parameters."""
    data = urllib.parse.urlencode(parameters).encode() if parameters is not None else None
    request = urllib.request.Request(url, data, dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as exc:
        raise AssertionError(f"{url}: {exc.code}: {exc.read().decode(errors='replace')}") from None


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def _labels(metric: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in metric.items() if name not in ATTACHED)
