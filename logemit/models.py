"""Which model a statement changes: from its table, without a mixin, a signal listener or a statement more."""

from functools import cache
from typing import Any

from . import conf
from .kinds import ModelKind, model_kind
from .sql import written_tables

_OPERATIONS = {"INSERT": "insert", "REPLACE": "insert", "UPDATE": "update", "DELETE": "delete"}


def changed(operation: str, sql: str) -> ModelKind | None:
    """The kind of change; None for tables that no model has, and for models left out by the setting."""
    change = _OPERATIONS.get(operation)
    if change is None:
        return None
    labels = _labels()
    label = next((labels[table] for table in written_tables(sql) if table in labels), None)
    return model_kind(label, change) if label else None


def reset() -> None:
    _labels.cache_clear()


@cache
def _labels() -> dict[str, str]:
    """The label of each table's concrete model; of two models on one table, that which Django manages."""
    from django.apps import apps  # noqa: PLC0415  once the models are there

    settings = conf.current()
    labels: dict[str, str] = {}
    models: list[Any] = apps.get_models(include_auto_created=True)
    for model in sorted(models, key=lambda model: not model._meta.managed):
        meta = model._meta
        if not meta.proxy and settings.counts_model(meta.app_label, meta.label):
            label = settings.model_labels.get(meta.label, meta.label)
            labels.setdefault(meta.db_table.replace('"', "").replace("`", ""), label)
    return labels
