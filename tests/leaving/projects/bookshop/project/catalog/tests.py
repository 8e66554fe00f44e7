from django.core.cache import caches
from django.test import TestCase

from .models import Author, Book


class CatalogTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        author = Author.objects.create(name="Mary Shelley")
        cls.book = Book.objects.create(title="The Last Man", author=author, cents=900)

    def test_index_lists_what_is_to_be_had(self):
        self.assertContains(self.client.get("/"), "The Last Man")

    def test_a_sold_book_still_has_its_page(self):
        Book.objects.update(sold=True)
        self.assertContains(self.client.get(f"/books/{self.book.pk}/"), "900 cents")

    def test_metrics(self):
        response = self.client.get("/metrics")
        self.assertContains(response, "django_http_requests_total_by_view_transport_method_total")

    def test_without_a_cover_there_is_no_page(self):
        caches["covers"].clear()
        self.assertEqual(self.client.get(f"/books/{self.book.pk}/cover/").status_code, 404)
