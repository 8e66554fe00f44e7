"""Models, with their mixin where only they are there."""

from typing import Any

from django.db import models

from .settings import WRAPPED


def counted(name: str) -> Any:
    if not WRAPPED:
        return type("Plain", (), {})
    from django_prometheus.models import ExportModelOperationsMixin

    return ExportModelOperationsMixin(name)


class Tag(counted("tag"), models.Model):
    name = models.CharField(max_length=50, unique=True)


class Author(counted("author"), models.Model):
    name = models.CharField(max_length=50)


class Book(counted("book"), models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, null=True)
    tags = models.ManyToManyField(Tag)
