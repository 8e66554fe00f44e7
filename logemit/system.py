"""What the machine uses: told when it is asked for, from cron, Celery's beat or a loop of the app's."""

import time
from typing import Any

from .emitter import emit, swallowed

MISSING = "system_stats needs psutil, which is not installed: pip install 'logemit[system]'"


def system_stats(*, disk: str = "/", interval: float = 0.5) -> dict[str, float]:
    """Write a `system_stats` event, and return its fields: percent of processors, memory and a disk; seconds up.

    The processors are watched for `interval` seconds, which this takes; 0 asks for the time since the last call, of
    which the first knows nothing. `disk` is any path on it. Never raises: without psutil it writes nothing, returns
    nothing, and the logger `logemit` says so once.
    """
    try:
        found = measured(disk, interval)
    except Exception as exc:
        if not swallowed(exc):
            raise
        return {}
    emit("system_stats", **found)
    return found


def measured(disk: str, interval: float) -> dict[str, Any]:
    """Raises ImportError without psutil, OSError where there is no such disk."""
    try:
        import psutil  # noqa: PLC0415  an extra
    except ImportError as exc:
        raise ImportError(MISSING) from exc
    return {
        "cpu_percent": psutil.cpu_percent(interval or None),
        "memory_percent": psutil.virtual_memory().percent,
        "disk_percent": psutil.disk_usage(disk).percent,
        "uptime_seconds": round(time.time() - psutil.boot_time(), 3),
    }
