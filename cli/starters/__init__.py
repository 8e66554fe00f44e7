"""What `logemit init` writes and prints, from files: a logemit.toml, and those of deploy/."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import UsageError
from aggregator.origin import suggestion

CONFIG = "logemit.toml"
APP = "/srv/app"
"""Where the files of deploy/ have the app."""

_HERE = Path(__file__).parent
_HOMES = ("/home/", "/root/")
"""What systemd's ProtectHome=yes takes away."""

_WITH_CONFIG = re.compile(r"(logemit aggregate .*--out \S+|logemit compact \S+)")
_SAFE = re.compile(r"[\w./-]+", re.ASCII)
_DNS = re.compile(
    r" {4}dns_sd_configs:\n {6}- names: .*\n {8}type: A\n {8}port: (\d+)\n {4}relabel_configs:\n(?: {6}.*\n)+"
)


@dataclass(frozen=True, slots=True)
class Platform:
    """`files` of deploy/ that run logemit; how Prometheus gets the numbers: a `job` of its config, or in `files`."""

    files: tuple[str, ...]
    job: str = ""
    is_host: bool = False
    """The app's folder and the ports are those of one machine."""


_BUCKET = ("kustomization", "namespace", "volume", "cronjob", "serve", "servicemonitor")
PLATFORMS = {
    "cron": Platform(("cron/crontab",), "node", is_host=True),
    "systemd": Platform(
        ("systemd/logemit.service", "systemd/logemit.timer", "systemd/logemit-serve.service"), "logemit", is_host=True
    ),
    "compose": Platform(("compose/compose.yaml",), "logemit"),
    "kubernetes": Platform(tuple(f"kubernetes/bucket/{name}.yaml" for name in _BUCKET)),
    "lambda": Platform(("lambda/template.yaml", "lambda/handler.py", "lambda/Dockerfile"), "logemit", is_host=True),
}


def platform(name: str) -> Platform:
    """Raises UsageError."""
    if name not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise UsageError(f"--platform is {name!r:.80}, expected one of {known}{suggestion(name, PLATFORMS)}")
    return PLATFORMS[name]


def config() -> str:
    """A logemit.toml in which every setting is commented out."""
    return (_HERE / CONFIG).read_text("utf-8")


def deployed(name: str) -> str:
    """A file of deploy/: in the wheel they are beside this one, in a checkout at its top."""
    folders = (_HERE / "deploy", _HERE.parent.parent / "deploy")
    return next(folder for folder in folders if folder.is_dir()).joinpath(name).read_text("utf-8")


def files(of: Platform, app: Path, command: Path, config: Path) -> Iterator[tuple[str, str]]:
    """Each with its name; on a host with the folder of the app, the command and its --config as they are there."""
    for name in of.files:
        text = deployed(name)
        yield name, _on_host(text, app, command, config) if of.is_host else text


def _on_host(text: str, app: Path, command: Path, config: Path) -> str:
    """Names that a shell, cron or systemd would read otherwise are left as they were, for the user to see to."""
    settings = str(config) if _SAFE.fullmatch(str(config)) else f"{APP}/{CONFIG}"
    text = _WITH_CONFIG.sub(rf"\1 --config {settings}", text)
    if _SAFE.fullmatch(str(command)):
        text = re.sub(rf"(?:{APP}/)?\.venv/bin/logemit", str(command), text)
    if any(str(app).startswith(home) for home in _HOMES):
        text = text.replace("ProtectHome=yes", "ProtectHome=read-only")
    return text.replace(APP, str(app)) if _SAFE.fullmatch(str(app)) else text


def scrape(of: Platform) -> str:
    """What Prometheus needs: the job of deploy/prometheus/prometheus.yml; "" where it is among the platform's files."""
    if not of.job:
        return ""
    text = deployed("prometheus/prometheus.yml")
    found = re.search(rf"^  - job_name: {of.job}\n(?: {{4}}.*\n)+", text, re.MULTILINE)
    assert found is not None, of.job
    job = found[0]
    if of.is_host:
        job = _DNS.sub(r'    static_configs:\n      - targets: ["localhost:\1"]\n', job)
    return f"scrape_configs:\n{job}"
