"""How many migrations are applied, told after `migrate` and by `manage.py logemit_migrations`, never at start-up."""

from typing import Any

from django.apps import apps
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from . import conf
from .emitter import emit, harmless


def tell(alias: str) -> dict[str, Any]:
    """Write a database's migration_state, and return its fields."""
    executor = MigrationExecutor(connections[alias])
    unapplied = executor.migration_plan(executor.loader.graph.leaf_nodes())
    fields = {"connection": alias, "applied": len(executor.loader.applied_migrations), "unapplied": len(unapplied)}
    emit("migration_state", **fields)
    return fields


def on_post_migrate(sender: Any, using: str, **kwargs: Any) -> None:
    """Once for each run of migrate: the signal fires for every app with models, and without a plan after `flush`."""
    if "plan" not in kwargs or not conf.current().enabled:
        return
    migrated = [config for config in apps.get_app_configs() if config.models_module is not None]
    if migrated and sender is migrated[-1]:
        with harmless():
            tell(using)
