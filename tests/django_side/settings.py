"""A project small enough to see at a glance."""

import os
import tempfile

SECRET_KEY = "tests only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.django_side.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "tests.django_side.shop", "logemit"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = [
    "logemit.middleware.EventMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tests.django_side.urls.failing_middleware",
    "tests.django_side.urls.AnsweringMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.path.join(tempfile.mkdtemp(prefix="logemit-tests-"), "db.sqlite3"),
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {"hello.html": "hello {{ name }}", "broken.html": "{{ value.fail }}"},
                )
            ]
        },
    }
]
LOGEMIT = {"SERVICE": "shop"}
LOGGING_CONFIG = None
USE_TZ = True
