"""What asks the app for metrics, but for Prometheus itself: health checks, annotations, monitors, ports."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import yaml

from ..traces import Kind, Stage, Trace, line_of, shown
from .addresses import routes_in
from .manifests import yaml_files
from .scrapes import SERVER
from .surroundings import Surroundings
from .yaml_places import Entry, documents

_FOREIGN = re.compile(
    r"exporter|prometheus|grafana|redis|postgres|mysql|nginx|rabbitmq|traefik|memcached", re.IGNORECASE
)
_ELSEWHERE = "Prometheus has logemit's text from elsewhere: docs/prometheus.md"
_CHECK = "ask for another path, as that of a health check"


def find(around: Surroundings) -> Iterator[Trace]:
    own = cache(lambda: frozenset(_images_of_the_app(around)))
    for path, text in yaml_files(around):
        words = ("prometheus.io/", "Monitor", *(f"/{route}" for route in around.routes), *map(str, around.ports))
        if not any(word in text for word in words):
            continue
        for every in documents(text):
            yield from _checks(around, path, text, every)
            yield from _annotations(around, path, text, every, own)
            yield from _monitors(around, path, text, every)
            yield from _ports(around, path, text, every)


def _trace(path: str, text: str, entry: Entry, kind: Kind, stage: Stage, advice: str, doubt: str) -> Trace:
    return Trace(path, entry.line, kind, stage, shown(text, entry.line), advice, doubt=doubt)


def _checks(around: Surroundings, path: str, text: str, every: Sequence[Entry]) -> Iterator[Trace]:
    for entry in every:
        if "healthcheck" in entry.path and isinstance(entry.node, yaml.ScalarNode) and not entry.is_alias:
            for place, _ in routes_in(around, text, entry.node.start_mark.index, entry.node.end_mark.index):
                line = line_of(text, place)
                advice = "the app no longer answers there"
                yield Trace(path, line, Kind.COMPOSE, Stage.URLS, shown(text, line), advice, doubt=_CHECK)
        elif entry.path[-2:] == ("httpGet", "path") and entry.value.strip("/") in around.routes:
            advice = "the app no longer answers there"
            yield _trace(path, text, entry, Kind.COMPOSE, Stage.URLS, advice, _CHECK)


def _images_of_the_app(around: Surroundings) -> Iterator[str]:
    for _, text in yaml_files(around):
        if "image:" in text and SERVER.search(text):
            for every in documents(text):
                if any(SERVER.search(entry.value) for entry in every):
                    yield from _images(every)


def _images(every: Sequence[Entry]) -> set[str]:
    """Without their tags, and without those that are others' for sure."""
    images = {re.sub(r"(?<=.)[:@][^/]*$", "", entry.value) for entry in every if entry.path[-1] == "image"}
    return {image for image in images if image and not _FOREIGN.search(image)}


def _annotations(
    around: Surroundings, path: str, text: str, every: Sequence[Entry], own: Callable[[], frozenset[str]]
) -> Iterator[Trace]:
    """Of what runs the app, as far as that can be told: by its images, else by the path that is asked for."""
    found = [entry for entry in every if _annotation(entry)[0]]
    if not found:
        return
    images, has_images = _images(every), any(entry.path[-1] == "image" for entry in every)
    if has_images and not (images & own() if own() else images):
        return
    paths = {_annotation(entry)[1].strip("/") for entry in found if _annotation(entry)[0] == "prometheus.io/path"}
    if (paths or {"metrics"}) & set(around.routes):
        for entry in found:
            yield _trace(path, text, entry, Kind.SCRAPE, Stage.SETTINGS, "take the annotation out", _ELSEWHERE)


def _annotation(entry: Entry) -> tuple[str, str]:
    """Of a mapping or of a list of labels."""
    name = entry.path[-1]
    if isinstance(name, int):
        name, _, value = entry.value.partition("=")
    else:
        value = entry.value
    return (name, value) if name.startswith("prometheus.io/") else ("", "")


def _monitors(around: Surroundings, path: str, text: str, every: Sequence[Entry]) -> Iterator[Trace]:
    kinds = {entry.value for entry in every if entry.path == ("kind",)}
    name = next((entry.value for entry in every if entry.path == ("metadata", "name")), "")
    if not kinds & {"ServiceMonitor", "PodMonitor"} or _FOREIGN.search(name):
        return
    for entry in every:
        is_endpoint = len(entry.path) == 3 and entry.path[1] in {"endpoints", "podMetricsEndpoints"}
        if is_endpoint and (entry.child("path").strip("/") or "metrics") in around.routes:
            yield _trace(path, text, entry, Kind.SCRAPE, Stage.SETTINGS, "take the endpoint out", _ELSEWHERE)


def _ports(around: Surroundings, path: str, text: str, every: Sequence[Entry]) -> Iterator[Trace]:
    for entry in every:
        numbers = {int(each) for each in re.findall(r"\b\d{4,5}\b", entry.value)}
        is_port = "ports" in entry.path[-3:] or "expose" in entry.path[-2:]
        if is_port and numbers & around.ports:
            doubt = "whether something else listens there is for people to judge"
            yield _trace(path, text, entry, Kind.COMPOSE, Stage.SETTINGS, "take the port of the metrics out", doubt)
