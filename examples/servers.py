"""Starts and stops what the example needs: feeds, gunicorn, uvicorn, Redis, a worker; all on free loopback ports."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from feed_server import FeedServer

PROJECT = Path(__file__).resolve().parent / "bookmarks"
START_SECONDS = 60.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    process: subprocess.Popen[bytes]
    log: Path


def environment(database: Path, **variables: str) -> dict[str, str]:
    """A bare environment for the project: nothing of the user's own gets into it, and logemit is that beside it."""
    checkout = {"PYTHONPATH": str(PROJECT.parent.parent)}
    bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return {**checkout, **bare, "DJANGO_SETTINGS_MODULE": "config.settings", "BOOKMARKS_DB": str(database), **variables}


def manage(env: Mapping[str, str], *arguments: str, project: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Run a management command; its stdout and stderr come in one text, as cron would mail them."""
    command = [sys.executable, "manage.py", *arguments]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=project, env=dict(env), text=True, timeout=120, check=False, **both)


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
    port: int = 0,
    project: Path = PROJECT,
) -> Iterator[Server]:
    """gunicorn with its stdout and stderr, access log included, appended to one file."""
    port = port or free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", f"--bind=127.0.0.1:{port}"]
    command += [f"--workers={workers}", f"--worker-class={worker_class}", "--access-logfile=-", "--no-control-socket"]
    with _running([*command, *arguments], project_env, stdout, lambda: _is_open(port), project) as process:
        yield Server(f"http://127.0.0.1:{port}", process, stdout)


@contextmanager
def uvicorn(
    project_env: Mapping[str, str],
    workers: int = 2,
    *,
    stdout: Path,
    arguments: Sequence[str] = (),
    app: str = "config.asgi:application",
    project: Path = PROJECT,
) -> Iterator[Server]:
    """uvicorn with its stdout and stderr, access log included, appended to one file."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--host=127.0.0.1", f"--port={port}"]
    command += [f"--workers={workers}", "--no-use-colors"]
    with _running([*command, *arguments], project_env, stdout, lambda: _is_open(port), project) as process:
        yield Server(f"http://127.0.0.1:{port}", process, stdout)


def redis_program() -> str:
    program = shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError("redis-server is missing; install Debian's package redis-server")
    return program


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis that keeps nothing on disk; its log goes to the folder."""
    port = free_port()
    command = [redis_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with _running(command, {}, folder / "redis.log", lambda: _is_open(port)):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def celery_worker(
    project_env: Mapping[str, str],
    processes: int = 4,
    *,
    stdout: Path,
    arguments: Sequence[str] = (),
    project: Path = PROJECT,
) -> Iterator[None]:
    """A prefork worker with its stdout and stderr appended to one file; it ends when its tasks have."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker", "--loglevel=INFO"]
    command += ["--hostname=worker@bookmarks", "--queues=celery,imports", f"--concurrency={processes}"]

    def is_ready() -> bool:
        return b"worker@bookmarks ready." in stdout.read_bytes()

    with _running([*command, *arguments], project_env, stdout, is_ready, project):
        yield


@contextmanager
def _running(
    command: list[str], env: Mapping[str, str], log: Path, is_ready: Callable[[], bool], folder: Path = PROJECT
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until(is_ready, process, log)
        yield process
    finally:
        stop(process)


def _wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return
        time.sleep(0.05)
    ended = "is not ready" if process.poll() is None else f"ended with {process.returncode}"
    raise RuntimeError(f"the server {ended}:\n{log.read_text(errors='replace')[-2000:]}")


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


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
