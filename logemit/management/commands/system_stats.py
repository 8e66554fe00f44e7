"""`manage.py system_stats`: what the machine uses now, as an event."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...emitter import emit
from ...system import measured


class Command(BaseCommand):
    requires_system_checks = []  # noqa: RUF012  the machine is no part of the project
    help = (
        "Writes a system_stats event: how much of the processors, the memory and a disk is used. Run it from cron or "
        "Celery's beat, once for each machine. Needs psutil: pip install 'logemit[system]'."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--disk", default="/", metavar="PATH", help="Any path on the disk. Default: /.")
        parser.add_argument(
            "--interval", type=float, default=0.5, help="Seconds to watch the processors for. Default: 0.5."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            found = measured(options["disk"], options["interval"])
        except (ImportError, OSError, ValueError) as exc:
            raise CommandError(str(exc)) from exc
        emit("system_stats", **found)
        for name, value in found.items():
            self.stdout.write(f"{name:16} {value:g}")
