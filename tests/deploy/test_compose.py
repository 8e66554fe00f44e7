"""deploy/compose: held against Compose's schema, each name in it against what it names; what can run here runs."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, tool
from tests.monitoring.servers import answers, promtool
from tests.services import free_port, running

from .conftest import Machine, counted, events_in
from .files import DEPLOY, calls_in, check_call, document, documents, instructions, interpolated, setting

COMPOSE: dict[str, Any] = document("compose/compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APP = DEPLOY / "compose/app/Dockerfile"


def script_of(name: str) -> str:
    return interpolated(SERVICES[name]["command"][0])


def by_schema(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_compose_s_schema_takes_it() -> None:
    done = by_schema(DEPLOY / "compose/compose.yaml")
    assert done.returncode == 0, done.stdout


def test_compose_s_schema_refuses_a_slip(tmp_path: Path) -> None:
    slip = tmp_path / "compose.yaml"
    slip.write_text((DEPLOY / "compose/compose.yaml").read_text().replace("read_only:", "readonly:"))
    assert by_schema(slip).returncode == 1


def test_volumes_and_folders_that_are_mounted_are_there() -> None:
    sources = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    paths = {source for source in sources if source.startswith(".")}
    assert sources - paths == set(COMPOSE["volumes"])
    for path in paths - {"./secrets"}:  # that is the user's own, and not for a repository
        assert (DEPLOY / "compose" / path).is_file()
    assert "deploy/compose/secrets/" in (ROOT / ".gitignore").read_text().split("/", 1)[1]


def test_services_depend_on_services() -> None:
    named = {name for service in SERVICES.values() for name in service.get("depends_on", {})}
    assert named <= set(SERVICES)


def test_ports_are_open_on_this_machine_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_one_way_of_two_brings_the_numbers() -> None:
    """Both at once would double every sum."""
    chosen = re.findall(r"^COMPOSE_PROFILES=(\w+)$", (DEPLOY / "compose/.env").read_text(), re.MULTILINE)
    ways = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert ways == {"serve": ["serve"], "node-exporter": ["textfile"]}
    assert chosen == ["serve"]


def test_the_interval_of_the_runs_is_that_of_the_rules() -> None:
    (interval,) = re.findall(r"^INTERVAL=(.*)$", (DEPLOY / "compose/.env").read_text(), re.MULTILINE)
    raw = SERVICES["schedule"]["command"][0] + SERVICES["provision"]["command"][0]
    assert re.findall(r"\$\{INTERVAL:-(\w+)\}", raw) == [interval] * 3
    assert re.fullmatch(r"\d+m", interval)  # as sleep and logemit both have it


def test_prometheus_keeps_30_days_and_10_gb_wherever_it_is_started() -> None:
    wanted = {"--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=10GB"}
    assert wanted <= set(SERVICES["prometheus"]["command"])
    assert wanted <= set(setting("systemd/prometheus.service.d/logemit.conf", "ExecStart").split())
    stated = (DEPLOY / "prometheus/prometheus.yml").read_text()
    assert all(option in stated for option in wanted)


def test_prometheus_finds_services_by_their_names_and_ports() -> None:
    config = document("prometheus/prometheus.yml")
    found = {sd["names"][0]: sd["port"] for job in config["scrape_configs"] for sd in job.get("dns_sd_configs", [])}
    assert set(found) - {"pushgateway"} == {"serve", "node-exporter"} <= set(SERVICES)
    command = SERVICES["serve"]["command"]
    assert found["serve"] == int(command[command.index("--port") + 1])
    assert found["node-exporter"] == 9100
    ((alertmanager,),) = (each["static_configs"][0]["targets"] for each in config["alerting"]["alertmanagers"])
    assert alertmanager.split(":")[0] in SERVICES


def mounted(service: str, volume: str) -> Path:
    """Where."""
    (target,) = (each.split(":")[1] for each in SERVICES[service]["volumes"] if each.split(":")[0] == volume)
    return Path(target)


def test_what_is_provisioned_is_where_its_readers_look() -> None:
    rules, dashboards = (
        Path(call[call.index(option) + 1]).relative_to(mounted("provision", "provisioned"))
        for call in calls_in(script_of("provision"))
        for option in ("-o", "--all")
        if option in call
    )
    (pattern,) = document("prometheus/prometheus.yml")["rule_files"]
    assert (mounted("prometheus", "provisioned") / rules).match(f"/etc/prometheus/{pattern}")
    (provider,) = document("compose/grafana/dashboards.yml")["providers"]
    assert Path(provider["options"]["path"]) == mounted("grafana", "provisioned") / dashboards


def test_grafana_s_source_is_prometheus() -> None:
    (source,) = document("compose/grafana/datasources.yml")["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert source["jsonData"]["timeInterval"] == document("prometheus/prometheus.yml")["global"]["scrape_interval"]


@contextmanager
def app_server(machine: Machine) -> Iterator[str]:
    """The URL of the example's project under gunicorn, as its image starts it."""
    port = free_port()
    (command,) = (json.loads(rest)[2] for word, rest in instructions(APP) if word == "CMD")
    assert "--bind=0.0.0.0:8000" in command
    (machine.app / "data").mkdir()
    environment = {name: machine.here(value) for name, value in SERVICES["app"]["environment"].items()}
    environment |= {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    url = f"http://127.0.0.1:{port}"
    script = command.replace("0.0.0.0:8000", f"127.0.0.1:{port}")
    folder, log = ROOT / "examples/bookmarks", machine.root / "app.log"
    with running(["sh", "-c", script], log, lambda: answers(f"{url}/bookmarks/"), cwd=folder, env=environment):
        yield url


def test_pages_that_were_asked_for_are_counted_by_the_schedule(machine: Machine) -> None:
    (machine.app / "logs/app.log").unlink()
    with app_server(machine) as url:
        for _ in range(5):
            urllib.request.urlopen(f"{url}/bookmarks/", timeout=60).close()
        probe = SERVICES["app"]["healthcheck"]["test"][2:]
        asked = [word.replace("http://127.0.0.1:8000", url) for word in probe]
        subprocess.run([sys.executable, *asked], check=True, timeout=60)
    for call in calls_in(script_of("schedule")):
        check_call(call)
    tool("logrotate", "logrotate", folders=["/usr/sbin"])
    rotation = machine.here((DEPLOY / "logrotate/logemit").read_text())
    (machine.root / "etc/logrotate.d/logemit").write_text(rotation)
    (machine.root / "etc/logrotate.d/logemit").chmod(0o644)
    done = machine.run(re.sub(r"sleep \w+", "break", script_of("schedule")))
    assert (done.returncode, done.stderr) == (0, "")
    log = (machine.app / "logs/app.log").read_bytes()
    assert log.count(b'"event":"http_request"') >= 7  # one was to see whether it is there
    assert counted(machine.app / "metrics") == events_in(log)
    assert (machine.app / "logs/.logrotate").exists()


def test_the_schedule_goes_on_after_a_run_that_failed(machine: Machine) -> None:
    (machine.app / "logs/app.log").unlink()
    script = re.sub(r"logrotate .*", ":", re.sub(r"sleep \w+", "break", script_of("schedule")))
    done = machine.run(re.sub(r" --textfile \S+", "", script))
    assert done.returncode == 0
    assert "no such" in done.stderr


def test_rules_and_dashboards_are_made_at_the_start(machine: Machine) -> None:
    for call in calls_in(script_of("provision")):
        check_call(call)
    (machine.app / "provisioned").mkdir()
    for _ in range(2):  # at each start
        done = machine.run(f"set -e\n{script_of('provision')}")
        assert (done.returncode, done.stderr) == (0, "")
    promtool("check", "rules", machine.app / "provisioned/logemit.yml")
    assert list((machine.app / "provisioned/dashboards").glob("*.json"))


def test_every_document_is_yaml() -> None:
    for path in [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.yaml")]:
        assert documents(str(path.relative_to(DEPLOY)))
