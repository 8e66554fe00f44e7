SETTINGS = "transit.settings"
PAGE = "/monitor/metrics"
DIFFERENCES = {
    "once_per_request": ["django_http_requests_latency_seconds_by_view_method"],
    "answered_exceptions": ["django_http_exceptions_total_by_type_total", "django_http_exceptions_total_by_view_total"],
}
WITHOUT = ("city",)


def traffic(client):
    from lines.models import Departure, Line

    for name, city in [("1", "ulm"), ("2", "ulm"), ("9", "bern")]:
        Line.objects.create(name=name, city=city)
    for minute in (4, 19, 34):
        Departure.objects.create(line="1", stop="theatre", minute=minute)
    for city in ("ulm", "bern", "ulm"):
        client.get("/", headers={"X-City": city})
        client.get("/lines/", headers={"X-City": city})
    for _ in range(3):
        client.get("/stops/theatre/")
    client.get("/stops/harbour/")
    client.delete("/lines/", headers={"X-City": "bern"})
    client.post("/lines/", headers={"X-City": "bern"})
    client.get("/lines/99/")
