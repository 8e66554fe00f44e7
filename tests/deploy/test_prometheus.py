"""deploy/prometheus and how Prometheus is started: by its own tools, and by itself."""

import json
import re
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.command.calls import logemit
from tests.conftest import tool
from tests.monitoring.servers import Prometheus, answers, fetch, node_exporter, promtool, pushgateway
from tests.services import free_port, running

from .conftest import LOG, events_in
from .files import DEPLOY, document, setting, settings
from .serving import served

SECONDS = 60


def test_promtool_takes_the_config() -> None:
    assert "SUCCESS" in promtool("check", "config", DEPLOY / "prometheus/prometheus.yml")


def test_amtool_takes_alertmanager_s() -> None:
    command = [tool("amtool", "prometheus-alertmanager"), "check-config", f"{DEPLOY}/prometheus/alertmanager.yml"]
    assert "SUCCESS" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_alertmanager_s_is_the_command_s_example() -> None:
    """Whose routes have tests of their own."""
    printed = logemit("rules", "--alertmanager").stdout
    told = "run `logemit rules --alertmanager > deploy/prometheus/alertmanager.yml`"
    assert (DEPLOY / "prometheus/alertmanager.yml").read_text("utf-8") == printed, told


def test_secrets_are_files() -> None:
    text = (DEPLOY / "prometheus/alertmanager.yml").read_text()
    secrets = re.findall(r"(\w*(?:password|api_url|routing_key|token)\w*): (\S+)", text)
    assert secrets
    for name, value in secrets:
        assert name.endswith("_file")
        assert value.startswith("/etc/alertmanager/secrets/")


def with_targets(config: Any, targets: dict[str, str]) -> Any:
    """With addresses for the jobs in the place of what DNS would tell; jobs without one are left out."""
    jobs = []
    for job in config["scrape_configs"]:
        if job["job_name"] in targets:
            rest = {name: value for name, value in job.items() if name not in ("dns_sd_configs", "static_configs")}
            jobs.append({**rest, "static_configs": [{"targets": [targets[job["job_name"]]]}]})
    return {**config, "scrape_configs": jobs, "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}


@pytest.fixture(scope="module")
def started(metrics: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus by the command of its drop-in, with the config of deploy/, beside all that it scrapes."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "text").mkdir()
    text = (metrics / "metrics.prom").read_bytes()
    (folder / "text/metrics.prom").write_bytes(text)
    (folder / "text/metrics.prom").chmod(0o644)
    port = free_port()
    with ExitStack() as stack:
        push = stack.enter_context(pushgateway(folder / "push.log"))
        put = urllib.request.Request(f"{push}/metrics/job/nightly/instance/shop", text, method="PUT")
        urllib.request.urlopen(put, timeout=SECONDS).close()
        node = stack.enter_context(node_exporter(folder / "text", folder / "node.log"))
        places = {"prometheus": f"127.0.0.1:{port}", "node": address(node), "pushgateway": address(push)}
        options = document("compose/compose.yaml")["services"]["serve"]["command"][2:]
        served_at, _ = stack.enter_context(served(["serve", str(metrics), *options], folder / "serve.log"))
        places["logemit"] = address(served_at)
        config = with_targets(document("prometheus/prometheus.yml"), places)
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        command = started_by("systemd/prometheus.service.d/logemit.conf", folder)
        command.append(f"--web.listen-address=127.0.0.1:{port}")
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(running(command, folder / "prometheus.log", lambda: answers(f"{url}/-/ready")))
        prometheus = Prometheus(url)
        until_scraped(prometheus, places)
        yield prometheus


def started_by(unit: str, folder: Path) -> list[str]:
    """The command of a unit, with its files in this folder."""
    here = {"--config.file": folder / "prometheus.yml", "--storage.tsdb.path": folder / "data"}
    program, *options = shlex.split(setting(unit, "ExecStart"))
    named = {name: value for name, _, value in (option.partition("=") for option in options)}
    assert set(here) <= set(named)
    return [tool(Path(program).name, "prometheus"), *(f"{name}={value}" for name, value in {**named, **here}.items())]


def address(url: str) -> str:
    return url.removeprefix("http://").partition("/")[0]


def until_scraped(prometheus: Prometheus, jobs: dict[str, str]) -> None:
    began, deadline = time.time(), time.monotonic() + SECONDS
    while min(map(prometheus.scraped, jobs)) < began:
        assert time.monotonic() < deadline, fetch(f"{prometheus.url}/api/v1/targets")
        time.sleep(0.1)


def test_prometheus_keeps_what_its_command_says(started: Prometheus) -> None:
    flags = json.loads(fetch(f"{started.url}/api/v1/status/flags"))["data"]
    assert flags["storage.tsdb.retention.time"] == "30d"
    assert re.fullmatch(r"10(\.0)?\s?Gi?B", flags["storage.tsdb.retention.size"])


def test_the_numbers_arrive_by_the_configured_ways(started: Prometheus) -> None:
    found = started.api("query", query="sum by (job, instance) (logemit_events_total)")["result"]
    values = {(each["metric"]["job"], each["metric"]["instance"]): float(each["value"][1]) for each in found}
    count = float(events_in(LOG.read_bytes()))
    assert values == dict.fromkeys([("logemit", "logemit"), ("node", "node"), ("nightly", "shop")], count)


def test_the_drop_in_takes_away_the_package_s_command() -> None:
    values = [value for name, value in settings("systemd/prometheus.service.d/logemit.conf") if name == "ExecStart"]
    assert values[0] == ""
    assert len(values) == 2


def test_systemd_takes_the_drop_in(tmp_path: Path) -> None:
    unit = tmp_path / "prometheus.service"
    unit.write_text(f"[Service]\nExecStart={tool('prometheus', 'prometheus')} $ARGS\n")
    (tmp_path / "prometheus.service.d").mkdir()
    text = (DEPLOY / "systemd/prometheus.service.d/logemit.conf").read_text()
    (tmp_path / "prometheus.service.d/logemit.conf").write_text(text)
    command = [tool("systemd-analyze", "systemd"), "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
