"""`manage.py health_checks`: every health check of this project, now."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import autodiscover_modules

from ...health import Health, registered_health_checks, run_health_checks


class Command(BaseCommand):
    requires_system_checks = []  # noqa: RUF012  a project that is not well is what this looks at
    help = (
        "Runs the health checks that are registered with logemit.health_check, all or those that are named, and writes "
        "a health_check event for each. Modules named health_checks of the installed apps are imported first. Ends "
        "with 1 where one is unhealthy."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="check", help="Names of checks. Default: all.")
        parser.add_argument("--json", action="store_true", help="Print JSON in place of a table.")

    def handle(self, *_args: Any, **options: Any) -> None:
        autodiscover_modules("health_checks")
        if not registered_health_checks():
            raise CommandError(
                "no health checks are registered: decorate functions with logemit.health_check in a module "
                "health_checks of an installed app"
            )
        try:
            found = run_health_checks(*options["names"])
        except ValueError as exc:
            raise CommandError(str(exc)) from None
        if options["json"]:
            self.stdout.write(json.dumps([asdict(health) for health in found], indent=1))
        else:
            self._show(found)
        if unhealthy := [health.check for health in found if not health.healthy]:
            raise CommandError(f"unhealthy: {', '.join(unhealthy)}")

    def _show(self, found: Sequence[Health]) -> None:
        width = max(len(health.check) for health in found)
        for health in found:
            mark = self.style.SUCCESS("ok       ") if health.healthy else self.style.ERROR("UNHEALTHY")
            line = f"{mark}  {health.check:{width}}  {health.duration_seconds * 1000:8.1f} ms  {health.message}"
            self.stdout.write(line.rstrip())
