"""Settings: the environment before `LOGEMIT = {…}` in Django's settings before the default.

Read once and kept; `reload()` reads afresh. Works without Django, from the environment alone.
A value that cannot be used is reported as a problem, which `manage.py check` shows, and its default is taken:
a metrics library must never keep an app from starting.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from math import inf
from typing import Any

from structlog.typing import Processor


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of LOGEMIT; `parse` takes what settings or the environment hold and raises ValueError."""

    name: str
    default: Any
    parse: Callable[[Any], Any]
    doc: str


@dataclass(frozen=True, slots=True)
class Settings:
    enabled: bool
    service: str
    output: str
    queries: str
    slow_query_seconds: float | None
    caches: str
    models: tuple[str, ...]
    model_labels: Mapping[str, str]
    commands: bool
    celery: bool
    exclude_views: tuple[str, ...]
    exclude_paths: tuple[str, ...]
    request_id_header: str
    response_id_header: str
    context_fields: tuple[str, ...]
    processors: tuple[Processor, ...]
    backends: tuple[Any, ...]
    process_stats_seconds: float | None
    write_timeout_seconds: float
    problems: tuple[str, ...] = field(default=(), compare=False)
    slow_query_microseconds: float = field(init=False)
    folds_below: float = field(init=False)
    """Microseconds: queries that take no longer fold."""
    request_id_key: str = field(init=False)
    """Of the header, in a request's META."""

    def __post_init__(self) -> None:
        slow = inf if self.slow_query_seconds is None else self.slow_query_seconds * 1e6
        object.__setattr__(self, "slow_query_microseconds", slow)
        folds = self.enabled and self.queries == "fold"
        object.__setattr__(self, "folds_below", slow if folds else -1)
        object.__setattr__(self, "request_id_key", "HTTP_" + self.request_id_header.upper().replace("-", "_"))

    def counts_model(self, app_label: str, label: str) -> bool:
        return "all" in self.models or app_label in self.models or label in self.models


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"1", "true", "yes", "on"}:
        return True
    if str(value).lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("expected true or false")


def _text(value: Any) -> str:
    if not isinstance(value, str | os.PathLike):
        raise ValueError("expected text")
    text = os.fspath(value)
    if "\0" in text:
        raise ValueError("expected text without NUL")
    return text


def _header(value: Any) -> str:
    name = _text(value)
    if name and not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ValueError("expected the name of a header: letters, digits and -")
    return name


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError("expected a number of seconds, 0 or more")
    return seconds


def _seconds_or_none(value: Any) -> float | None:
    return None if value in {None, ""} else _seconds(value)


def _folding(value: Any) -> str:
    if value not in {"fold", "each", "off"}:
        raise ValueError('expected "fold", "each" or "off"')
    return str(value)


def _names(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())


def _mapping(value: Any) -> dict[str, str]:
    pairs = value.items() if isinstance(value, Mapping) else [item.split("=", 1) for item in _names(value)]
    mapping = {str(key): str(item) for key, item in pairs}
    return {key.strip(): item.strip() for key, item in mapping.items()}


def _processors(value: Any) -> tuple[Processor, ...]:
    processors = tuple(_load(item) if isinstance(item, str) else item for item in _listed(value))
    if not all(map(callable, processors)):
        raise ValueError("expected functions or their dotted paths")
    return processors


def _backends(value: Any) -> tuple[Any, ...]:
    backends = tuple(_load(item) if isinstance(item, str) else item for item in _listed(value))
    if not backends or not all(callable(backend) or callable(getattr(backend, "write", None)) for backend in backends):
        raise ValueError("expected backends, what makes one of the settings, or their dotted paths")
    return backends


def _listed(value: Any) -> Any:
    return _names(value) if isinstance(value, str) else value


