"""A project whose tasks run queries; where its database and its broker are, the environment says."""

import os

SECRET_KEY = "tests only"
DEBUG = False
INSTALLED_APPS = ["django.contrib.contenttypes", "logemit"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("TESTS_DATABASE", ":memory:")}}
USE_TZ = True
LOGEMIT = {"SERVICE": "shop"}

CELERY_BROKER_URL = os.environ.get("TESTS_REDIS", "memory://")
CELERY_RESULT_BACKEND = os.environ.get("TESTS_REDIS", "cache+memory://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ROUTES = {"shop.hold": {"queue": "slow"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE = {"often": {"task": "shop.query", "schedule": 0.2, "args": (1,)}}
