"""`manage.py check`: settings of logemit that cannot work, by number."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  Django's names

from . import conf

_MIDDLEWARE = "logemit.middleware.EventMiddleware"


def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """E001: a setting that cannot be used."""
    hint = "docs/reference/settings.md lists every setting with its values."
    return [Error(problem, hint=hint, id="logemit.E001") for problem in conf.reload().problems]


def check_middleware(**_kwargs: Any) -> list[CheckMessage]:
    """W001: no middleware; W002: not the first; E002: twice."""
    middleware = list(settings.MIDDLEWARE or [])
    count = middleware.count(_MIDDLEWARE)
    if count == 0:
        return [
            Warning(
                f"{_MIDDLEWARE} is not in MIDDLEWARE: requests write no events.",
                hint=f'Put "{_MIDDLEWARE}" first in MIDDLEWARE.',
                id="logemit.W001",
            )
        ]
    if count > 1:
        hint = "Keep the first entry only: every request is counted once for each."
        return [Error(f"{_MIDDLEWARE} is in MIDDLEWARE {count} times.", hint=hint, id="logemit.E002")]
    if middleware[0] != _MIDDLEWARE:
        return [
            Warning(
                f"{_MIDDLEWARE} is not the first in MIDDLEWARE: what stands before it is neither timed nor counted.",
                hint="Move it to the first place.",
                id="logemit.W002",
            )
        ]
    return []
