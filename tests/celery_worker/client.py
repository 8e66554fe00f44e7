"""Sends known tasks as a web process would, and prints what should come of them: `python -m … POOL NUMBER FOLDER`."""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django
from celery import Task, chain, chord

from tests.celery_worker import project as shop

IS_5_7 = hasattr(Task, "retry_on_worker_lost")
Expected = Counter[tuple[str, str, str, str]]
"""Runs by task, queue, state and exception."""


def every_pool(number: int, expected: Expected) -> None:
    def expect(name: str, state: str, exception: str = "", queue: str = "celery", runs: int = 1) -> None:
        expected[name, queue, state, exception] += runs

    for _ in range(number):
        shop.query.delay(2)
        shop.query.apply_async((2,), countdown=0.5)
        shop.query.apply_async((2,), queue="slow")
        expect("shop.query", "success", runs=2)
        expect("shop.query", "success", queue="slow")
        shop.fail.delay()
        expect("shop.fail", "failure", "ValueError")
        shop.flaky.delay(2)
        expect("shop.flaky", "retry", "ConnectionError", runs=2)
        expect("shop.flaky", "success")
        shop.again.delay()
        expect("shop.again", "retry")
        expect("shop.again", "failure", "MaxRetriesExceededError")
        shop.nested.delay(3)
        expect("shop.nested", "success")
        expect("shop.query", "success", queue="")
        for task, state in ((shop.forget, "success"), (shop.ignore, "ignored"), (shop.reject, "rejected")):
            task.delay()
            expect(task.name, state)
        shop.emit.delay()
        expect("shop.emit", "success")
        chain(shop.add.s(1), shop.add.s(2), shop.add.s(3))()
        chord([shop.add.s(1), shop.add.s(2)])(shop.add.s())
        expect("shop.add", "success", runs=6)
        shop.query.apply_async((2,), expires=-60)
        expect("shop.query", "revoked")


def revoked_before_they_start(expected: Expected) -> None:
    ids = [f"revoked-{number}" for number in range(3)]
    replies = shop.app.control.broadcast("revoke", {"task_id": ids}, reply=True, timeout=30, limit=1)
    assert replies
    for task_id in ids:
        shop.query.apply_async((2,), task_id=task_id)
    expected["shop.query", "celery", "revoked", ""] += len(ids)


def prefork(folder: Path, expected: Expected) -> None:
    """What only processes can do: they are cut off, killed or leave."""
    for task, state, exception in (
        (shop.cope, "success", ""),
        (shop.soft, "failure", "SoftTimeLimitExceeded"),
        (shop.hard, "failure", "TimeLimitExceeded"),
        (shop.hard_and_stubborn, "failure", "TimeLimitExceeded"),
        (shop.die, "failure", "WorkerLostError"),
        (shop.leave, "failure", "WorkerLostError"),
    ):
        if task is shop.leave and not IS_5_7:  # an older Celery fails over it itself
            continue
        for _ in range(2):
            task.delay()
        expected[task.name, "celery", state, exception] += 2
    shop.die_once.delay(str(folder / "died"))
    expected["shop.die_once", "celery", "success", ""] += 1
    shop.ask_again.delay(str(folder / "asked"))
    if IS_5_7:
        expected["shop.ask_again", "celery", "retry", "WorkerLostError"] += 1
        expected["shop.ask_again", "celery", "success", ""] += 1
    else:
        expected["shop.ask_again", "celery", "failure", "WorkerLostError"] += 1
    held = shop.hold.delay()
    wait_for(held, "STARTED")
    held.revoke(terminate=True)
    expected["shop.hold", "slow", "revoked", ""] += 1


def wait_for(result: Any, state: str) -> None:
    deadline = time.monotonic() + 60
    while result.state != state:
        assert time.monotonic() < deadline, f"{result.state}, not {state}"
        time.sleep(0.05)


if __name__ == "__main__":
    django.setup()
    counted: Expected = Counter()
    every_pool(int(sys.argv[2]), counted)
    revoked_before_they_start(counted)
    if sys.argv[1] == "prefork":
        prefork(Path(sys.argv[3]), counted)
    print(json.dumps([[*key, runs] for key, runs in counted.items()]))
