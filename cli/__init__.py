"""The `logemit` command."""

import io
import sys

from aggregator.errors import UsageError

_BROUGHT_BY = {"libcst": "audit", "promql_parser": "audit", "yaml": "audit"}
"""The extra of a library; aggregator for all others."""
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
    if name in _NOT_TO_INSTALL:
        return None
    return f"{name} is missing; pip install 'logemit[{_BROUGHT_BY.get(name, 'aggregator')}]'"
