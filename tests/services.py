"""Servers that tests need and the machine has: started on free loopback ports, stopped by their process."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.conftest import tool

START_SECONDS = 60.0
STOP_SECONDS = 60.0
POSTGRES_FOLDERS = glob.glob("/usr/lib/postgresql/*/bin")
"""Where Debian keeps the programs, which are not on the path."""


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The URL of a Redis of its own, which keeps nothing on disk."""
    port = free_port()
    command = [tool("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
    with running(command, folder / "redis.log", lambda: _answers_ping(port)):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process from when it is ready; its output goes to `log`, without its stdout where that has a place."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout or output, stderr=output)
    try:
        wait_until(is_ready, process, log)
        yield process
    finally:
        stop(process)


def wait_until(
    is_true: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float = START_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            state = f"ended with {process.returncode}" if ended else f"is not there after {seconds:g} s"
            raise RuntimeError(f"{process.args!r} {state}:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Gracefully; by force only if it does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@contextmanager
def postgres_server() -> Iterator[dict[str, Any]]:
    """Django's settings of a database in a PostgreSQL of its own, which is gone afterwards."""
    initdb, server = (tool(name, "postgresql", POSTGRES_FOLDERS) for name in ("initdb", "postgres"))
    folder = Path(tempfile.mkdtemp(prefix="logemit-postgres-"))
    # It refuses to run as root.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", free_port()
    make = [*as_user, initdb, "--pgdata", str(data), "--username=tests", "--auth=trust", "--no-sync", "--encoding=UTF8"]
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "port": port, "fsync": "off"}
    serve = [*as_user, server, "-D", str(data), *(f"--{name}={value}" for name, value in options.items())]
    try:
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=START_SECONDS)
        with running(serve, folder / "log", lambda: _takes_logins(port), cwd=Path("/")) as process:
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "tests",
                "HOST": "127.0.0.1",
                "PORT": str(port),
            }
            process.send_signal(signal.SIGINT)  # at once, whoever is still connected
    finally:
        shutil.rmtree(folder)


def _takes_logins(port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(host="127.0.0.1", port=port, user="tests", dbname="postgres", connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True
