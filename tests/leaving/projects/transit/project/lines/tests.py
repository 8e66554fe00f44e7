from django.core.cache import cache
from django.test import TestCase

from .models import Departure, Line


class LinesTests(TestCase):
    databases = {"default", "timetable"}

    def setUp(self):
        cache.clear()

    def test_lines_of_a_city(self):
        Line.objects.create(name="1", city="ulm")
        Line.objects.create(name="2", city="bern")
        self.assertEqual(self.client.get("/lines/", headers={"X-City": "bern"}).json(), {"lines": ["2"]})

    def test_departures_are_kept_for_a_while(self):
        Departure.objects.create(line="1", stop="theatre", minute=4)
        for _ in range(2):
            answer = self.client.get("/stops/theatre/").json()
            self.assertEqual(answer, {"departures": [{"line": "1", "minute": 4}]})
            Departure.objects.all().delete()

    def test_metrics_know_the_city(self):
        self.client.get("/", headers={"X-City": "bern"})
        self.assertContains(self.client.get("/monitor/metrics"), 'city="bern"')
