"""What cron runs at night."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from benchmarks.in_process.shop.models import Order


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("orders", type=int)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        for _ in range(options["orders"]):
            Order.objects.create()
