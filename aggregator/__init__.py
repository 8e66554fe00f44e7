"""The batch side of logemit: logs in; Parquet summaries and Prometheus text out.

What it offers is loaded when it is first used: pandas and pyarrow take their time.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .budgets import error_budget
    from .frames import read
    from .health import incidents, uptime
    from .histograms import histogram
    from .ratios import ratio
    from .run import aggregate
    from .spread.on_spark import on_spark

__all__ = ["aggregate", "error_budget", "histogram", "incidents", "on_spark", "ratio", "read", "uptime"]

_MODULES = {
    "aggregate": ".run",
    "error_budget": ".budgets",
    "histogram": ".histograms",
    "incidents": ".health",
    "on_spark": ".spread.on_spark",
    "ratio": ".ratios",
    "read": ".frames",
    "uptime": ".health",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = value
    return value
