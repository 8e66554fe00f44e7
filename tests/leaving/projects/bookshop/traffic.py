SETTINGS = "config.settings.local"
PAGE = "/metrics"
DIFFERENCES = {
    "once_per_request": ["django_http_requests_latency_seconds_by_view_method"],
    "answered_exceptions": ["django_http_exceptions_total_by_type_total", "django_http_exceptions_total_by_view_total"],
    "bytes_as_sent": ["django_http_responses_body_total_bytes"],
}


def traffic(client):
    from catalog.models import Author, Book
    from django.core.cache import caches

    caches["covers"].clear()
    shelley = Author.objects.create(name="Mary Shelley")
    books = [Book.objects.create(title=f"Volume {n}", author=shelley, cents=100 * n) for n in range(1, 5)]
    for _ in range(3):
        client.get("/")
    for book in books:
        client.get(f"/books/{book.pk}/")
    caches["covers"].set(f"cover-{books[0].pk}", b"<svg/>")
    client.get(f"/books/{books[0].pk}/cover/")
    client.get(f"/books/{books[1].pk}/cover/")
    client.get("/books/99/")
    client.get("/nowhere/")
    for _ in range(2):  # the second raises
        client.post(f"/orders/{books[0].pk}/", {"email": "ann@example.org"})
    client.post(f"/orders/{books[1].pk}/", {"email": "bob@example.org"}, headers={"X-Requested-With": "XMLHttpRequest"})
    client.get(f"/orders/{books[1].pk}/", secure=True)
    client.head("/books/1/")
    shelley.name = "Mary W. Shelley"
    shelley.save()
    books[3].delete()
