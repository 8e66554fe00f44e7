"""Records sample_logs/ by running the example: under gunicorn, under uvicorn, with Celery, and as a cron job would.

Each case also gets what the client counted (client.json) and a README.md that says how it was made.
"""

import argparse
import gzip
import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import servers
import task_traffic
from alerting import drive as alerting
from bot import drive as bot
from cron_jobs import record_cron, record_imports
from shop import drive as shop
from traffic import drive

SAMPLES = Path(__file__).resolve().parent.parent / "sample_logs"
REQUESTS = {"gunicorn": 1000, "asgi": 300}
TASKS = 150
_EVENT = b'{"logemit":'


def record_gunicorn(log: Path, scratch: Path) -> dict[str, Any]:
    env = servers.environment(scratch / "db.sqlite3")
    with servers.feed_server() as feeds:
        servers.load_example(env, feeds.url)
        with servers.gunicorn(env, workers=4, stdout=log) as server:
            return drive(server.url, REQUESTS["gunicorn"]).as_json()


def record_asgi(log: Path, scratch: Path) -> dict[str, Any]:
    env = servers.environment(scratch / "db.sqlite3")
    with servers.feed_server() as feeds:
        servers.load_example(env, feeds.url)
        with servers.uvicorn(env, workers=2, stdout=log) as server:
            return drive(server.url, REQUESTS["asgi"]).as_json()


def record_celery(log: Path, scratch: Path) -> dict[str, Any]:
    with servers.redis(scratch) as redis, servers.feed_server() as feeds:
        env = servers.environment(scratch / "db.sqlite3", BOOKMARKS_REDIS=redis)
        servers.load_example(env, feeds.url)
        worker_env = {**env, "LOGEMIT_SERVICE": "bookmarks-worker"}
        with servers.celery_worker(worker_env, stdout=log), servers.gunicorn(env, workers=2, stdout=log) as server:
            tally = task_traffic.drive(server.url, TASKS)
    retries = sum(runs for (_, state), runs in tally.tasks.items() if state == "retry")
    return {"tasks_sent": TASKS, "retries": retries, **tally.as_json()}


CASES: dict[str, tuple[str, Callable[[Path, Path], dict[str, Any]], str]] = {
    "gunicorn": (
        "stdout.log",
        record_gunicorn,
        """\
Four sync workers of gunicorn write to one stdout, with gunicorn's own boot and access lines, Django's warnings and
tracebacks (`2>&1`) between the events. The client sent {requests:,} requests in four threads.

    gunicorn config.wsgi:application --workers=4 --access-logfile=- 2>&1""",
    ),
    "asgi": (
        "stdout.log",
        record_asgi,
        """\
Two workers of uvicorn run the same project under ASGI: sync and async views, streams, errors. uvicorn's own lines and
tracebacks (`2>&1`) stand between the events. The client sent {requests:,} requests in four threads.

    uvicorn config.asgi:application --workers=2 2>&1""",
    ),
    "celery": (
        "stdout.log",
        record_celery,
        """\
Two workers of gunicorn send tasks through Redis to the four processes of a Celery worker; all write to one stdout,
Celery's own log and tracebacks (`2>&1`) between the events. The client sent {tasks_sent} tasks in four threads, and
asked for each until it had ended. Polls of feeds that are out of order ran again, {retries} times in all; files that
cannot be read made their tasks fail. The cache is in Redis, too.

    export BOOKMARKS_REDIS=redis://127.0.0.1
    gunicorn config.wsgi:application --workers=2 --access-logfile=- 2>&1
    LOGEMIT_SERVICE=bookmarks-worker celery --quiet -A config.celery worker --loglevel=INFO \\
        --hostname=worker@bookmarks --queues=celery,imports --concurrency=4 2>&1""",
    ),
    "cron": (
        "jobs.log.gz",
        record_cron,
        """\
{commands} runs of management commands, one after the other, with what they print themselves; {failed_commands} of them
ended in a traceback. The requests to the feeds are not requests to the app: there is no http_request in this log.

    export LOGEMIT_OUTPUT=stdout LOGEMIT_SERVICE=bookmarks-jobs
    python manage.py migrate 2>&1
    python manage.py poll_feeds 2>&1
    python manage.py import_bookmarks FILE --user=1 --format=FORMAT 2>&1""",
    ),
    "imports": (
        "jobs.log.gz",
        record_imports,
        """\
Two polls of {active_feeds} feeds, then an import of so many bookmarks that it tells how far it is every five seconds.

    export LOGEMIT_OUTPUT=stdout LOGEMIT_SERVICE=bookmarks-imports
    python manage.py poll_feeds 2>&1
    python manage.py import_bookmarks FILE --user=1 --format=json 2>&1""",
    ),
    "alerting": (
        "stdout.log",
        alerting.record,
        """\
{runs} runs of examples/alerting, one after the other, without Django: data that is checked, drift that is found, alerts
that are handed to channels of which one is sometimes down, reports, and jobs of which some fail. Two runs were killed
in the middle of their last job: it started, and never ended.

    LOGEMIT_SERVICE=upstream python product.py FOLDER""",
    ),
    "shop": (
        "stdout.log",
        shop.record,
        """\
examples/shop: two workers of gunicorn, a Celery worker with its scheduler, a cache and queues in Redis, and now and
then, as cron would, health checks and what the machine uses. In the end the worker was stopped, and the last two rounds
of health checks found neither it nor the scheduler. The client sent most of the {requests} requests, a health check the
others.

    gunicorn config.wsgi:application --workers=2 --access-logfile=- 2>&1
    LOGEMIT_SERVICE=shop-worker celery --quiet -A config.celery worker --beat --loglevel=INFO --concurrency=2 2>&1
    LOGEMIT_SERVICE=shop-cron python manage.py health_checks --json 2>&1 >/dev/null
    LOGEMIT_SERVICE=shop-cron python manage.py system_stats 2>&1 >/dev/null""",
    ),
    "bot": (
        "stdout.log",
        bot.record,
        """\
examples/bot under uvicorn, without Django, between a client and a messenger that was down for a while: requests to its
web API, its calls of the messenger's, updates, queries, jobs, health checks. The client counted its requests, the
messenger the calls, and the database what had been put into it.

    LOGEMIT_SERVICE=bot uvicorn bot:app 2>&1""",
    ),
}

