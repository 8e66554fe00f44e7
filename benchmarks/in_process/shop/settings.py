"""Both middlewares, the database wrapper, the model mixin, the URL; and logemit's middleware."""

import os

SECRET_KEY = "benchmarks only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.in_process.shop.urls"
INSTALLED_APPS = ["django_prometheus", "logemit", "benchmarks.in_process.shop"]
MIDDLEWARE = [
    "logemit.middleware.EventMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "benchmarks.in_process.shop.urls.named_worker",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django_prometheus.db.backends.sqlite3",
        "NAME": os.environ["SHOP_DATABASE"],
        "OPTIONS": {"timeout": 60, "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
if port := os.environ.get("SHOP_METRICS_PORT"):
    PROMETHEUS_METRICS_EXPORT_PORT = int(port)
    PROMETHEUS_METRICS_EXPORT_ADDRESS = "127.0.0.1"
LOGEMIT = {"SERVICE": "shop", "MODEL_LABELS": {"shop.Order": "order"}}
SILENCED_SYSTEM_CHECKS = ["logemit.I001"]  # both at once is what is wanted here
