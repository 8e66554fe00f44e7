"""`logemit` out of a process that has imported everything: each call is a fork of it, and as good as a new process.

A script stands for the command. It hands its arguments, folder, environment and open files to the server and waits for
the exit code. What a signal does to it, what Python reads at its start, and how long a start takes is to be tested with
the command itself.
"""

import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pkgutil import walk_packages
from typing import NoReturn

from .services import stop, wait_until

ROOT = Path(__file__).parent.parent
SCRIPT = """\
#!{python} -ISB
import _socket, array, os, sys
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({address!r})
parts = [os.getcwdb(), b"%d" % len(sys.argv), *map(os.fsencode, sys.argv)]
parts += [name + b"=" + value for name, value in os.environb.items()]
request = b"\\0".join(parts)
files = array.array("i", [0, 1, 2])
server.sendmsg([b"%0{digits}d" % len(request)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
server.sendall(request)
os._exit(int(server.recv(9) or 70))
"""
DIGITS = 9
PR_SET_PDEATHSIG = 1
READ_AT_START = ("PYTHON", "LANG", "LC_", "NUMBA_")
"""Variables that a fork is too late for."""
LEFT_OUT = ("aggregator.compiled", "aggregator.spread", "cli.starters")
"""Packages of which nothing is imported ahead."""


class Command:
    """`folder` is one for the PATH; in it is the script, whose server starts when it is asked for first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        if self._server is None:
            self._start()
        return self._folder / "bin"

    @property
    def path(self) -> Path:
        return self.folder / "logemit"

    def _start(self) -> None:
        address, log = str(self._folder / "socket"), self._folder / "log"
        (self._folder / "bin").mkdir()
        script = self._folder / "bin" / "logemit"
        script.write_text(SCRIPT.format(python=sys.executable, address=address, digits=DIGITS))
        script.chmod(0o755)
        command = [sys.executable, "-m", "tests.quick", address]
        with log.open("wb") as output:
            self._server = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        wait_until(Path(address).exists, self._server, log, 60)

    def stop(self) -> None:
        if self._server is not None:
            assert self._server.stdin
            self._server.stdin.close()
            stop(self._server)


_commands: list[Command] = []


@contextmanager
def commands() -> Iterator[None]:
    """While it lasts there is a `command`."""
    with tempfile.TemporaryDirectory(prefix="logemit-tests-", dir="/tmp") as folder:  # a socket's path has to be short
        _commands.append(Command(Path(folder)))
        try:
            yield
        finally:
            _commands.pop().stop()


def command() -> Command:
    return _commands[-1]


# In the server.


def serve(address: str) -> None:
    """Until standard input closes."""
    warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
    import_everything()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{address}.new")
        listener.listen(64)
        os.rename(f"{address}.new", address)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            if not os.fork():
                listener.close()
                _become(connection)
            connection.close()


def import_everything() -> None:
    """Also what only single commands import, but for machine code, which is loaded for long logs."""
    import aggregator
    import cli

    from .reliability import forks

    forks.import_everything()
    for package in (cli, aggregator):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(LEFT_OUT):
                with suppress(ImportError):
                    importlib.import_module(module.name)
    with suppress(ImportError):
        import jinja2  # noqa: F401
        import markdown_it  # noqa: F401
    gc.freeze()


def _become(connection: socket.socket) -> NoReturn:
    from .reliability.forks import take_on_the_environment

    code = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlasts the server
    try:
        head, files, _, _ = socket.recv_fds(connection, DIGITS, 3)
        with connection.makefile("rb") as stream:
            folder, count, *parts = stream.read(int(head)).split(b"\0")
        for target, file in enumerate(files):
            os.dup2(file, target)
            os.close(file)
        _open_anew()
        os.chdir(folder)
        sys.argv = [os.fsdecode(part) for part in parts[: int(count)]]
        os.environ.clear()
        for name, _, value in (part.partition(b"=") for part in parts[int(count) :]):
            os.environb[name] = value
        take_on_the_environment()

        import cli

        cli.main()
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
        if isinstance(exc.code, str):
            print(exc.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        with suppress(OSError):
            connection.sendall(b"%d" % code)
        os._exit(code)


def _open_anew() -> None:
    """As Python does at its start: what was open before may have been of another kind."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    serve(sys.argv[1])