README = """\
# Sample log: {case}

{what}

Recorded with `make sample-logs` (examples/record.py) on Python {python}, Django {django}, gunicorn {gunicorn},
uvicorn {uvicorn} and Celery {celery}{made}. `{log}` is the output
as it came, but for the directories in tracebacks, which were renamed. `client.json` is what the other side counted,
without a look at the log; `expected.prom` is what `logemit aggregate` made of the log, without its figures about
itself.
"""


OTHERS = ("alerting", "shop", "bot")
OF_BOOKMARKS = ", with the database that `manage.py load_example` makes"


def record(case: str) -> Path:
    """Record one case afresh into its folder."""
    name, run, what = CASES[case]
    folder = SAMPLES / case
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "output.log"
        counts = run(raw, Path(scratch))
        data = neutral(raw.read_bytes(), Path(scratch))
    (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    (folder / "client.json").write_text(json.dumps(counts, indent=1, ensure_ascii=False) + "\n")
    versions = {package: version(package) for package in ("django", "gunicorn", "uvicorn", "celery")}
    made = OF_BOOKMARKS if case not in OTHERS else ""
    facts = {"case": case, "what": what.format(**counts), "log": name, "made": made, **versions}
    (folder / "README.md").write_text(README.format(python=platform.python_version(), **facts))
    return folder


def neutral(data: bytes, scratch: Path) -> bytes:
    """The output with this machine's directories renamed, in lines that are not events."""
    site = "/srv/bookmarks/.venv/lib/python3/site-packages"
    renamed = {
        str(scratch): "/srv/data",
        str(servers.PROJECT.parent): "/srv",
        sysconfig.get_path("purelib"): site,
        sys.prefix: "/srv/bookmarks/.venv",
        str(SAMPLES.parent): site,
        sysconfig.get_path("stdlib"): "/usr/lib/python3",
        sys.base_prefix: "/usr",
    }
    lines = data.splitlines(keepends=True)
    for old, new in renamed.items():
        lines = [line if line.startswith(_EVENT) else line.replace(old.encode(), new.encode()) for line in lines]
    return b"".join(lines)


def write_expected(case_dir: Path) -> None:
    """Keep what `logemit aggregate` makes of a case as expected.prom, without the families about logemit itself."""
    (log,) = (path for path in case_dir.iterdir() if path.name.endswith((".log", ".log.gz")))
    with tempfile.TemporaryDirectory() as out:
        command = [Path(sys.executable).parent / "logemit", "aggregate", log, "--out", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lines = (Path(out) / "metrics.prom").read_text().splitlines(keepends=True)
    own = re.compile(r"(# (HELP|TYPE) )?logemit_")
    (case_dir / "expected.prom").write_text("".join(line for line in lines if not own.match(line)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Record sample_logs/ afresh.")
    parser.add_argument("cases", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--only-expected", action="store_true", help="keep the logs; aggregate them afresh")
    options = parser.parse_args()
    cases = options.cases or CASES
    if {"celery", "shop"} & {*cases} and not options.only_expected:
        try:
            servers.redis_program()
        except FileNotFoundError as exc:
            others = " ".join(case for case in CASES if case not in {"celery", "shop"})
            sys.exit(f"record: {exc}; or leave the cases out that need it: record.py {others}")
    for case in cases:
        folder = SAMPLES / case if options.only_expected else record(case)
        write_expected(folder)
        sizes = ", ".join(f"{path.name} {path.stat().st_size:,} bytes" for path in sorted(folder.iterdir()))
        print(f"{case}: {sizes}")


if __name__ == "__main__":
    main()
