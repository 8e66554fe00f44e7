"""One project for both libraries: PARITY_WITH says which are in it."""

import json
import os

WITH = os.environ["PARITY_WITH"].split(",")
THEIRS, OURS = "theirs" in WITH, "ours" in WITH
WRAPPED = THEIRS and not OURS
"""Their caches and models do other things than Django's, so they are never observed together with logemit."""

DATABASE = json.loads(os.environ["PARITY_DATABASE"])
FOLDER = os.environ["PARITY_FOLDER"]
REDIS = os.environ.get("PARITY_REDIS", "")
VENDOR = DATABASE["ENGINE"].rpartition(".")[2].removesuffix("3")
PROMETHEUS_EXPORT_MIGRATIONS = "PARITY_EXPORT_MIGRATIONS" in os.environ


def _engine(name: str) -> str:
    return name.replace("django.db.", "django_prometheus.db.") if THEIRS else name


def _cache(module: str, name: str) -> str:
    return f"{'django_prometheus.cache' if WRAPPED else 'django.core.cache'}.backends.{module}.{name}"


def _databases() -> dict[str, dict[str, object]]:
    default = {**DATABASE, "ENGINE": _engine(DATABASE["ENGINE"])}
    if PROMETHEUS_EXPORT_MIGRATIONS:
        return {"default": default}
    if VENDOR == "sqlite":
        return {"default": default, "broken": {**default, "NAME": f"{FOLDER}/missing/db.sqlite3"}}
    # A zone that the server is not in: each new connection is told.
    default["TIME_ZONE"] = "Pacific/Auckland"
    return {
        "default": default,
        "broken": {**default, "PORT": "1"},
        "checked": {**default, "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": None},
        "nobody": {**default, "OPTIONS": {"assume_role": "nobody_of_this_name"}},
        "pooled": {**default, "OPTIONS": {"pool": {"min_size": 1, "max_size": 1}}},
    }


SECRET_KEY = "tests only"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.parity.project.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "tests.parity.project",
    *(["django_prometheus"] if THEIRS else []),
    *(["logemit"] if OURS else []),
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = [
    *(["logemit.middleware.EventMiddleware"] if OURS else []),
    *(["django_prometheus.middleware.PrometheusBeforeMiddleware"] if THEIRS else []),
    "tests.parity.project.middleware.Outer",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "tests.parity.project.middleware.Answering",
    *(["django_prometheus.middleware.PrometheusAfterMiddleware"] if THEIRS else []),
]
DATABASES = _databases()
CACHES = {
    "default": {"BACKEND": _cache("locmem", "LocMemCache")},
    "files": {"BACKEND": _cache("filebased", "FileBasedCache"), "LOCATION": f"{FOLDER}/cache"},
}
if REDIS:
    CACHES["redis"] = {"BACKEND": _cache("redis", "NativeRedisCache" if WRAPPED else "RedisCache"), "LOCATION": REDIS}
    CACHES["refused"] = {**CACHES["redis"], "LOCATION": "redis://127.0.0.1:1"}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {"hello.html": "hello {{ name }}", "other.html": "other", "broken.html": "{{ value.fail }}"},
                )
            ]
        },
    }
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
LOGEMIT = {
    "COMMANDS": True,
    "PROCESS_STATS_SECONDS": None,
    "SLOW_QUERY_SECONDS": None,
    "MODEL_LABELS": {f"project.{name}": name.lower() for name in ("Author", "Book", "Tag")},
}
if "PARITY_MIGRATIONS" in os.environ:
    MIGRATION_MODULES = {"project": os.environ["PARITY_MIGRATIONS"]}
LOGGING_CONFIG = None
USE_TZ = True
