"""What `manage.py health_checks` asks."""

import time
from urllib.request import ProxyHandler, build_opener

from config.celery import app
from django.conf import settings
from django.core.cache import cache
from django.db import connection

import logemit


@logemit.health_check("web", timeout=5)
def web() -> None:
    with build_opener(ProxyHandler({})).open(f"{settings.URL}/up/", timeout=4) as response:
        response.read()


@logemit.health_check("database", timeout=5)
def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@logemit.health_check("cache", timeout=5)
def cache_() -> bool:
    cache.set("health", "here", 5)
    return cache.get("health") == "here"


@logemit.health_check("worker", timeout=5)
def worker() -> None:
    if not app.control.ping(timeout=1):
        raise logemit.Unhealthy("no worker answers")


@logemit.health_check("scheduler", timeout=5)
def scheduler() -> None:
    silent = time.time() - cache.get("tick", 0)
    if silent > settings.TICK_SECONDS:
        raise logemit.Unhealthy(f"nothing heard of it for {silent:.0f} seconds")
