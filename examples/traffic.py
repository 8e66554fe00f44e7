"""Seeded traffic for the example: sends exactly as many requests as asked for, and counts what came back.

`python examples/traffic.py http://127.0.0.1:8000 --requests 500` prints the counts as JSON. It expects the database
that `manage.py load_example` makes.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from threading import Lock
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlencode

from import_files import GOOD, PARTIAL, UNREADABLE
from traffic_client import Client, Reply, Tally

UNNAMED_VIEW = "<unnamed view>"
BOOKMARKS, USERS, SLOW_FEED = 200, 5, 6
TAGS = ("python", "django", "cooking", "music", "日本", "tools")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}
_AJAX = {"X-Requested-With": "XMLHttpRequest"}
_BOUNDARY = "one-part-ends-here"
_STATEMENTS = {"created": "insert", "updated": "update", "deleted": "delete"}
_polling = [Lock() for _ in range(SLOW_FEED)]

Action: TypeAlias = Callable[[Client, Random], Any]


class Step(NamedTuple):
    """Something that a visitor does: how likely, and how many requests it takes."""

    action: Action
    weight: float
    requests: int = 1


def get(path: str, view: str, *, method: str = "GET", ajax: bool = False, streamed: bool = False) -> Action:
    headers = _AJAX if ajax else {}
    return lambda client, _random: client.send(method, path, view, headers=headers, streamed=streamed)


def browse(client: Client, random: Random) -> None:
    client.send("GET", f"/bookmarks/?page={random.randint(1, 5)}", "bookmark_list")


def browse_tag(client: Client, random: Random) -> None:
    client.send("GET", f"/tags/{quote(random.choice(TAGS))}/", "tag_detail")


def read_form(client: Client, random: Random) -> None:
    client.send("GET", f"/bookmarks/{random.randint(1, BOOKMARKS)}/", "bookmark_edit")


def edit_cycle(client: Client, random: Random) -> None:
    """Create a bookmark, try a wrong one, change the first and delete it."""
    number = random.randint(1, 9999)
    given = {"user": random.randint(1, USERS), "url": f"https://new.example/{number}", "title": f"New {number}"}
    created = _post_form(client, "/bookmarks/new/", "bookmark_create", given, change="created")
    path = f"/bookmarks/{created.headers['X-Bookmark']}/"
    _post_form(client, "/bookmarks/new/", "bookmark_create", {**given, "url": "no address"})
    _post_form(client, path, "bookmark_edit", {**given, "title": "Changed", "tags": 1}, change="updated")
    _post_form(client, f"{path}delete/", "bookmark_delete", {}, change="deleted")
    with client.lock:
        client.tally.rows["links.Bookmark_tags", "insert"] += 1
        client.tally.rows["links.Bookmark_tags", "delete"] += 1


def _post_form(client: Client, path: str, view: str, given: Mapping[str, Any], change: str | None = None) -> Any:
    reply = client.send("POST", path, view, urlencode(given).encode(), _FORM)
    if change:
        with client.lock:
            client.tally.changes[change, "web"] += 1
            client.tally.rows["links.Bookmark", _STATEMENTS[change]] += 1
    return reply


def api_create(client: Client, random: Random) -> None:
    given = {"user": random.randint(1, USERS), "url": f"https://api.example/{random.randint(1, 99)}", "title": "API"}
    client.send("POST", "/api/bookmarks/", "api_bookmarks", json.dumps(given).encode(), _JSON | _AJAX)
    with client.lock:
        client.tally.changes["created", "api"] += 1
        client.tally.rows["links.Bookmark", "insert"] += 1


def api_refused(client: Client, _random: Random) -> None:
    client.send("POST", "/api/bookmarks/", "api_bookmarks", b'{"title": "no address"', _JSON)


def api_visits(client: Client, random: Random) -> None:
    visited = random.sample(range(1, BOOKMARKS), random.randint(1, 12))
    client.send("POST", "/api/visits/", "api_visits", json.dumps(visited).encode(), _JSON | _AJAX)
    with client.lock:
        client.tally.rows["links.Bookmark", "update"] += len(visited)


def poll_feed(client: Client, random: Random) -> None:
    _poll(client, random.randint(1, SLOW_FEED - 1))


def poll_slow_feed(client: Client, _random: Random) -> None:
    _poll(client, SLOW_FEED)


def _poll(client: Client, feed: int) -> None:
    # One poll of a feed at a time: what is new and what is not modified hangs on the poll before.
    with _polling[feed - 1]:
        reply = client.send("POST", f"/feeds/{feed}/poll/", "feed_poll")
    with client.lock:
        client.tally.poll(feed, json.loads(reply.body))


def import_file(files: tuple[tuple[str, bytes], ...], client: Client, random: Random) -> None:
    format_, data = random.choice(files)
    reply = post_file(client, "/bookmarks/import/", "bookmark_import", random.randint(1, USERS), format_, data)
    with client.lock:
        client.tally.imported(format_, json.loads(reply.body))


def post_file(client: Client, path: str, view: str, user: int, format_: str, data: bytes) -> Reply:
    body = _multipart({"user": str(user), "format": format_}, data)
    return client.send("POST", path, view, body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"})


def _multipart(fields: Mapping[str, str], data: bytes) -> bytes:
    heads = [f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}' for name in fields]
    heads.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n')
    return "\r\n".join(heads).encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


STEPS = (
    Step(browse, 30),
    Step(browse_tag, 12),
    Step(read_form, 8),
    Step(edit_cycle, 3, requests=4),
    Step(get("/api/bookmarks/", "api_bookmarks"), 6),
    Step(get("/api/bookmarks/", "api_bookmarks", ajax=True), 8),
    Step(api_create, 3),
    Step(api_refused, 1),
    Step(api_visits, 5),
    Step(get("/api/stats/", "api_stats", ajax=True), 5),
    Step(get("/api/titles/", "api_titles", streamed=True), 2),
    Step(get("/feeds/", "feed_list"), 4),
    Step(poll_feed, 4),
    Step(poll_slow_feed, 0.2),
    Step(partial(import_file, GOOD), 1),
    Step(partial(import_file, PARTIAL), 1),
    Step(partial(import_file, UNREADABLE), 0.6),
    Step(get("/bookmarks/export/", "bookmark_export", streamed=True), 1),
    Step(get("/bookmarks/export/?break=1", "bookmark_export", streamed=True), 0.2),
    Step(get("/guide/", "guide", streamed=True), 2),
    Step(get("/digest/", "digest"), 2),
    Step(get("/report/", "report"), 0.2),
    Step(get("/slow/?seconds=0.05", "slow"), 1),
    Step(get("/private/", "private"), 1),
    Step(get("/broken/", "broken"), 0.6),
    Step(get("/tags/no-such-tag/", "tag_detail"), 1),
    Step(get("/no/such/page/", UNNAMED_VIEW), 2),
    Step(get("/bookmarks", UNNAMED_VIEW), 1),
    Step(get("/bookmarks/", "bookmark_list", method="HEAD"), 1),
    Step(get("/bookmarks/", "bookmark_list", method="OPTIONS"), 0.5),
    Step(get("/bookmarks/", "bookmark_list", method="BREW"), 0.5),
    Step(get("/bookmarks/", "bookmark_list", method="DELETE"), 0.5),
)


def plan(requests: int, random: Random) -> list[Step]:
    """Each step once, as far as that goes, then steps by weight, then plain looks to make the number exact."""
    chosen: list[Step] = []
    left = requests
    weights = [step.weight for step in STEPS]
    queue = list(reversed(STEPS))
    while left >= max(step.requests for step in STEPS):
        step = queue.pop() if queue else random.choices(STEPS, weights)[0]
        chosen.append(step)
        left -= step.requests
    random.shuffle(chosen)
    return [*chosen, *[STEPS[0]] * left]


def drive(url: str, requests: int, seed: int = 7, threads: int = 4) -> Tally:
    """Send the requests; any that gets no answer raises."""
    random = Random(seed)
    client = Client(url)
    steps = [(step.action, Random(random.random())) for step in plan(requests, random)]
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(action, client, own) for action, own in steps]:
            done.result()
    return client.tally


def main() -> None:
    parser = argparse.ArgumentParser(description="Send seeded traffic to the example and count it.")
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    print(json.dumps(drive(options.url, options.requests, options.seed, options.threads).as_json(), indent=1))


if __name__ == "__main__":
    main()
