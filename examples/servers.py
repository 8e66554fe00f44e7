"""Starts and stops what the example needs: the feed server, gunicorn and uvicorn, on free loopback ports."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from feed_server import FeedServer

PROJECT = Path(__file__).resolve().parent / "bookmarks"
START_SECONDS = 30.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    process: subprocess.Popen[bytes]
    log: Path


def environment(database: Path, **variables: str) -> dict[str, str]:
    """A bare environment for the project: nothing of the user's own gets into it."""
    bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return {**bare, "DJANGO_SETTINGS_MODULE": "config.settings", "BOOKMARKS_DB": str(database), **variables}


def manage(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a management command; its stdout and stderr come in one text, as cron would mail them."""
    command = [sys.executable, "manage.py", *arguments]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=PROJECT, env=dict(env), text=True, timeout=120, check=False, **both)


def load_example(env: Mapping[str, str], feeds_url: str) -> None:
    """Make the database and fill it."""
    for arguments in (("migrate", "--verbosity=0"), ("load_example", f"--feeds={feeds_url}")):
        done = manage(env, *arguments)
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stdout}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def feed_server(slow_seconds: float = 3.0) -> Iterator[FeedServer]:
    server = FeedServer(slow_seconds=slow_seconds)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def gunicorn(
    project_env: Mapping[str, str],
    workers: int = 4,
    worker_class: str = "sync",
    *,
    stdout: Path,
    arguments: Sequence[str] = (),
) -> Iterator[Server]:
    """gunicorn with its stdout and stderr, access log included, appended to one file."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", f"--bind=127.0.0.1:{port}"]
    command += [f"--workers={workers}", f"--worker-class={worker_class}", "--access-logfile=-", "--no-control-socket"]
    with _running([*command, *arguments], port, project_env, stdout) as server:
        yield server


@contextmanager
def uvicorn(
    project_env: Mapping[str, str],
    workers: int = 2,
    *,
    stdout: Path,
    arguments: Sequence[str] = (),
) -> Iterator[Server]:
    """uvicorn with its stdout and stderr, access log included, appended to one file."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host=127.0.0.1", f"--port={port}"]
    command += [f"--workers={workers}", "--no-use-colors"]
    with _running([*command, *arguments], port, project_env, stdout) as server:
        yield server


@contextmanager
def _running(command: list[str], port: int, env: Mapping[str, str], log: Path) -> Iterator[Server]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=dict(env), stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_open(port, process, log)
        yield Server(f"http://127.0.0.1:{port}", process, log)
    finally:
        stop(process)


def _wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    ended = "did not open its port" if process.poll() is None else f"ended with {process.returncode}"
    raise RuntimeError(f"the server {ended}:\n{log.read_text(errors='replace')[-2000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Gracefully, with all that is under way finished; by force only if it does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
