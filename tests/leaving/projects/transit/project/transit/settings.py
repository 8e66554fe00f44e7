from pathlib import Path

import dj_database_url
import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env(DEBUG=(bool, False))

SECRET_KEY = env("SECRET_KEY", default="development only")
DEBUG = env("DEBUG")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "lines.apps.LinesConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "lines.middleware.CityMiddleware",
]

ROOT_URLCONF = "transit.urls"

DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{BASE_DIR / 'transit.sqlite3'}",
        engine="django_prometheus.db.backends.sqlite3",
        conn_max_age=60,
    ),
    "timetable": {
        **env.db("TIMETABLE_URL", default=f"sqlite:///{BASE_DIR / 'timetable.sqlite3'}"),
        "ENGINE": "django_prometheus.db.backends.sqlite3",
    },
}
DATABASE_ROUTERS = ["lines.routers.TimetableRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": env("CACHE_BACKEND", default="django_prometheus.cache.backends.locmem.LocMemCache"),
        "LOCATION": env("CACHE_LOCATION", default="transit"),
    }
}

METRICS = env.bool("METRICS", default=True)
if METRICS:
    INSTALLED_APPS += ["django_prometheus"]
    MIDDLEWARE = [
        "lines.monitoring.CityBeforeMiddleware",
        *MIDDLEWARE,
        "lines.monitoring.CityAfterMiddleware",
    ]
    PROMETHEUS_METRIC_NAMESPACE = "transit"
    PROMETHEUS_LATENCY_BUCKETS = (0.05, 0.1, 0.5, 1.0, 5.0, float("inf"))

USE_TZ = True
