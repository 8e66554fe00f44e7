"""Prefixes that a program puts before each line: logging's formats, Celery's, honcho's, foreman's, compose's."""

import os
import subprocess
import sys
from importlib.metadata import version as release
from pathlib import Path

import servers

from .case import EVENT, Case, lines, program, running, version, wait_until, without

_HANDLED = "\nhandler = logging.StreamHandler(); handler.setFormatter({})\n"
_HANDLED += "logging.basicConfig(level=logging.INFO, handlers=[handler])"
_FORMAT = 'logging.basicConfig(level=logging.INFO, style="{}", format="{}")'
_GUNICORN = "from gunicorn.glogging import Logger" + _HANDLED.format(
    "logging.Formatter(Logger.error_fmt, Logger.datefmt)"
)
_UVICORN = "from uvicorn.logging import DefaultFormatter" + _HANDLED.format(
    'DefaultFormatter("%(levelprefix)s %(message)s", use_colors=False)'
)
_VERBOSE = "{levelname} {asctime} {module} {process:d} {thread:d} {message}"
_ASCTIME = "%(asctime)s %(levelname)s %(name)s %(message)s"
_LOGGING = {  # name: what it is recognised as, how it is set up, what the README calls it
    "basic": ("logging", "logging.basicConfig(level=logging.INFO)", "logging.basicConfig()"),
    "asctime": ("logging", _FORMAT.format("%", _ASCTIME), f"the format `{_ASCTIME}`"),
    "django": ("bare", _FORMAT.format("{", _VERBOSE), "the format `verbose` of Django's documentation of logging"),
    "gunicorn": ("logging", _GUNICORN, "the format of gunicorn's error log"),
    "uvicorn": ("bare", _UVICORN, "the format of uvicorn's log"),
}
_REPLAY = """
import logging, sys
{setup}
for line in open(sys.argv[1], errors="surrogateescape", newline="\\n"):
    logging.getLogger("web").info("%s", line[:-1])
"""

_TASKS = """
from celery import Celery
from celery.utils.log import get_task_logger

app = Celery("app", broker={broker!r})
logger = get_task_logger(__name__)

@app.task
def replay(path, how):
    for line in open(path, errors="replace", newline="\\n"):
        print(line[:-1]) if how == "print" else logger.info("%s", line[:-1])
"""


def _logging(envelope: str, setup: str, what: str, bare: bytes, scratch: Path) -> Case:
    (scratch / "lines").write_bytes(bare)
    command = [sys.executable, "-c", _REPLAY.format(setup=setup), str(scratch / "lines")]
    env = {**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:surrogateescape"}
    done = subprocess.run(command, env=env, check=True, capture_output=True)
    how = f"Recorded with Python's logging ({sys.version.split()[0]}): each line was logged with {what}."
    return Case(envelope, done.stderr, how)


def _celery(kind: str, bare: bytes, scratch: Path) -> Case:
    (scratch / "lines").write_bytes(bare)
    log = scratch / "celery.log"
    # With settings of Django's in its environment the worker would be one of a Django app.
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    with servers.redis(scratch) as redis:
        (scratch / "app.py").write_text(_TASKS.format(broker=redis))
        call = [sys.executable, "-c", f"import app; app.replay.delay({str(scratch / 'lines')!r}, {kind!r})"]
        subprocess.run(call, check=True, cwd=scratch, env=env, timeout=30)
        worker = [sys.executable, "-m", "celery", "--quiet", "-A", "app", "worker", "--loglevel=INFO"]
        with log.open("wb") as output:
            options = ["--concurrency=1", "--hostname=worker@web"]
            process = subprocess.Popen([*worker, *options], cwd=scratch, env=env, stdout=output, stderr=output)
        try:
            wait_until(lambda: b"succeeded in" in log.read_bytes(), f"the task did not end; see {log}")
        finally:
            process.terminate()
            process.wait(30)
    by = "`print`, which the worker makes a record of its log" if kind == "print" else "the logger of `get_task_logger`"
    how = f"Recorded with Celery {release('celery')} and Redis: a task put out each line with {by}."
    data = log.read_bytes().replace(str(scratch).encode(), b"/srv/app").replace(sys.prefix.encode(), b"/srv/app/.venv")
    return Case("celery", data, how)


def _procfile(command: list[str], bare: bytes, scratch: Path) -> bytes:
    found = [line + b"\n" for line in bare.split(b"\n")[:-1]]
    (scratch / "web").write_bytes(b"".join(line for line in found if line.startswith(EVENT)))
    (scratch / "worker").write_bytes(b"".join(line for line in found if not line.startswith(EVENT)))
    # The first to end ends them all, and foreman does not always notice.
    (scratch / "Procfile").write_text("".join(f"{name}: cat {name}; sleep 60\n" for name in ("web", "worker")))
    log, env = scratch / "output.log", {**os.environ, "LANG": "C.UTF-8"}
    with running(command, log, lambda: log.read_bytes().count(b" | ") >= len(found) + 2, cwd=scratch, env=env):
        pass
    return log.read_bytes()


def honcho(bare: bytes, scratch: Path) -> Case:
    data = _procfile([str(Path(sys.executable).with_name("honcho")), "start"], bare, scratch)
    unreadable = without(bare, lambda line: "honcho breaks it in two" if len(line.decode().splitlines()) > 1 else None)
    how = f"""\
Recorded with honcho {release("honcho")}: two processes in its Procfile. It breaks a line also where Unicode does, at
U+2028 and U+0085: such an event is lost."""
    return Case("compose", data, how, unreadable=unreadable)


def foreman(bare: bytes, scratch: Path) -> Case:
    utf_8 = bare.decode(errors="replace").encode()  # it hangs at anything else
    data = _procfile([program("foreman", "ruby-foreman"), "start"], utf_8, scratch)
    return Case("compose", data, f"Recorded with foreman ({version('ruby-foreman')}): two processes in its Procfile.")


def compose(bare: bytes, _scratch: Path) -> Case:
    text = b"".join(b"%-8s | %s\n" % (_service(line.is_event), line.raw) for line in lines(bare))
    how = """\
Built from the documented format: `docker compose logs` of Docker's manual, version 2, of two services: the name of the
container, without the project's, is padded to the longest, then come ` | ` and the line."""
    return Case("compose", text, how, built=True)


def compose_colours(bare: bytes, _scratch: Path) -> Case:
    parts = []
    for line in lines(bare):
        colour = 36 if line.is_event else 33
        parts.append(b"\x1b[%dm%-8s | \x1b[0m%s\n" % (colour, _service(line.is_event), line.raw))
    how = """\
Built from the documented format: `docker compose logs --ansi=always` of Docker's manual: the prefix stands in one of
the terminal's colours."""
    return Case("compose", b"".join(parts), how, built=True)


def _service(is_event: bool) -> bytes:
    return b"web-1" if is_event else b"worker-1"


RECORDERS = {
    **{
        f"logging-{name}": (lambda bare, scratch, call=call: _logging(*call, bare, scratch))
        for name, call in _LOGGING.items()
    },
    "celery-print": lambda bare, scratch: _celery("print", bare, scratch),
    "celery-task": lambda bare, scratch: _celery("log", bare, scratch),
    "honcho": honcho,
    "foreman": foreman,
    "compose": compose,
    "compose-colours": compose_colours,
}
