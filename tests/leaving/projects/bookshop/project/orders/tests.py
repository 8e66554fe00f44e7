from django.test import TestCase

from catalog.models import Author, Book

from .models import Order
from .views import AlreadySold


class OrderTests(TestCase):
    def setUp(self):
        author = Author.objects.create(name="Jan Potocki")
        self.book = Book.objects.create(title="The Manuscript", author=author, cents=1200)

    def test_a_book_is_sold_once(self):
        response = self.client.post(f"/orders/{self.book.pk}/", {"email": "ann@example.org"})
        self.assertEqual(response.status_code, 201)
        self.assertEqual(Order.objects.get().email, "ann@example.org")
        with self.assertRaises(AlreadySold):
            self.client.post(f"/orders/{self.book.pk}/", {"email": "bob@example.org"})
