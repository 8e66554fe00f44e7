"""Three queries, then one of the ways in which a command ends."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

ENDS: dict[str, BaseException] = {
    "error": CommandError("told to fail"),
    "exit0": SystemExit(0),
    "exit_none": SystemExit(),
    "exit3": SystemExit(3),
    "exit_text": SystemExit("told to exit"),
    "exit_list": SystemExit([3]),
    "interrupt": KeyboardInterrupt(),
    "exception": ZeroDivisionError(),
}


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--end", default="ok", choices=["ok", "fork", *ENDS])
        parser.add_argument("--nested", action="store_true")

    def handle(self, *_args: Any, end: str, nested: bool, **_options: Any) -> None:
        if nested:
            call_command("work")
        with connection.cursor() as cursor:
            for _ in range(3):
                cursor.execute("SELECT 1")
        if end == "fork":
            if (child := os.fork()) == 0:
                sys.exit()
            os.waitpid(child, 0)
        elif end != "ok":
            raise ENDS[end]
        self.stdout.write("worked")
