"""The Celery app of the tests, as a user would write it: nothing here names logemit but for its events."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Never

from celery import Celery
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.celery_worker.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")


@worker_ready.connect
def say_so(**_kwargs: Any) -> None:
    if path := os.environ.get("TESTS_READY"):
        Path(path).touch()


def run_queries(number: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for _ in range(number):
            cursor.execute("SELECT 1")


@app.task(name="shop.query")
def query(number: int) -> int:
    run_queries(number)
    return number


@app.task(name="shop.add", ignore_result=False)
def add(*numbers: Any) -> int:
    return sum(number if isinstance(number, int) else sum(number) for number in numbers)


@app.task(name="shop.forget", ignore_result=True)
def forget() -> None:
    print("printed, not lost")
    print('{"logemit":"no event"}', file=sys.stderr)


@app.task(name="shop.fail")
def fail() -> Never:
    run_queries(1)
    raise ValueError("no")


@app.task(name="shop.flaky", bind=True, autoretry_for=(ConnectionError,), default_retry_delay=0, max_retries=5)
def flaky(self: Any, failures: int) -> None:
    run_queries(1)
    if self.request.retries < failures:
        raise ConnectionError


@app.task(name="shop.again", bind=True, max_retries=1)
def again(self: Any) -> Never:
    raise self.retry(countdown=0)


@app.task(name="shop.ignore")
def ignore() -> Never:
    raise Ignore


@app.task(name="shop.reject", acks_late=True)
def reject() -> Never:
    raise Reject("no", requeue=False)


@app.task(name="shop.nested")
def nested(number: int) -> None:
    run_queries(1)
    query.apply((number,))
    run_queries(1)


@app.task(name="shop.hold", track_started=True)
def hold() -> None:
    run_queries(1)
    time.sleep(600)


@app.task(name="shop.cope", soft_time_limit=1)
def cope() -> str:
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        run_queries(1)
    return "coped"


@app.task(name="shop.soft", soft_time_limit=1)
def soft() -> None:
    time.sleep(30)


@app.task(name="shop.hard", time_limit=1)
def hard() -> None:
    run_queries(1)
    time.sleep(30)


@app.task(name="shop.hard_and_stubborn", time_limit=1)
def hard_and_stubborn() -> None:
    """SIGTERM comes first and raises SystemExit, which such code turns into something else."""
    try:
        time.sleep(30)
    except BaseException as exc:
        raise RuntimeError("a cleanup that fails") from exc


@app.task(name="shop.die")
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.die_once", bind=True, acks_late=True, reject_on_worker_lost=True)
def die_once(self: Any, marker: str) -> None:
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    run_queries(1)


@app.task(name="shop.leave")
def leave() -> None:
    run_queries(1)
    sys.exit(3)


@app.task(name="shop.emit")
def emit() -> None:
    import logemit

    logemit.emit("report_sent", pages=3)
    threading.Thread(target=run_queries, args=(2,)).start()
    with logemit.feed_poll(feed_id=7) as span:
        span.set(items_discovered=1, items_new=1)


@app.task(name="shop.ask_again", bind=True, retry_on_worker_lost=True, default_retry_delay=0)
def ask_again(self: Any, marker: str) -> None:
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
