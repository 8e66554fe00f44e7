"""`manage.py logemit_migrations`: tell how many migrations are applied, for each database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from ...migrations import tell


class Command(BaseCommand):
    help = (
        "Writes a migration_state event for each database: how many migrations are applied and how many are not. "
        "Run it from cron or after a deployment; `migrate` does the same by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", action="append", choices=list(connections), help="Only this one; repeatable.")

    def handle(self, *_args: Any, **options: Any) -> None:
        for alias in options["database"] or connections:
            try:
                fields = tell(alias)
            except DatabaseError as exc:
                raise CommandError(f"{alias}: {exc}; is the database there, and do its settings fit?") from exc
            self.stdout.write(f"{alias}: {fields['applied']} applied, {fields['unapplied']} not applied")
