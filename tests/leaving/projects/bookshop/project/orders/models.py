import django_prometheus.models
from django.db import models

from catalog.models import Book


class Timed(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Order(
    django_prometheus.models.ExportModelOperationsMixin("order"),
    Timed,
):
    email = models.EmailField()
    book = models.OneToOneField(Book, on_delete=models.PROTECT)

    def __str__(self):
        return f"{self.book} for {self.email}"


class Note(Timed):
    """Not counted: there are too many."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    text = models.TextField()
