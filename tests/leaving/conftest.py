"""A small project, woven through in the plain way."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import tool

SETTINGS = """\
# Settings.
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django_prometheus",  # metrics
    "shop",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.common.CommonMiddleware",  # keep me
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django_prometheus.db.backends.sqlite3", "NAME": "db"}}
"""
URLS = """\
from django.urls import include, path

urlpatterns = [
    path("", include("django_prometheus.urls")),
]
"""


def git(root: Path, *arguments: str) -> str:
    command = [tool("git", "git"), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    files = {
        "config/settings.py": SETTINGS,
        "shop/urls.py": URLS,
        "requirements.txt": "Django\ndjango-prometheus==2.5\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(tmp_path, "init", "-q", "shop")
    git(root, "add", ".")
    git(root, "commit", "-qm", "as it was")
    return root
