"""An example for the loopback interface: nobody logs in, so there are no sessions and no CSRF tokens."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("BOOKMARKS_SECRET_KEY", "for the example only")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "links"]
INSTALLED_APPS += ["logemit"]

MIDDLEWARE = [
    "logemit.middleware.EventMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "logemit.middleware.ViewMiddleware",
]

LOGEMIT = {"SERVICE": "bookmarks"}

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BOOKMARKS_DB", BASE_DIR / "db.sqlite3"),
        # Several workers write: they wait for each other instead of failing.
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
}

# A Redis holds the cache of all processes, and Celery's tasks and their results. Without one each process has a cache
# of its own, Celery need not be installed, and the pages that send tasks are not there.
REDIS = os.environ.get("BOOKMARKS_REDIS", "")
BACKEND = "redis.RedisCache" if REDIS else "locmem.LocMemCache"
CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{BACKEND}", "LOCATION": REDIS}}
CACHE_SECONDS = 5

CELERY_BROKER_URL = CELERY_RESULT_BACKEND = REDIS
CELERY_RESULT_EXTENDED = True
CELERY_TASK_ROUTES = {"links.tasks.import_file": {"queue": "imports"}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "[{asctime}] {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}

FEED_TIMEOUT_SECONDS = 1.0
