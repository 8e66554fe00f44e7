"""The `logemit` command."""

import io
import sys

USAGE = 2
"""The exit code of UsageError, which is not to be imported here."""


def main() -> None:
    try:
        from .app import app
    except ModuleNotFoundError as exc:
        if (advice := what_to_install(exc)) is None:
            raise
        sys.stderr.write(f"logemit: {advice}\n")
        sys.exit(USAGE)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a log may hold what the terminal's encoding does not
    app()


def what_to_install(exc: ModuleNotFoundError) -> str | None:
    """Where a library is missing; None where a module of ours is."""
    name = (exc.name or "").partition(".")[0]
    if name in ("", "logemit", "aggregator", "cli"):
        return None
    return f"{name} is missing; pip install 'logemit[aggregator]'"
