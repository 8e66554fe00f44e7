from django.db import models
from django_prometheus.models import ExportModelOperationsMixin


class Author(ExportModelOperationsMixin("author"), models.Model):
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class Book(ExportModelOperationsMixin("book"), models.Model):
    """One copy of it: there are no two alike."""

    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="books")
    cents = models.PositiveIntegerField()
    sold = models.BooleanField(default=False)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title
