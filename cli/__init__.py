"""The `logemit` command."""

import io
import sys


def main() -> None:
    try:
        from .app import app
    except ModuleNotFoundError as exc:
        if exc.name not in {"typer", "rich", "click"}:
            raise
        sys.exit("logemit: the command needs more than the emitter does; run: pip install 'logemit[aggregator]'")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a log may hold what the terminal's encoding does not
    app()
