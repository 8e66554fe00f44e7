"""Runs the shop, visits it, asks after its health, then stops its worker and asks again; counts by what it is told."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import servers
from traffic_client import Client

SHOP = Path(__file__).parent
REQUESTS = 100
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SUCCEEDED = re.compile(r"Task ([\w.]+)\[[-0-9a-f]+\] succeeded")


def record(log: Path, scratch: Path) -> dict[str, Any]:
    """Append the output of all processes to a log; what was counted."""
    with servers.redis(scratch) as redis:
        port = servers.free_port()
        env = servers.environment(
            scratch / "db.sqlite3", SHOP_DB=str(scratch / "shop.sqlite3"), SHOP_REDIS=redis,
            SHOP_URL=f"http://127.0.0.1:{port}",
        )  # fmt: skip
        for arguments in (("migrate", "--run-syncdb", "--verbosity=0"), ("loaddata", "products", "--verbosity=0")):
            done = servers.manage(env, *arguments, project=SHOP)
            assert done.returncode == 0, done.stdout
        cron, commands = Cron(env, log), Counter[str]()
        worker_env = {**env, "LOGEMIT_SERVICE": "shop-worker"}
        beat = ["--beat", f"--schedule={scratch / 'beat'}"]
        with servers.gunicorn(env, workers=2, stdout=log, port=port, project=SHOP) as server:
            client = Client(server.url)
            with servers.celery_worker(worker_env, 2, stdout=log, arguments=beat, project=SHOP):
                wait_until(lambda: b"store.tasks.tick" in log.read_bytes())
                visit(client, cron)
                wait_for_receipts(client, log)
            time.sleep(4)  # until the scheduler is missed
            cron.ask(client)
            cron.ask(client)
    tally = client.tally
    for task in _SUCCEEDED.findall(log.read_text(errors="replace")):
        tally.tasks[task, "success"] += 1
    commands = {"commands": cron.ran, "failed_commands": cron.failed}
    health = [{"check": c, "healthy": h, "count": n} for (c, h), n in sorted(cron.results.items())]
    return {**commands, "health": health, "system_stats": cron.stats, **tally.as_json()}


class Cron:
    """What cron would run: `manage.py health_checks` and `manage.py system_stats`."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._env = {**env, "LOGEMIT_SERVICE": "shop-cron"}
        self._log = log
        self.ran = self.failed = self.stats = 0
        self.results: Counter[tuple[str, str]] = Counter()

    def ask(self, client: Client) -> None:
        """What a command prints is its answer; events stand on standard error."""
        answer = json.loads(self._run("health_checks", "--json"))
        for each in answer:
            self.results[each["check"], str(each["healthy"]).lower()] += 1
            if each["check"] == "web" and each["healthy"]:
                client.tally.requests["GET", "up", 200] += 1
                client.tally.totals["whole_response_bytes"] += len("up\n")
        client.tally.cache["hit"] += 2  # what was set a moment before, and the scheduler's last tick
        self._run("system_stats", "--interval=0.1")
        self.stats += 1

    def _run(self, *arguments: str) -> bytes:
        command = [sys.executable, "manage.py", *arguments]
        with self._log.open("ab") as log:
            done = subprocess.run(command, cwd=SHOP, env=self._env, stdout=subprocess.PIPE, stderr=log, check=False)
        self.ran += 1
        self.failed += done.returncode != 0
        return done.stdout


def visit(client: Client, cron: Cron) -> None:
    random = Random(7)
    for number in range(REQUESTS):
        match random.randrange(10):
            case 0:
                client.send("GET", "/products/999/", "product_detail")
            case 1:
                client.send("GET", "/broken/", "broken") if number % 2 else order(client, 3)
            case 2 | 3 | 4:
                order(client, random.choice([1, 2]))
            case 5 | 6:
                client.send("GET", f"/products/{random.randint(1, 3)}/", "product_detail")
            case _:
                client.send("GET", "/", "product_list")
        if number % 33 == 32:
            cron.ask(client)


def order(client: Client, product: int) -> None:
    body = urlencode({"product": product, "pieces": 2}).encode()
    reply = client.send("POST", "/orders/", "order_create", body, _FORM)
    if reply.status == 201:
        client.tally.rows["store.Product", "update"] += 1
        client.tally.rows["store.Order", "insert"] += 1


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the worker does not do what it should")
        time.sleep(0.1)


def wait_for_receipts(client: Client, log: Path) -> None:
    """Each order's, as Celery tells it in its own log."""
    orders = client.tally.rows["store.Order", "insert"]
    wait_until(lambda: _SUCCEEDED.findall(log.read_text(errors="replace")).count("store.tasks.send_receipt") == orders)
    client.tally.rows["store.Order", "update"] += orders
