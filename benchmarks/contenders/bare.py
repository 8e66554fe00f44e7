"""Django alone. No middleware of Django's own: each would cost every contender the same and add noise."""

import os

SECRET_KEY = "benchmarks only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.contenders.urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
USE_TZ = True
DATABASES: dict[str, dict[str, object]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["BENCHMARK_DATABASE"],
        # Under ASGI each request has a thread of its own, with which a persistent connection would be lost.
        "CONN_MAX_AGE": None if os.environ["BENCHMARK_HANDLER"] == "sync" else 0,
    }
}
