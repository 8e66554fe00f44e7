"""A job queue as somebody else might publish it: its own metrics, in prometheus_client's classes."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import Counter, Enum, Gauge, Histogram, Info, Summary

BUILD = Info("queue_build", "Of this queue.")
BUILD.info({"version": "4.2", "backend": "memory"})
STATE = Enum("queue_state", "What it does.", states=["idle", "busy"])
JOBS = Counter("queue_jobs", "Jobs by name and outcome.", labelnames=("name", "outcome"), namespace="acme")
FAILED = Counter("queue_failed_total", "Jobs that raised.", namespace="acme")
WAITING = Gauge("queue_waiting", "Jobs that wait.", multiprocess_mode="livesum")
RUNNING = Gauge("queue_running", "Jobs that run.", ["name"], multiprocess_mode="livesum")
WEIGHT = Histogram("queue_job_weight", "How heavy they are.", buckets=(1, 10, 100))
SIZE = Summary("queue_job_size", "What they carry.", unit="bytes")
TOOK = Histogram("queue_job_seconds", "How long they take.", ["name"])


class Queue:
    def __init__(self) -> None:
        self._jobs: list[tuple[str, Callable[[], Any], int]] = []

    def add(self, name: str, job: Callable[[], Any], weight: int) -> None:
        self._jobs.append((name, job, weight))
        WAITING.inc()
        WEIGHT.observe(weight)
        SIZE.observe(weight * 512)

    def run(self) -> None:
        STATE.state("busy")
        for name, job, _weight in self._jobs:
            WAITING.dec()
            outcome = "failed"
            try:
                with RUNNING.labels(name).track_inprogress(), TOOK.labels(name=name).time(), FAILED.count_exceptions():
                    job()
                outcome = "done"
            except ZeroDivisionError:
                pass
            finally:
                JOBS.labels(name, outcome).inc()
        self._jobs.clear()
        STATE.state("idle")


async def pause() -> None:
    await asyncio.sleep(0)


def work(numbers: Iterable[int]) -> None:
    queue = Queue()
    for number in numbers:
        queue.add("divide", lambda number=number: 1 / number, weight=number)  # type: ignore[misc]
    queue.add("pause", lambda: asyncio.run(pause()), weight=10)
    queue.run()
