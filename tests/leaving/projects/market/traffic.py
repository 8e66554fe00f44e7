SETTINGS = "market.settings"
PAGE = "/metrics/"
DIFFERENCES = {
    "once_per_request": ["django_http_requests_latency_seconds_by_view_method"],
}


def traffic(client):
    from market.metrics import reset_for_a_new_day
    from stalls import services

    reset_for_a_new_day()
    for _ in range(3):
        services.open_stall()
    services.close_stall()
    services.see_weather(rain=True)
    services.see_weather(rain=False)
    for goods, paid, grams in [
        ("bread", "cash", 750),
        ("cheese", "card", 230),
        ("apple", "cash", 180),
        ("bread", "card", 500),
    ]:
        client.get("/sell/smith/", {"goods": goods, "paid": paid, "grams": grams})
    client.get("/sell/baker/", {"goods": "bread"})
    client.get("/sell/baker/", {"goods": "gold"})
    client.get("/sell/baker/", {"goods": "bread", "paid": "shells"})
    client.get("/sell/baker/")  # raises
    for _ in range(2):
        client.get("/takings/")
    client.get("/gauge/", {"value": 220})
    client.get("/closed/")
    services.sell("smith", "apple", 90)
