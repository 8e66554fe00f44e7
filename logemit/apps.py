"""What Django does at start-up: read the settings, fit what is to be watched, register the checks."""

from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.signals import got_request_exception, setting_changed
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from . import (
    caches,
    celery,
    commands,
    conf,
    connections,
    emitter,
    exchange,
    migrations,
    models,
    outside,
    process,
    queries,
)
from .checks import CHECKS, DEPLOY_CHECKS
from .middleware import on_request_exception


class LogemitConfig(AppConfig):
    name = "logemit"
    verbose_name = "logemit"

    def ready(self) -> None:
        _reset()
        connection_created.connect(queries.on_connection_created, dispatch_uid="logemit.queries")
        got_request_exception.connect(on_request_exception, dispatch_uid="logemit.exceptions")
        post_migrate.connect(migrations.on_post_migrate, dispatch_uid="logemit.migrations")
        setting_changed.connect(_on_setting_changed, dispatch_uid="logemit.settings")
        connections.install()
        caches.install()
        commands.install()
        if conf.current().celery:
            celery.connect_when_used()
        outside.watch_exits()
        for check in CHECKS:
            checks.register(check)
        for check in DEPLOY_CHECKS:
            checks.register(check, deploy=True)


def _reset() -> None:
    emitter.reset()
    models.reset()
    process.reset()


def _on_setting_changed(setting: str, **_kwargs: Any) -> None:
    if setting in {"LOGEMIT", "INSTALLED_APPS"}:
        _reset()
    elif setting == "DEFAULT_CHARSET":
        exchange.reset()
