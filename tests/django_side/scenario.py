"""A varied day of a shop, for its statements and the rows that they change.

`python -m tests.django_side.scenario` prints its statements as JSON; LOGEMIT_TESTS_DATABASE is the database's settings
as JSON, and with LOGEMIT_TESTS_WITHOUT logemit is not installed.
"""

import json
import os
import sys
from typing import Any

import django
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from django.test.utils import CaptureQueriesContext


def make_tables(alias: str) -> None:
    call_command("migrate", run_syncdb=True, database=alias, verbosity=0)


def run(alias: str) -> None:
    from django.db.models import F

    from .shop.models import Author, Book, Cheap, Novel, Review, Tag

    authors, books = Author.objects.using(alias), Book.objects.using(alias)
    tags, reviews, novels = Tag.objects.using(alias), Review.objects.using(alias), Novel.objects.using(alias)

    ann = authors.create(name="Ann")  # Author insert 1
    bob = Author(name="Bob")
    bob.save(using=alias)  # Author insert 2
    bob.name = "Bo"
    bob.save(using=alias)  # Author update 1
    made = books.bulk_create(Book(title=f"B{i}", author=ann) for i in range(5))  # Book insert 5
    for book in made:
        book.stock = 7
    books.bulk_update(made, ["stock"], batch_size=2)  # Book update 5, in three statements
    books.update(stock=F("stock") + 1)  # Book update 10
    books.filter(title="none").update(stock=0)  # matches none
    Cheap.objects.using(alias).filter(pk=made[0].pk).update(stock=1)  # Book update 11
    novel = novels.create(title="N", author=bob, pages=300)  # Book insert 6, Novel insert 1
    novel.pages = 301
    novel.save(using=alias)  # Book update 12, Novel update 1

    red, blue = tags.create(name="red"), tags.create(name="blue")  # Tag insert 2
    made[0].tags.add(red, blue)  # Book_tags insert 2
    made[0].tags.add(red)  # is there already
    made[1].tags.set([blue])  # Book_tags insert 3
    made[0].tags.remove(red)  # Book_tags delete 1
    tags.bulk_create([Tag(name="red"), Tag(name="green")], ignore_conflicts=True)  # Tag insert 3
    tags.bulk_create(
        [Tag(name="red"), Tag(name="grey")], update_conflicts=True, unique_fields=["name"], update_fields=["name"]
    )  # Tag insert 5: an upsert is an insert
    tags.get_or_create(name="red")
    tags.update_or_create(name="pink", defaults={"name": "pink"})  # Tag insert 6
    try:
        with transaction.atomic(using=alias):
            tags.create(name="red")  # fails: none
    except DatabaseError:
        pass
    try:
        with transaction.atomic(using=alias):
            tags.create(name="rolled back")  # Tag insert 7: the statement succeeded
            raise KeyError
    except KeyError:
        pass

    reviews.bulk_create(Review(book=made[i % 3], text="fine") for i in range(7))  # Review insert 7
    made[0].delete(using=alias)  # Review delete 3, Book_tags delete 2, Book delete 1
    novels.all().delete()  # Novel delete 1, Book delete 2
    reviews.filter(text="none").delete()
    with connections[alias].cursor() as cursor:
        quoted = connections[alias].ops.quote_name(Book._meta.db_table)
        cursor.execute(f"UPDATE {quoted} SET stock = 0 WHERE title IN ('B1', 'B2')")  # Book update 14
        cursor.execute(f"insert into {Tag._meta.db_table} (name) values (%s), (%s)", ["x", "y"])  # Tag insert 9
        cursor.executemany(f"INSERT INTO {Tag._meta.db_table} (name) VALUES (%s)", [["1"], ["2"], ["3"]])  # insert 12
        cursor.execute(f"DELETE FROM {Tag._meta.db_table} WHERE name IN ('x', '1')")  # Tag delete 2
        cursor.execute(f"INSERT INTO {Tag._meta.db_table} (name) VALUES ('r'), ('s') RETURNING id")  # Tag insert 14
        cursor.fetchall()
        cursor.execute("SELECT 1")
    ann.delete(using=alias)  # Review delete 7, Book_tags delete 3, Book delete 6, Author delete 1


CHANGES = {
    ("shop.Author", "insert"): 2,
    ("shop.Author", "update"): 1,
    ("shop.Author", "delete"): 1,
    ("shop.Book", "insert"): 6,
    ("shop.Book", "update"): 14,
    ("shop.Book", "delete"): 6,
    ("shop.Novel", "insert"): 1,
    ("shop.Novel", "update"): 1,
    ("shop.Novel", "delete"): 1,
    ("shop.Book_tags", "insert"): 3,
    ("shop.Book_tags", "delete"): 3,
    ("shop.Tag", "insert"): 14,
    ("shop.Tag", "delete"): 2,
    ("shop.Review", "insert"): 7,
    ("shop.Review", "delete"): 7,
}


def statements(database: dict[str, Any], *, without_logemit: bool) -> list[str]:
    from django.conf import settings

    from . import settings as project

    values = {name: getattr(project, name) for name in dir(project) if name.isupper()}
    values["DATABASES"] = {"default": database}
    if without_logemit:
        values["INSTALLED_APPS"] = [app for app in values["INSTALLED_APPS"] if app != "logemit"]
    settings.configure(**values)
    django.setup()
    make_tables("default")
    with CaptureQueriesContext(connections["default"]) as captured:
        run("default")
    return [query["sql"] for query in captured]


if __name__ == "__main__":
    database = json.loads(os.environ["LOGEMIT_TESTS_DATABASE"])
    json.dump(statements(database, without_logemit="LOGEMIT_TESTS_WITHOUT" in os.environ), sys.stdout)
