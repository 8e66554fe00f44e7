"""What Django does at start-up: read the settings, watch connections and exceptions, register the checks."""

from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.signals import got_request_exception, setting_changed
from django.db.backends.signals import connection_created

from . import caches, connections, emitter, models, queries
from .checks import check_middleware, check_settings
from .middleware import on_request_exception


class LogemitConfig(AppConfig):
    name = "logemit"
    verbose_name = "logemit"

    def ready(self) -> None:
        emitter.reset()
        connection_created.connect(queries.on_connection_created, dispatch_uid="logemit.queries")
        connections.install()
        caches.install()
        got_request_exception.connect(on_request_exception, dispatch_uid="logemit.exceptions")
        setting_changed.connect(_on_setting_changed, dispatch_uid="logemit.settings")
        checks.register(check_settings)
        checks.register(check_middleware)


def _on_setting_changed(setting: str, **_kwargs: Any) -> None:
    if setting in {"LOGEMIT", "INSTALLED_APPS"}:
        emitter.reset()
        models.reset()
