import os

from .base import *

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["shop.example", ".internal.example"]

DATABASES["default"] = {
    "ENGINE": "django_prometheus.db.backends.postgresql",
    "NAME": os.environ.get("DB_NAME", "bookshop"),
    "USER": os.environ.get("DB_USER", "bookshop"),
    "PASSWORD": os.environ.get("DB_PASSWORD", ""),
    "HOST": os.environ.get("DB_HOST", "db"),
    "CONN_MAX_AGE": 60,
}
CACHES["default"] = {
    "BACKEND": "django_prometheus.cache.backends.redis.NativeRedisCache",
    "LOCATION": os.environ.get("REDIS_URL", "redis://redis:6379/0"),
}

# One port for each worker.
PROMETHEUS_METRICS_EXPORT_PORT_RANGE = range(8001, 8009)
PROMETHEUS_METRICS_EXPORT_ADDRESS = ""

SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # Prometheus asks without TLS
