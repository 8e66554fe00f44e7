"""Rows that change, of models with their mixin in one process and without in another."""

import contextlib
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection, transaction

from .models import Author, Book, Tag
from .scenes import scene

if TYPE_CHECKING:
    from .drive import Drive


@scene("apart")
def saving(drive: "Drive") -> None:
    tag = Tag.objects.create(name="red")
    tag.name = "blue"
    tag.save()
    tag.save(update_fields=["name"])
    tag.delete()
    author = Author(name="Ann")
    author.save()
    author.delete()
    Tag.objects.get_or_create(name="green")
    Tag.objects.get_or_create(name="green")
    Tag.objects.get().delete()
    drive.ledger.changed("tag", inserts=2, updates=2, deletes=2)
    drive.ledger.changed("author", inserts=1, deletes=1)


@scene("apart")
def in_bulk(drive: "Drive") -> None:
    tags = Tag.objects.bulk_create(Tag(name=f"t{number}") for number in range(5))
    for tag in tags:
        tag.name += "!"
    Tag.objects.bulk_update(tags, ["name"])
    Author.objects.bulk_create(Author(name="Ann") for _ in range(3))
    Author.objects.update(name="Bob")
    Author.objects.filter(name="none").update(name="x")
    Author.objects.all().delete()
    Tag.objects.all().delete()
    drive.ledger.changed("tag", inserts=5, updates=5, deletes=5)
    drive.ledger.changed("author", inserts=3, updates=3, deletes=3)


@scene("apart")
def cascades(drive: "Drive") -> None:
    author, tag = Author.objects.create(name="Ann"), Tag.objects.create(name="red")
    for number in range(3):
        Book.objects.create(title=f"B{number}", author=author).tags.add(tag)
    author.delete()
    tag.delete()
    drive.ledger.changed("author", inserts=1, deletes=1)
    drive.ledger.changed("book", inserts=3, deletes=3)
    drive.ledger.changed("tag", inserts=1, deletes=1)
    drive.ledger.changed("project.Book_tags", inserts=3, deletes=3)


@scene("apart")
def given_keys(drive: "Drive") -> None:
    """Saving under a key tries an update first."""
    Author(pk=77, name="Ann").save()
    Author(pk=77, name="Bob").save()
    Author.objects.get(pk=77).delete()
    drive.ledger.changed("author", inserts=1, updates=1, deletes=1)


@scene("apart")
def failed_inserts(drive: "Drive") -> None:
    Tag.objects.create(name="once")
    with contextlib.suppress(DatabaseError), transaction.atomic():
        Tag.objects.create(name="once")
    Tag.objects.get().delete()
    drive.failed({"sqlite": "IntegrityError", "postgresql": "UniqueViolation"}[drive.vendor])
    drive.ledger.changed("tag", inserts=1, deletes=1)


@scene("apart")
def without_the_orm(drive: "Drive") -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO project_author (name) VALUES ('a'), ('b')")
        cursor.execute("UPDATE project_author SET name = 'c'")
        cursor.execute("DELETE FROM project_author")
    drive.ledger.changed("author", inserts=2, updates=2, deletes=2)
