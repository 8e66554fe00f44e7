"""Jobs by which Prometheus asks the app for its metrics."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import PurePosixPath

import yaml

from ..traces import Kind, Stage, Trace, shown
from .manifests import yaml_files
from .surroundings import Surroundings
from .yaml_places import Entry, documents

SERVER = re.compile(
    r"gunicorn|uvicorn|manage\.py|celery|daphne|hypercorn|granian|waitress|django-admin|uwsgi|runserver"
)
"""What a process of the app is started with."""
_NOT_THE_APP = re.compile(r"logemit|exporter")
_DJANGO = re.compile(r"(?<![a-z])django(?![a-z])", re.IGNORECASE)
_DOUBT = (
    "Prometheus is to ask where logemit's text is: the textfile collector of a node_exporter, or `logemit serve`"
    " (docs/prometheus.md)"
)


def find(around: Surroundings) -> Iterator[Trace]:
    services = cache(lambda: frozenset(_services(around)))
    for path, text in yaml_files(around):
        if "scrape_configs" not in text and "job_name" not in text:
            continue
        for every in documents(text):
            for job in every:
                if job.child("job_name") and isinstance(job.path[-1], int):
                    inside = [entry for entry in every if entry.path[: len(job.path)] == job.path]
                    if _asks_the_app(around, job, inside, services()):
                        yield _trace(path, text, job, inside)


def _trace(path: str, text: str, job: Entry, inside: Sequence[Entry]) -> Trace:
    last = max(entry.line for entry in inside)
    advice = "let Prometheus have logemit's text in its place"
    return Trace(
        *(path, job.line, Kind.SCRAPE, Stage.SETTINGS, shown(text, job.line), advice),
        subject=job.child("job_name"),
        doubt=_DOUBT,
        last_line=last,
    )


def _asks_the_app(around: Surroundings, job: Entry, inside: Sequence[Entry], services: frozenset[str]) -> bool:
    asked = job.child("metrics_path").strip("/")
    if asked and asked != "metrics" and asked in around.routes:
        return True
    if asked and asked not in {"metrics", *around.routes}:
        return False
    name = job.child("job_name")
    if _NOT_THE_APP.search(name):
        return False
    targets = [entry.value for entry in inside if "targets" in entry.path[-2:-1]]
    hosts = {re.sub(r"^https?://", "", target).partition(":")[0] for target in targets}
    ports = {int(found) for target in targets for found in re.findall(r":(\d{2,5})$", target)}
    if any(_NOT_THE_APP.search(host) for host in hosts):
        return False
    named = {*hosts, name, *(entry.value for entry in inside if entry.path[-1] == "names")}
    return bool(hosts & services or ports & around.ports or any(_DJANGO.search(each) for each in named))


def _services(around: Surroundings) -> Iterator[str]:
    """Names of compose's that run this project."""
    for path, text in yaml_files(around):
        if not re.search(r"compose", PurePosixPath(path).name) or "services" not in text:
            continue
        for every in documents(text):
            found = [entry for entry in every if len(entry.path) == 2 and entry.path[0] == "services"]
            built = {entry.child("image") for entry in found if _context(entry) is not None} - {""}
            for entry in found:
                if _runs_the_app(around, path, entry, built):
                    yield str(entry.path[1])
                    yield from filter(None, [entry.child("container_name"), entry.child("hostname")])


def _runs_the_app(around: Surroundings, path: str, service: Entry, built: set[str]) -> bool:
    command = " ".join(_words(service, "command") + _words(service, "entrypoint"))
    if _NOT_THE_APP.search(command):
        return False
    context = _context(service)
    if context is None:
        return service.child("image") in built or bool(SERVER.search(command))
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), context))
    prefix = "" if folder in {".", ".."} else f"{folder}/"
    return any(
        each.startswith(prefix) and posixpath.basename(each) == "manage.py" for each in around.project.paths
    ) or (bool(SERVER.search(command)))


def _context(service: Entry) -> str | None:
    pairs = service.node.value if isinstance(service.node, yaml.MappingNode) else ()
    for key, value in pairs:
        if key.value == "build":
            if isinstance(value, yaml.ScalarNode):
                return str(value.value)
            inner = value.value if isinstance(value, yaml.MappingNode) else ()
            return next((str(v.value) for k, v in inner if k.value == "context"), ".")
    return None


def _words(service: Entry, name: str) -> list[str]:
    pairs = service.node.value if isinstance(service.node, yaml.MappingNode) else ()
    for key, value in pairs:
        if key.value == name:
            parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
            return [str(part.value) for part in parts]
    return []
