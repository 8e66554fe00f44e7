"""`manage.py check`: what of logemit's set-up cannot work, or not as it seems, by number."""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004  Django's names

from . import conf

_EVENTS = "logemit.middleware.EventMiddleware"
_VIEW = "logemit.middleware.ViewMiddleware"
_PREDECESSOR = "django_prometheus."


def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """E001: a setting that cannot be used."""
    hint = "docs/reference/settings.md lists every setting with its values."
    return [Error(problem, hint=hint, id="logemit.E001") for problem in conf.reload().problems]


def check_middleware(**_kwargs: Any) -> list[CheckMessage]:
    """W001: no middleware; W002: not the first; E002: twice."""
    middleware = list(settings.MIDDLEWARE or [])
    count = middleware.count(_EVENTS)
    if count == 0:
        return [
            Warning(
                f"{_EVENTS} is not in MIDDLEWARE: requests write no events.",
                hint=f'Put "{_EVENTS}" first in MIDDLEWARE.',
                id="logemit.W001",
            )
        ]
    if count > 1:
        hint = "Keep the first entry only: every request is counted once for each."
        return [Error(f"{_EVENTS} is in MIDDLEWARE {count} times.", hint=hint, id="logemit.E002")]
    if middleware[0] != _EVENTS:
        return [
            Warning(
                f"{_EVENTS} is not the first in MIDDLEWARE: what stands before it is neither timed nor counted.",
                hint="Move it to the first place.",
                id="logemit.W002",
            )
        ]
    return []


def check_view_middleware(**_kwargs: Any) -> list[CheckMessage]:
    """W003: the middleware that times views is not the last, or is there without the other."""
    middleware = list(settings.MIDDLEWARE or [])
    if _VIEW not in middleware:
        return []
    if _EVENTS not in middleware or middleware.count(_VIEW) > 1 or middleware[-1] != _VIEW:
        return [
            Warning(
                f"{_VIEW} must be in MIDDLEWARE once, last, and beside {_EVENTS}: view_seconds is missing or too long.",
                hint="Move it to the last place, or take it out.",
                id="logemit.W003",
            )
        ]
    return []


def check_output(**_kwargs: Any) -> list[CheckMessage]:
    """E003: a file that cannot be written."""
    output = conf.current().output
    if output in {"", "stdout", "stderr"} or not conf.current().enabled:
        return []
    folder = os.path.dirname(output) or "."
    problem = ""
    if not os.path.isdir(folder):
        problem = f"the folder {folder} does not exist"
    elif os.path.isdir(output):
        problem = "it is a folder"
    elif not os.access(output if os.path.exists(output) else folder, os.W_OK):
        problem = "this user may not write it"
    hint = "Every event would be dropped. Make the folder, give the user the right, or set OUTPUT to stdout."
    return [Error(f"Events go to {output}, but {problem}.", hint=hint, id="logemit.E003")] if problem else []


def check_slow_queries(**_kwargs: Any) -> list[CheckMessage]:
    """W004: every query is a slow one."""
    current = conf.current()
    if current.slow_query_seconds != 0 or current.queries == "off":
        return []
    return [
        Warning(
            "SLOW_QUERY_SECONDS is 0: every query is written singly, with its SQL.",
            hint="Set it to what is slow for this app, such as 0.5, or to None for never.",
            id="logemit.W004",
        )
    ]


def check_models(**_kwargs: Any) -> list[CheckMessage]:
    """W005: a model in MODELS or MODEL_LABELS that is not there."""
    from django.apps import apps  # noqa: PLC0415

    current = conf.current()
    models = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    known = {"all", *models, *(config.label for config in apps.get_app_configs())}
    unknown = sorted({*current.models} - known | {*current.model_labels} - models)
    hint = 'Write labels as Django does: "shop", or "shop.Order".'
    return [
        Warning(f"LOGEMIT names {name}, but there is no such app or model.", hint=hint, id="logemit.W005")
        for name in unknown
    ]


def check_predecessor(**_kwargs: Any) -> list[CheckMessage]:
    """I001: django-prometheus counts, too."""
    databases = [database.get("ENGINE", "") for database in settings.DATABASES.values()]
    caches = [cache.get("BACKEND", "") for cache in settings.CACHES.values()]
    names = [*(settings.MIDDLEWARE or []), *databases, *caches]
    if not any(str(name).startswith(_PREDECESSOR) for name in names):
        return []
    return [
        Info(
            "django-prometheus is still installed: both count, each on its own.",
            hint="Compare their numbers (docs/leaving.md), then take out its middlewares, engines and backends.",
            id="logemit.I001",
        )
    ]


def check_deployed(**_kwargs: Any) -> list[CheckMessage]:
    """W006: nothing is written; W007: the service has no name of its own; W008: lines for every call."""
    current = conf.current()
    found: list[CheckMessage] = []
    if not current.enabled:
        hint = "Set ENABLED to True, or take logemit out."
        found.append(Warning("LOGEMIT has ENABLED off: no events are written.", hint=hint, id="logemit.W006"))
    if not (os.environ.get("LOGEMIT_SERVICE") or _given().get("SERVICE")):
        message = f"LOGEMIT has no SERVICE: every metric is labelled {current.service!r}."
        hint = "Name the app, so that the numbers of two services cannot be taken for each other."
        found.append(Warning(message, hint=hint, id="logemit.W007"))
    for name in ("queries", "caches"):
        if getattr(current, name) == "each":
            message = f'LOGEMIT has {name.upper()} "each": a page with 300 of them writes 300 lines.'
            hint = 'Use "fold": all totals are the same.'
            found.append(Warning(message, hint=hint, id="logemit.W008"))
    return found


def _given() -> Mapping[str, Any]:
    given = getattr(settings, "LOGEMIT", {})
    return given if isinstance(given, Mapping) else {}  # E001 says so


def check_discarded(**_kwargs: Any) -> list[CheckMessage]:
    """W009: events go to standard output, and gunicorn is told to be a daemon, whose output goes nowhere."""
    if conf.current().output not in {"", "stdout"} or not _is_daemon():
        return []
    return [
        Warning(
            "Events go to standard output, and gunicorn is to run as a daemon, where that is /dev/null.",
            hint="Set OUTPUT to a file, or leave the server in the foreground, as containers and systemd want it.",
            id="logemit.W009",
        )
    ]


def _is_daemon() -> bool:
    with suppress(ValueError):
        arguments = shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))
        if "-D" in arguments or "--daemon" in arguments:
            return True
    with suppress(OSError), open("gunicorn.conf.py", encoding="utf-8", errors="replace") as file:
        return re.search(r"^daemon\s*=\s*True\b", file.read(65536), re.MULTILINE) is not None
    return False


Check = Callable[..., list[CheckMessage]]
CHECKS: tuple[Check, ...] = (
    check_settings,
    check_middleware,
    check_view_middleware,
    check_output,
    check_slow_queries,
    check_models,
    check_predecessor,
)
DEPLOY_CHECKS: tuple[Check, ...] = (check_deployed, check_discarded)
