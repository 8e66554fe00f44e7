"""Models for each way in which rows change."""

from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, null=True)
    tags = models.ManyToManyField(Tag)
    stock = models.IntegerField(default=0)

    class Meta:
        db_table = "the books"


class Novel(Book):
    """On a table of its own, beside its parent's."""

    pages = models.IntegerField(default=0)


class Cheap(Book):
    """The same table under another name."""

    class Meta:
        proxy = True


class Review(models.Model):
    """Without anything that depends on it: deleted fast, by its book."""

    book = models.ForeignKey(Book, models.CASCADE)
    text = models.TextField()
