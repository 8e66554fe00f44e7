from io import StringIO
from unittest import TestCase as PlainTestCase

from django.core.management import call_command
from django.test import TestCase
from prometheus_client import REGISTRY

from . import services
from .gauges import Gauge
from .models import Sale


def refused(reason):
    return REGISTRY.get_sample_value("market_refused_total", {"reason": reason}) or 0


class SellTests(TestCase):
    def sell(self, goods, **more):
        return self.client.get("/sell/smith/", {"goods": goods, **more})

    def test_a_sale_is_kept(self):
        self.assertEqual(self.sell("bread").status_code, 201)
        self.assertEqual(Sale.objects.get().cents, 350)

    def test_an_unknown_payment_is_refused_and_counted(self):
        before = refused("payment")
        self.assertEqual(self.sell("bread", paid="shells").status_code, 422)
        self.assertEqual(refused("payment"), before + 1)

    def test_takings_by_stall(self):
        self.sell("apple")
        self.sell("cheese")
        self.assertEqual(self.client.get("/takings/").json(), {"smith": 1330})

    def test_the_market_closes(self):
        self.sell("apple")
        out = StringIO()
        call_command("close_market", stdout=out)
        self.assertEqual(out.getvalue(), "smith: 0.40\n")

    def test_stalls_open_and_close(self):
        services.open_stall()
        services.close_stall()
        services.see_weather(rain=True)


class MetricsPageTests(TestCase):
    def test_it_is_served(self):
        self.assertEqual(self.client.get("/metrics/").status_code, 200)


class GaugeTests(PlainTestCase):
    def test_it_shows_what_was_set(self):
        gauge = Gauge("fridge", "°C")
        gauge.set(4)
        self.assertEqual((gauge.value, gauge.labels()), (4, "fridge (°C)"))
