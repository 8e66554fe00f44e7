"""A shop for the loopback interface: a web server, a worker, a scheduler, a database and a cache."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "for the example only")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = ["django.contrib.contenttypes", "store", "logemit"]
MIDDLEWARE = ["logemit.middleware.EventMiddleware", "django.middleware.common.CommonMiddleware"]
LOGEMIT = {"SERVICE": "shop"}

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DB", BASE_DIR / "db.sqlite3"),
        "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    }
}

REDIS = os.environ.get("SHOP_REDIS", "redis://127.0.0.1:6379")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}}
CACHE_SECONDS = 1

CELERY_BROKER_URL = REDIS
CELERY_BEAT_SCHEDULE = {"tick": {"task": "store.tasks.tick", "schedule": 1.0}}
TICK_SECONDS = 3.0
"""A scheduler that was not heard of for so long is down."""

URL = os.environ.get("SHOP_URL", "http://127.0.0.1:8000")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}
