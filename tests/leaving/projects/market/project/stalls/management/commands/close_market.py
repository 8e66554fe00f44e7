from django.conf import settings
from django.core.management.base import BaseCommand
from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

from stalls.services import takings


class Command(BaseCommand):
    help = "Tells what each stall took today."

    def add_arguments(self, parser):
        parser.add_argument("--push", action="store_true")

    def handle(self, *args, push=False, **options):
        registry = CollectorRegistry()
        gauge = Gauge("market_takings_cents", "Takings of the day.", ["stall"], registry=registry)
        for stall, cents in sorted(takings().items()):
            gauge.labels(stall=stall).set(cents)
            self.stdout.write(f"{stall}: {cents / 100:.2f}")
        if push:
            push_to_gateway(settings.PUSHGATEWAY, job="close_market", registry=registry)
