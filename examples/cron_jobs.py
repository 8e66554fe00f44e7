"""Management commands of the bookmarks, one after the other, counted by what they print and how they end."""

import re
from pathlib import Path
from random import Random
from typing import Any

import servers
from import_files import GOOD, LONG, PARTIAL, UNREADABLE
from traffic_client import Tally

CRON_ROUNDS = 6
_POLL = re.compile(r"^feed (\d+): (\w+)(?:: (\d+) items, (\d+) new)?", re.MULTILINE)
_IMPORT = re.compile(r"^[\w.]+: (\w+): (\d+) of (\d+) taken, (\d+) refused", re.MULTILINE)


def record_cron(log: Path, scratch: Path) -> dict[str, Any]:
    """Polls and imports, as cron would run them."""
    env = servers.environment(scratch / "db.sqlite3")
    random, tally, output, failed = Random(7), Tally(), "", 0
    rounds = [(GOOD, PARTIAL)] * (CRON_ROUNDS - 1) + [(UNREADABLE, GOOD)]
    with servers.feed_server() as feeds:
        servers.load_example(env, feeds.url)
        env |= {"LOGEMIT_OUTPUT": "stdout", "LOGEMIT_SERVICE": "bookmarks-jobs"}
        output += servers.manage(env, "migrate").stdout
        for kinds in rounds:
            polled = servers.manage(env, "poll_feeds")
            _count_polls(tally, polled.stdout)
            output += polled.stdout
            failed += polled.returncode != 0
            for files in kinds:
                format_, data = random.choice(files)
                file = scratch / f"upload.{format_}"
                file.write_bytes(data)
                done = servers.manage(env, "import_bookmarks", str(file), "--user=1", f"--format={format_}")
                tally.imported(format_, _import_summary(done.stdout) if done.returncode == 0 else {"status": "error"})
                output += done.stdout
                failed += done.returncode != 0
    log.write_bytes(output.encode())
    counted = tally.as_json()
    return {"commands": 1 + 3 * CRON_ROUNDS, "failed_commands": failed} | {k: counted[k] for k in counted if counted[k]}


def record_imports(log: Path, scratch: Path) -> dict[str, Any]:
    """Two polls of all feeds, and an import that takes long."""
    env = servers.environment(scratch / "db.sqlite3")
    tally, output, file = Tally(), "", scratch / "upload.json"
    format_, data = LONG
    file.write_bytes(data)
    with servers.feed_server() as feeds:
        servers.load_example(env, feeds.url)
        env |= {"LOGEMIT_OUTPUT": "stdout", "LOGEMIT_SERVICE": "bookmarks-imports"}
        for _ in range(2):
            polled = servers.manage(env, "poll_feeds")
            _count_polls(tally, polled.stdout)
            output += polled.stdout
        done = servers.manage(env, "import_bookmarks", str(file), "--user=1", f"--format={format_}")
        tally.imported(format_, _import_summary(done.stdout))
    log.write_text(output + done.stdout)
    counted = tally.as_json()
    return {"commands": 3, "failed_commands": 0, "active_feeds": 7} | {k: counted[k] for k in counted if counted[k]}


def _count_polls(tally: Tally, output: str) -> None:
    for feed, status, discovered, new in _POLL.findall(output):
        tally.poll(int(feed), {"status": status, "items_discovered": int(discovered or 0), "items_new": int(new or 0)})


def _import_summary(output: str) -> dict[str, Any]:
    match = _IMPORT.search(output)
    assert match, output
    taken, total, refused = (int(number) for number in match.groups()[1:])
    return {"status": match[1], "items_total": total, "items_processed": taken, "items_failed": refused}
