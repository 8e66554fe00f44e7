from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from links.importers import FORMATS, import_bookmarks


class Command(BaseCommand):
    help = "Import the bookmarks of a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", type=int, required=True)
        parser.add_argument("--format", choices=FORMATS, required=True)

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.get(pk=options["user"])
        summary = import_bookmarks(user, options["format"], options["file"].read_bytes())
        counts = f"{summary.items_processed} of {summary.items_total} taken, {summary.items_failed} refused"
        self.stdout.write(f"{options['file'].name}: {summary.status}: {counts}")
