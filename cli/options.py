"""What commands share: their arguments, and how errors reach a user."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aggregator.errors import LogemitError, ReadWriteError, UsageError
from aggregator.escapes import visible

from . import completion, what_to_install

if TYPE_CHECKING:
    from aggregator.config import Config

F = TypeVar("F", bound=Callable[..., Any])

EXIT_CODES = (
    "Exit codes: 0 done · 1 check found rejected lines, or audit traces · 2 usage · 65 damaged state · "
    "66 no such input · 69 a server cannot be reached or a port not be had · 70 defect of logemit's own · "
    "73 output cannot be written · 74 reading or writing failed · 75 another run holds the lock · "
    "78 bad logemit.toml · 130 interrupted."
)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Log files, folders or globs, plain, .gz, .zst, .xz or .bz2; - is standard input. Objects as URLs, with "
        "globs and dates: s3://bucket/app/{YYYY}/{MM}/{DD}/*.gz; a prefix ends with /.",
        show_default=False,
    ),
]
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""M_ARENA_MAX and M_MMAP_THRESHOLD of malloc.h."""

ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="A logemit.toml with summaries and metrics of your own."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


Output = Annotated[
    str, typer.Argument(metavar="DIR", help="The folder that was --out of logemit aggregate.", show_default=False)
]
OutputFile = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there; - is standard output.")
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
LookBack = Annotated[
    str | None,
    typer.Option(
        "--look-back",
        metavar="DAYS",
        help="Of URLs with a date, list from so long before the newest object read; default 3d.",
    ),
]


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=64,
        help="Threads; default one for each processor, up to 3. Or, with --engine dask, processes.",
    ),
]


RejectsFile = Annotated[
    str | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Keep rejected lines there, as JSON lines with file, line, offset and reason; up to 16 MiB.",
    ),
]
TextFolder = Annotated[
    str | None,
    typer.Option(
        "--textfile",
        metavar="DIR",
        help="Also put the text where node_exporter's textfile collector reads it, named after the output; "
        "or DIR/NAME.prom.",
    ),
]
EnvelopeName = Annotated[
    str | None,
    typer.Option(
        "--envelope",
        metavar="NAME",
        help="What lines are wrapped in, where it is not recognised: docker, cri, journald …; bare for nothing.",
        autocompletion=completion.envelopes,
    ),
]


Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 24h, 7d back from now; or 2026-11-20, …T12:30Z."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to then, said likewise.")]


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


def moments(since: str | None, until: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Of --since and --until. Raises UsageError."""
    from aggregator.spans import parse_moment

    first = parse_moment(since, "--since", now) if since is not None else None
    last = parse_moment(until, "--until", now) if until is not None else None
    if first is not None and last is not None and last <= first:
        raise UsageError(f"--until {until} is not after --since {since}")
    return first, last


def days(span: str | None, option: str) -> int | None:
    """Raises UsageError."""
    from aggregator.config import parse_days

    return None if span is None else parse_days(span, option)


def output(name: str, option: str) -> Path | str:
    """A folder, or a URL. Raises UsageError for an empty name."""
    from aggregator.urls import is_url

    return name if is_url(name) else folder(name, option)


def folder(name: str, option: str, what: str = "a folder") -> Path:
    """Raises UsageError for an empty name, and for a URL."""
    from aggregator.urls import is_url, shown

    if not name:
        raise UsageError(f"{option} is empty; name {what}")
    if is_url(name):
        raise UsageError(f"{shown(name)}: this works on folders only; copy it to one, and the result back")
    return Path(name)


def refuse_if_held(out: Path | str) -> None:
    """Before anything that takes time to load. Raises LockedError."""
    from aggregator.store.lock import refuse_if_held as refuse

    if isinstance(out, Path):
        refuse(out / "_logemit/lock")


class _NoPandas:
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name)


def without_pandas() -> None:
    """Before a command that needs none: pyarrow loads pandas if it can, which takes a third of a short run.

    It asks once, for good.
    """
    if "pandas" in sys.modules:
        return
    finder: Any = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow

        pyarrow.scalar(0)
    finally:
        sys.meta_path.remove(finder)


def frugal() -> None:
    """Before a command that takes in logs of any size, and before it imports: no thread keeps memory for itself.

    Nor does one wait for matrices to multiply, and what there is to collect can wait: hardly anything goes in circles.
    """
    import ctypes
    import gc

    gc.set_threshold(100_000)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with suppress(OSError, AttributeError):  # not the GNU C library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)


def explained(command: F) -> F:
    """Every error that a user could have caused is one line and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except LogemitError as exc:
            _tell(str(exc))
            raise typer.Exit(exc.exit_code) from None
        except KeyboardInterrupt:
            _tell("interrupted; run it again: nothing is lost or counted twice")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # Who read our output has gone; that is its right.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as exc:
            _tell(f"{exc.filename or 'output'}: {exc.strerror or exc}")
            raise typer.Exit(ReadWriteError.exit_code) from None
        except Exception as exc:
            if os.environ.get("LOGEMIT_DEBUG"):
                raise
            if isinstance(exc, ModuleNotFoundError) and (advice := what_to_install(exc)):
                _tell(advice)
                raise typer.Exit(UsageError.exit_code) from None
            _tell(f"a defect of logemit's own: {exc!r}; LOGEMIT_DEBUG=1 shows where")
            raise typer.Exit(LogemitError.exit_code) from None

    return run  # type: ignore[return-value]


def _tell(message: str) -> None:
    """Names of files, too, may hold what a terminal would obey."""
    typer.echo(f"logemit: {visible(message)}", err=True)
