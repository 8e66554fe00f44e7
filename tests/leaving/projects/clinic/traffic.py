SETTINGS = "clinic.settings"
PAGE = "/internal/metrics"
DIFFERENCES = {
    "once_per_request": ["django_http_requests_latency_seconds_by_view_method"],
    "answered_exceptions": ["django_http_exceptions_total_by_type_total", "django_http_exceptions_total_by_view_total"],
}
HEADERS = {"Authorization": "Bearer sesame"}
VARIABLES = {"METRICS_TOKEN": "sesame"}


def traffic(client):
    from visits.models import Doctor

    for name in ("Grey", "Watson"):
        Doctor.objects.create(name=name)
    for doctor, patient in [("Grey", "Ann"), ("Grey", "Bob"), ("Watson", "Eve")]:
        client.post("/visits/", {"doctor": doctor, "patient": patient})
    client.post("/visits/", {"doctor": "Who", "patient": "Ann"})  # raises
    client.post("/visits/", {"doctor": "Grey"})  # raises, too
    for _ in range(2):
        client.get("/")
    client.get("/visits/")
    client.put("/visits/")
    client.get("/visits/1/")
    client.get("/visits/99/")
    client.get("/internal/status")
    client.get("/internal/status", headers={"Authorization": "Bearer sesame"})
