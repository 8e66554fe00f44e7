"""The batch side of logemit: logs in; Parquet summaries and Prometheus text out.

`aggregate` and `read` are loaded when they are first used: pandas and pyarrow take their time.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .read import read
    from .run import aggregate

__all__ = ["aggregate", "read"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    module = import_module(f".{'run' if name == 'aggregate' else name}", __name__)
    globals()[name] = getattr(module, name)
    return globals()[name]
