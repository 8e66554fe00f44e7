"""gunicorn's hook for files that workers share, as prometheus_client's documentation has it."""

from typing import Any

from prometheus_client import multiprocess


def child_exit(_server: Any, worker: Any) -> None:
    multiprocess.mark_process_dead(worker.pid)
