"""`manage.py logemit_selftest`: real traffic against this project's own settings, and what arrived of it."""

import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.test import Client

from ... import conf, emitter, outside, process
from ...migrations import tell
from ...testing import CapturedEvents, capture_events
from ...unit import Unit, entered

_KEY = "logemit-selftest"


@dataclass(frozen=True, slots=True)
class Finding:
    """`arrived` is False for what should have come and did not."""

    stream: str
    arrived: bool
    detail: str


class Command(BaseCommand):
    requires_system_checks = []  # noqa: RUF012  what they would stop at is what this shows
    help = (
        "Makes real traffic against this project's settings: one request through all middleware, one query on each "
        "database, one call of each cache; then shows which events came of it. Only the result goes to the output. "
        "Ends with 1 where a stream is missing, so that a deployment can stop on it. Changes no data: it reads, and "
        f"sets and deletes the key {_KEY!r} in each cache."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--path", default="/", help="Path to request. Default: /, whatever it answers.")
        parser.add_argument("--host", help="Host to request it from. Default: the first of ALLOWED_HOSTS.")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not conf.current().enabled:
            raise CommandError("ENABLED is off: logemit writes nothing; set it to True")
        findings = [
            *_request(options["path"], options["host"] or _allowed_host()),
            *(finding for alias in connections for finding in _database(alias)),
            *(_cache(alias) for alias in caches),
            _process(),
        ]
        findings.append(_output(healthy=all(finding.arrived for finding in findings)))
        width = max(len(finding.stream) for finding in findings)
        for finding in findings:
            mark = self.style.SUCCESS("ok     ") if finding.arrived else self.style.ERROR("MISSING")
            self.stdout.write(f"{mark}  {finding.stream:{width}}  {finding.detail}")
        if missing := [finding.stream for finding in findings if not finding.arrived]:
            raise CommandError(f"did not arrive: {', '.join(missing)}")


def _allowed_host() -> str:
    hosts = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    return hosts[0] if hosts else "localhost"


def _request(path: str, host: str) -> Iterator[Finding]:
    with capture_events() as events, _alone():
        response = Client(raise_request_exception=False).get(path, headers={"host": host})
    found = events.of("http_request")
    if not found:
        hint = "is it excluded? `manage.py check` says where the middleware is"
        yield Finding("http_request", False, f"GET {path} wrote none; {hint}")
        return
    event = found[0]
    ms = event["duration_seconds"] * 1000
    yield Finding(
        "http_request", len(found) == 1, f"GET {path}: {response.status_code}, view {event['view']}, {ms:.1f} ms"
    )


def _database(alias: str) -> Iterator[Finding]:
    stream = f"db_query {alias}"
    if conf.current().queries == "off":
        yield Finding(stream, True, "switched off by QUERIES")
        return

    def query() -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1" if connections[alias].vendor != "oracle" else "SELECT 1 FROM DUAL")

    events, error = _observed(query)
    found = [event for event in events.of("db_query") if event["alias"] == alias]
    detail = f"{found[0]['vendor']}, {found[0]['duration_seconds'] * 1000:.2f} ms" if found else "no event"
    yield Finding(stream, bool(found) and not error, error or detail)
    if not error:
        state, error = _observed(lambda: tell(alias))
        of_state = state.of("migration_state")
        told = f"{of_state[0]['applied']} applied, {of_state[0]['unapplied']} not applied" if of_state else "no event"
        yield Finding(f"migration_state {alias}", bool(of_state), error or told)


def _cache(alias: str) -> Finding:
    stream = f"cache_operation {alias}"
    if conf.current().caches == "off":
        return Finding(stream, True, "switched off by CACHES")

    def call() -> None:
        caches[alias].set(_KEY, 0, 5)
        caches[alias].get(_KEY)
        caches[alias].delete(_KEY)

    events, error = _observed(call)
    found = [event for event in events.of("cache_operation") if event["alias"] == alias]
    operations = ", ".join(event["operation"] for event in found)
    return Finding(
        stream, bool(found) and not error, error or (f"{found[0]['backend']}: {operations}" if found else "")
    )


def _process() -> Finding:
    if conf.current().process_stats_seconds is None:
        return Finding("process_stats", True, "switched off by PROCESS_STATS_SECONDS")

    def work() -> None:
        process.reset()
        outside.flush()

    events, error = _observed(work)
    if not (found := events.of("process_stats")):
        return Finding("process_stats", False, error or "no event")
    mebibytes = found[0].get("rss_bytes", 0) / 2**20
    return Finding("process_stats", True, f"{mebibytes:.0f} MiB, {found[0]['threads']} threads")


def _output(*, healthy: bool) -> Finding:
    """Whether the real output takes a line, which tells the result."""
    output = conf.current().output or "stdout (stderr under manage.py)"
    problem = emitter.try_output("health_check", check="logemit_selftest", healthy=healthy, up=int(healthy))
    return Finding("output", problem is None, f"{output}: {problem}" if problem else output)


def _observed(action: Callable[[], object]) -> tuple[CapturedEvents, str]:
    """What was written, and how the action failed."""
    error = ""
    with capture_events() as events, _alone():
        try:
            action()
        except Exception as exc:
            error = f"{type(exc).__name__}: {exc}".splitlines()[0]
    return events, error


class _alone:  # noqa: N801  reads as a statement
    """In a unit of work of its own, whose fold is written at the end."""

    def __enter__(self) -> None:
        self._unit = Unit("command", os.urandom(8).hex())
        self._step = entered(self._unit)
        self._step.__enter__()

    def __exit__(self, *exc: object) -> None:
        self._step.__exit__(*exc)
        emitter.write_events(self._unit.close() or (), self._unit)
