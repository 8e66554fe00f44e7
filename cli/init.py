"""The command that a user begins with: a logemit.toml, and what to put where."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from aggregator.errors import OutputError
from aggregator.escapes import visible

from .completion import starting
from .options import EXIT_CODES, explained, folder


def _platforms(incomplete: str) -> list[str]:
    from . import starters

    return starting(incomplete, starters.PLATFORMS)


@explained
def init_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The logemit.toml to write; - prints it, and nothing else.")
    ] = "logemit.toml",
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            metavar="NAME",
            help="Where runs are scheduled: cron, systemd, compose, kubernetes, lambda.",
            autocompletion=_platforms,
        ),
    ] = "cron",
    settings: Annotated[
        str | None,
        typer.Option("--settings", metavar="PY", help="Your Django settings: shows the diff for that file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a logemit.toml with every setting commented out; print the diff for Django, the schedule and the scraping.

    Only FILE is written; one that is there is kept. What is printed names the folder that it is run in, and the command
    that it is run by.
    """
    from . import starters

    if file == "-":
        typer.echo(starters.config(), nl=False)
        return
    where = starters.platform(platform)
    diff = _diff(settings)
    is_new = _write(folder(file, "FILE", "a file"), starters.config(), force=force)
    shown = visible(file)
    done = f"Wrote {shown}" if is_new else f"Kept {shown}, which was there; --force writes over it"
    typer.echo(f"{done}. After a change: logemit metrics --check {shown}")
    _section("1. In Django's settings", diff)
    command = Path(sys.prefix, "bin", "logemit")
    for name, text in starters.files(where, Path.cwd(), command, Path.cwd() / file):
        _section(f"2. On {platform}: deploy/{name}", text)
    job = starters.scrape(where)
    if job:
        _section("3. In prometheus.yml", job)


def _diff(settings: str | None) -> str:
    """Raises InputError, UsageError."""
    from .starters import settings as django

    if settings is None:
        return f"# At their end; --settings PY shows the diff for your file.\n{django.example()}"
    return django.diff_of(folder(settings, "--settings", "a file")) or "# logemit is in them already.\n"


def _write(path: Path, text: str, *, force: bool) -> bool:
    """Whether it was; what is there is kept unless forced. Raises OutputError."""
    if path.is_file() and not force:
        return False
    try:
        path.write_text(text, "utf-8")
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written: {exc.strerror}; name another file") from None
    return True


def _section(title: str, text: str) -> None:
    typer.echo(f"\n# {title}\n\n{text}", nl=False)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(name="init", epilog=EXIT_CODES)(init_command)
