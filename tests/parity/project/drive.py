"""Drives all scenes, and prints for each what django-prometheus counted and what the driver knows, as JSON; and
what django-prometheus answers a scrape in the end.

`python -m tests.parity.project.drive together` has both libraries in this one process; `apart` one of them, as
PARITY_WITH says. logemit's lines go where LOGEMIT_OUTPUT says, each scene as a service of its own.
"""

import asyncio
import json
import logging
import os
import re
import sys
import types
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import django
from django.core.signals import request_started
from django.db import connections, reset_queries
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client

from tests.parity.samples import Samples, listed, parsed

from .ledger import UNNAMED, Answer, Asked, Ledger, charset_of
from .scenes import SCENES

NOT_SENT = "/* never sent */"
_OF_UNKNOWN_LENGTH = "? times: "
_NO_STATEMENT = {"COMMIT", "ROLLBACK"}
"""Django logs them, but calls the driver's connection; on PostgreSQL it does so for BEGIN, too."""


class Drive:
    """What a scene is given."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.ledger = Ledger()

    def ask(self, path: str, view: str = UNNAMED, method: str = "GET", **more: Any) -> HttpResponseBase:
        """One request, its response read to the end. `more`: what Asked says of it, `read=False`, and META."""
        asked, body, meta, secure = self._prepared(view, method, more)
        read = more.pop("read", True)
        client = Client(raise_request_exception=False, enforce_csrf_checks=more.pop("csrf", False))
        response: Any = client.generic(method, path, body, secure=secure, **meta)
        try:
            length = len(b"".join(response) if read else next(iter(response)))
        except BufferError:
            length = 0
        response.close()
        self._answered(asked, response, length)
        return response  # type: ignore[no-any-return]

    def ask_async(self, path: str, view: str = UNNAMED, method: str = "GET", **more: Any) -> None:
        asked, body, meta, secure = self._prepared(view, method, more)

        async def run() -> tuple[Any, int]:
            client: Any = AsyncClient(raise_request_exception=False)
            response = await client.generic(method, path, body, secure=secure, **meta)
            length = sum([len(chunk) async for chunk in response]) if response.streaming else len(response.content)
            response.close()
            return response, length

        self._answered(asked, *asyncio.run(run()))

    def _prepared(self, view: str, method: str, more: dict[str, Any]) -> tuple[Asked, bytes, dict[str, Any], bool]:
        body, secure = more.pop("body", b""), more.pop("secure", False)
        meta = {name: more[name] for name in more if name.isupper()}
        asked = Asked(
            method=method.upper(),
            view=view,
            transport="https" if secure else "http",
            length=len(body) if "CONTENT_LENGTH" not in meta else 0,
            ajax=meta.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest",
            template=more.pop("template", ""),
            exception=more.pop("exception", ""),
        )
        self.ledger.asked(asked)
        return asked, body, meta, secure

    def _answered(self, asked: Asked, response: Any, length: int) -> None:
        answer = Answer(response.status_code, length, charset_of(response.headers), response.streaming)
        self.ledger.answered(asked, answer)

    def connected(self, alias: str = "default", times: int = 1) -> None:
        self.ledger.count("django_db_new_connections_total", times, alias=alias, vendor=self.vendor)

    def failed(self, kind: str, alias: str = "default", times: int = 1) -> None:
        """Statements that raised."""
        self.ledger.count("django_db_errors_total", times, alias=alias, vendor=self.vendor, type=kind)

    def watch(self) -> None:
        """Have Django itself log the statements of this thread's connections."""
        for connection in connections.all():
            connection.force_debug_cursor = True
            connection.queries_log.clear()

    def note_statements(self) -> None:
        for connection in connections.all():
            self.ledger.statements(connection.alias, self.vendor, self._logged(connection))

    def _logged(self, connection: Any) -> Iterator[tuple[int, bool]]:
        for query in connection.queries_log:
            sql = query["sql"]
            if sql is None or sql.startswith(_OF_UNKNOWN_LENGTH) or NOT_SENT in sql:  # the scene tells them
                continue
            if sql in _NO_STATEMENT or (sql == "BEGIN" and self.vendor != "sqlite"):
                continue
            many = re.match(r"(\d+) times: ", sql)
            yield (int(many[1]), True) if many else (1, False)


def run(which: str) -> dict[str, Any]:
    from .settings import OURS, THEIRS, VENDOR

    if THEIRS and find_spec("django_redis") is None:
        _stand_in_for_django_redis()
    django.setup()
    logging.disable()
    request_started.disconnect(reset_queries)
    for module in ("setup", "requests", "refusals", "databases", "models_apart", "caches_apart"):
        import_module(f"tests.parity.project.scenes_{module}")
    found: dict[str, Any] = {}
    for scene in SCENES:
        if which not in scene.runs or VENDOR not in scene.vendors:
            continue
        if found:
            _begin("between", {}, OURS)
            connections["default"].ensure_connection()
        _begin(scene.name, scene.environ, OURS)
        drive, before = Drive(VENDOR), _counted(THEIRS)
        drive.watch()
        scene.play(drive)
        drive.note_statements()
        found[scene.name] = {"theirs": listed(_counted(THEIRS) - before), "truth": listed(drive.ledger.samples)}
    _begin("between", {}, OURS)
    return {"scenes": found, "exposition": _exposition(THEIRS)}


def _stand_in_for_django_redis() -> None:
    """Their module of Redis backends imports it, also for the one that wraps Django's own and needs nothing of it."""
    package, cache, exceptions = (types.ModuleType(f"django_redis{name}") for name in ("", ".cache", ".exceptions"))
    parts: dict[str, Any] = {"RedisCache": object, "omit_exception": lambda method: method}
    cache.__dict__.update(parts)
    package.__dict__.update({"cache": cache, "exceptions": exceptions})
    sys.modules.update({module.__name__: module for module in (package, cache, exceptions)})


def _begin(scene: str, environ: dict[str, str], ours: bool) -> None:
    """What is counted from now on is of another service, as if the settings had always said so."""
    if not ours:
        return
    from logemit import emitter, models, outside

    outside.flush(last=True)
    for name in [name for name in os.environ if name.startswith("LOGEMIT_") and name != "LOGEMIT_OUTPUT"]:
        del os.environ[name]
    os.environ.update({"LOGEMIT_SERVICE": scene, **environ})
    emitter.reset()
    models.reset()


def _counted(theirs: bool) -> Samples:
    return Counter(dict(parsed(_exposition(theirs))))


def _exposition(theirs: bool) -> str:
    if not theirs:
        return ""
    from prometheus_client import REGISTRY, generate_latest

    return generate_latest(REGISTRY).decode()


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.parity.project.settings"
    json.dump(run(sys.argv[1]), sys.stdout)
