"""What commands share: their arguments, and how errors reach a user."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aggregator.errors import LogemitError, ReadWriteError, UsageError

if TYPE_CHECKING:
    from aggregator.config import Config

F = TypeVar("F", bound=Callable[..., Any])

EXIT_CODES = (
    "Exit codes: 0 done · 1 check found rejected lines · 2 usage · 65 damaged state · 66 no such input · "
    "70 defect of logemit's own · 73 output cannot be written · 74 reading or writing failed · "
    "75 another run holds the lock · 78 bad logemit.toml · 130 interrupted."
)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Log files, folders or globs, plain, .gz, .zst, .xz or .bz2; - is standard input.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="A logemit.toml with summaries and metrics of your own."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


Output = Annotated[
    str, typer.Argument(metavar="DIR", help="The folder that was --out of logemit aggregate.", show_default=False)
]
FoldAfter = Annotated[
    str | None,
    typer.Option("--fold-after", metavar="DAYS", help="Make windows older than this hours: 30d, 8w, 1y."),
]
DropAfter = Annotated[
    str | None,
    typer.Option("--drop-after", metavar="DAYS", help="Empty partitions older than this; counters keep them."),
]
LateLimit = Annotated[
    str | None,
    typer.Option("--late-limit", metavar="DAYS", help="Count events older than this in the totals only."),
]


def settings(
    config: str | None,
    window: str | None = None,
    *,
    fold_after: str | None = None,
    drop_after: str | None = None,
    late_limit: str | None = None,
) -> "Config":
    """What the file says, and the options over it. Raises ConfigError, UsageError."""
    from aggregator import config as configuration

    loaded = configuration.load(Path(config) if config is not None else None, window)
    given = {"fold_after": fold_after, "drop_after": drop_after, "late_limit": late_limit}
    return configuration.with_retention(loaded, {key: value for key, value in given.items() if value is not None})


def folder(name: str, option: str) -> Path:
    """Raises UsageError for an empty name."""
    if not name:
        raise UsageError(f"{option} is empty; name a folder")
    return Path(name)


def refuse_if_held(out: Path) -> None:
    """Before anything that takes time to load. Raises LockedError."""
    from aggregator.store.lock import refuse_if_held as refuse

    refuse(out / "_logemit/lock")


def explained(command: F) -> F:
    """Every error that a user could have caused is one line and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except LogemitError as exc:
            typer.echo(f"logemit: {exc}", err=True)
            raise typer.Exit(exc.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("logemit: interrupted; run it again: nothing is lost or counted twice", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # Who read our output has gone; that is its right.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as exc:
            typer.echo(f"logemit: {exc.filename or 'output'}: {exc.strerror or exc}", err=True)
            raise typer.Exit(ReadWriteError.exit_code) from None
        except Exception as exc:
            if os.environ.get("LOGEMIT_DEBUG"):
                raise
            typer.echo(f"logemit: a defect of logemit's own: {exc!r}; LOGEMIT_DEBUG=1 shows where", err=True)
            raise typer.Exit(LogemitError.exit_code) from None

    return run  # type: ignore[return-value]
