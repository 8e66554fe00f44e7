"""Seeded traffic that sends tasks, and asks Celery itself how each of them ended."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any, TypeAlias

from import_files import GOOD, PARTIAL, UNREADABLE
from traffic import USERS, post_file
from traffic_client import Client, Reply, Tally

FEEDS = 7
_DEADLINE_SECONDS = 120

Errand: TypeAlias = Callable[[Client, Random], None]


def refresh(feed: int, client: Client, _random: Random) -> None:
    answer = _ended(client, client.send("POST", f"/feeds/{feed}/refresh/", "feed_refresh"))
    with client.lock:
        client.tally.task("links.tasks.poll_feed", answer)
        for _ in range(answer["retries"]):
            client.tally.poll(feed, {"status": "error"})
        client.tally.poll(feed, answer["result"] or {"status": "error"})


def upload(format_: str, data: bytes, client: Client, random: Random) -> None:
    sent = post_file(client, "/bookmarks/upload/", "bookmark_upload", random.randint(1, USERS), format_, data)
    answer = _ended(client, sent)
    with client.lock:
        client.tally.task("links.tasks.import_file", answer)
        client.tally.imported(format_, answer["result"] or {"status": "error"})
    client.send("GET", "/api/stats/", "api_stats")


def _ended(client: Client, accepted: Reply) -> Mapping[str, Any]:
    """Ask until the task has ended."""
    task = json.loads(accepted.body)["task"]
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.3)
        answer: dict[str, Any] = json.loads(client.send("GET", f"/tasks/{task}/", "task_state").body)
        if answer["state"] in {"SUCCESS", "FAILURE"}:
            return answer
    raise RuntimeError(f"task {task} did not end")


ERRANDS: tuple[Errand, ...] = (
    *(partial(refresh, feed) for feed in range(1, FEEDS + 1)),
    *(partial(upload, format_, data) for format_, data in GOOD + PARTIAL + UNREADABLE),
)


def drive(url: str, tasks: int, seed: int = 7, threads: int = 4) -> Tally:
    """Send the tasks, each kind at least once where there are enough; one without an end raises."""
    random = Random(seed)
    client = Client(url)
    errands = [*ERRANDS, *random.choices(ERRANDS, k=max(0, tasks - len(ERRANDS)))][:tasks]
    random.shuffle(errands)
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(errand, client, Random(random.random())) for errand in errands]:
            done.result()
    return client.tally