def _load(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


SETTINGS = (
    Setting("ENABLED", True, _boolean, "Write events at all."),
    Setting("SERVICE", "", _text, "The app's name in every line. Default: the first part of ROOT_URLCONF, else `app`."),
    Setting(
        "OUTPUT",
        "",
        _text,
        "`stdout`, `stderr` or a file's path. Default: stdout; under `manage.py`, runserver apart, stderr, "
        "because a command's stdout may be data.",
    ),
    Setting(
        "QUERIES",
        "fold",
        _folding,
        "`fold`: one line per kind of query in a request; `each`: a line for every query; `off`: none.",
    ),
    Setting(
        "SLOW_QUERY_SECONDS",
        0.5,
        _seconds_or_none,
        "A query that takes longer is written singly, with its SQL, literals scrubbed. Empty or None: never.",
    ),
    Setting(
        "CACHES",
        "fold",
        _folding,
        "`fold`: one line per kind of cache call in a request; `each`: a line for every call; `off`: none.",
    ),
    Setting(
        "MODELS",
        ("all",),
        _names,
        "Models whose changed rows are counted: `all`, or labels (`shop`, `shop.Order`). Empty: none.",
    ),
    Setting(
        "MODEL_LABELS",
        {},
        _mapping,
        'Other names for models, as dashboards know them: `{"shop.Order": "order"}`; `shop.Order=order,…` in the '
        "environment.",
    ),
    Setting("COMMANDS", True, _boolean, "Management commands are units of work and write an event, servers apart."),
    Setting("CELERY", True, _boolean, "Celery's tasks are units of work and write an event, where Celery is used."),
    Setting(
        "EXCLUDE_VIEWS",
        (),
        _names,
        "Names of views whose requests write nothing, with wildcards: `health`, `admin:*`.",
    ),
    Setting(
        "EXCLUDE_PATHS",
        (),
        _names,
        "Paths whose requests write nothing, with wildcards: `/healthz`, `/static/*`.",
    ),
    Setting(
        "REQUEST_ID_HEADER",
        "X-Request-ID",
        _header,
        "Request header that holds the request's id. Without one, or where this is empty, an id is made.",
    ),
    Setting(
        "RESPONSE_ID_HEADER",
        "",
        _header,
        "Response header that the request's id is returned in. Empty: none.",
    ),
    Setting(
        "CONTEXT_FIELDS",
        ("request_id", "task_id"),
        _names,
        "Keys bound with structlog.contextvars that go into every line. Others stay out: apps bind addresses there.",
    ),
    Setting(
        "PROCESSORS",
        (),
        _processors,
        "structlog processors, or their dotted paths, that every event passes before it is written.",
    ),
    Setting(
        "BACKENDS",
        ("logemit.backends.LineWriter",),
        _backends,
        "What events go to: backends, or their dotted paths. One that fails keeps neither the others nor the app.",
    ),
    Setting(
        "PROCESS_STATS_SECONDS",
        15.0,
        _seconds_or_none,
        "How often a process tells what it uses, at most, at the end of a unit of work. Empty or None: never.",
    ),
    Setting(
        "WRITE_TIMEOUT_SECONDS",
        0.1,
        _seconds,
        "How long a write may wait for a reader that stalls, before its lines are dropped and counted.",
    ),
)


def _django_settings() -> Any:
    conf = sys.modules.get("django.conf")
    return conf.settings if conf is not None and conf.settings.configured else None


def _default_service(django: Any) -> str:
    urlconf = getattr(django, "ROOT_URLCONF", None)
    return urlconf.partition(".")[0] if isinstance(urlconf, str) and urlconf else "app"


def load(django: Any, environ: Mapping[str, str]) -> Settings:
    """Settings from Django's settings object (or None) and the environment."""
    given = getattr(django, "LOGEMIT", {})
    problems = []
    if not isinstance(given, Mapping):
        problems.append(f"LOGEMIT is {type(given).__name__}, expected a dict")
        given = {}
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        variable = f"LOGEMIT_{setting.name}"
        raw = environ.get(variable, given.get(setting.name, setting.default))
        try:
            values[setting.name.lower()] = setting.parse(raw)
        except Exception as exc:  # whatever a setting does, the app starts
            source = variable if variable in environ else f'LOGEMIT["{setting.name}"]'
            problems.append(f"{source} is {raw!r}: {exc}; using {setting.default!r}")
            values[setting.name.lower()] = setting.parse(setting.default)
    known = {setting.name for setting in SETTINGS}
    problems.extend(f'LOGEMIT["{name}"] is not a setting of logemit' for name in given if name not in known)
    values["service"] = values["service"] or _default_service(django)
    return Settings(**values, problems=tuple(problems))


_current: Settings | None = None


def current() -> Settings:
    global _current
    settings = _current  # another thread may reload meanwhile
    if settings is None:
        settings = _current = load(_django_settings(), os.environ)
    return settings


def reload() -> Settings:
    global _current
    _current = None
    return current()
