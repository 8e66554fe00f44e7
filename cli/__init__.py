"""The `logemit` command."""

import io
import sys

from aggregator.errors import UsageError

_NOT_TO_INSTALL = {"", "logemit", "aggregator", "cli", *sys.stdlib_module_names}


def main() -> None:
    try:
        from .app import app
    except ModuleNotFoundError as exc:
        if (advice := what_to_install(exc)) is None:
            raise
        sys.stderr.write(f"logemit: {advice}\n")
        sys.exit(UsageError.exit_code)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a log may hold what the terminal's encoding does not
    app()


def what_to_install(exc: ModuleNotFoundError) -> str | None:
    """Where a library is missing; None where a module of ours or of Python is."""
    name = (exc.name or "").partition(".")[0]
    return None if name in _NOT_TO_INSTALL else f"{name} is missing; pip install 'logemit[aggregator]'"
