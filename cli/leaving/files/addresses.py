"""Addresses at which somebody asks the app for its metrics: in commands, checks and documents."""

import re
from collections.abc import Iterator

from ..traces import Kind, Stage, Trace, line_of, shown
from .lines import Line
from .surroundings import Surroundings

_NAME = r"(?:[\w-]+(?:\.[\w-]+)*|\$\{?\w+\}?|\$\(\w+\)|\[[0-9a-f:]+\]|<[\w .-]+>)"
_HOST = re.compile(rf"(?:https?://)?{_NAME}(?::(?:\d+|\$\{{?\w+\}}?|<\w+>))?$")
_IS_HOST = re.compile(r"://|:\d|^[$<\[]|^localhost|\.")
_IN_PATH = re.compile(r"[\w./:$}\])>@~-]$")
_OTHERS = re.compile(
    r"exporter|prometheus|pushgateway|alertmanager|grafana|cadvisor|loki|tempo|traefik|minio|otel|collector|victoria|vmagent"
    r"|rabbitmq|redis|postgres|mysql|nginx|envoy|kube|etcd|logemit",
    re.IGNORECASE,
)
_OTHER_PORTS = re.compile(r":(?:3000|3100|4317|4318|8428|8429|8888|8889|9[0-9]{3}|15692)$")
_LONGEST_HOST = 200


def routes_in(around: Surroundings, text: str, start: int, end: int) -> Iterator[tuple[int, bool]]:
    """Where the path of an address of the app's metrics begins, and whether a host stands before it."""
    routes = [route for route in around.routes if route]
    if not routes:
        return
    paths = "|".join(re.escape(route) for route in sorted(routes, key=len, reverse=True))
    for found in re.finditer(rf"/(?:{paths})/?(?![\w/*-])(?!\.\w)", text[start:end]):
        place = start + found.start()
        before = text[max(start, place - _LONGEST_HOST) : place]
        host = _HOST.search(before)
        if host and _IS_HOST.search(host[0]):
            if not _OTHERS.search(host[0]) and not _OTHER_PORTS.search(host[0]):
                yield place, True
        elif not _IN_PATH.search(before):
            yield place, False


def route_traces(around: Surroundings, path: str, text: str, line: Line, kind: Kind) -> Iterator[Trace]:
    for place, has_host in routes_in(around, text, line.start, line.end):
        if has_host:
            number = line_of(text, place)
            yield Trace(
                *(path, number, kind, Stage.URLS, shown(text, number), "the app no longer answers there"),
                doubt="ask for another path, as that of a health check",
            )
