"""django-prometheus as its README says: both middlewares, its database wrapper, counters in the process."""

from .bare import *  # noqa: F403
from .bare import DATABASES

INSTALLED_APPS = ["django_prometheus"]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
DATABASES["default"]["ENGINE"] = "django_prometheus.db.backends.sqlite3"
