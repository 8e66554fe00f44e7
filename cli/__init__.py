"""The `logemit` command."""

import sys


def main() -> None:
    try:
        from .app import app
    except ModuleNotFoundError as exc:
        if exc.name not in {"typer", "rich", "click"}:
            raise
        sys.exit("logemit: the command needs more than the emitter does; run: pip install 'logemit[aggregator]'")
    app()
