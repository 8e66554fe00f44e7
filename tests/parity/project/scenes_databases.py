"""Statements and connections."""

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, Error, connection, connections, transaction

from .models import Author, Book, Tag
from .scenes import scene

if TYPE_CHECKING:
    from .drive import Drive

INSERT = "INSERT INTO project_tag (name) VALUES (%s)"
POSTGRESQL = ("postgresql",)


@scene()
def orm(drive: "Drive") -> None:
    author = Author.objects.create(name="Ann")
    books = Book.objects.bulk_create(Book(title=f"B{number}", author=author) for number in range(5))
    books[0].tags.add(Tag.objects.create(name="red"), Tag.objects.create(name="blue"))
    Book.objects.filter(author__name="Ann").update(title="C")
    assert Book.objects.select_related("author").prefetch_related("tags").count() == 5
    assert len(Book.objects.prefetch_related("tags")) == 5
    with transaction.atomic(), transaction.atomic():
        Tag.objects.get_or_create(name="green")
    author.delete()
    Tag.objects.all().delete()


@scene()
def raw(drive: "Drive") -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.execute("SELECT %s, %s", ["a", 2])
        cursor.execute("WITH x AS (SELECT 1) SELECT * FROM x")
        cursor.execute(INSERT, ["raw"])
        cursor.execute("DELETE FROM project_tag")
        cursor.execute("CREATE TABLE gone (id integer)")
        cursor.execute("DROP TABLE gone")


@scene()
def thousands(drive: "Drive") -> None:
    with connection.cursor() as cursor:
        for _ in range(2500):
            cursor.execute("SELECT 1")


@scene()
def many(drive: "Drive") -> None:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [[f"m{number}"] for number in range(10)])
        cursor.executemany(INSERT, (["n1"], ["n2"]))
        cursor.executemany(INSERT, [])
        cursor.executemany("DELETE FROM project_tag WHERE name = %s", [["m1"], ["none"]])


@scene()
def errors(drive: "Drive") -> None:
    kinds = {"sqlite": ("IntegrityError", "OperationalError"), "postgresql": ("UniqueViolation", "UndefinedTable")}
    twice, missing = kinds[drive.vendor]
    Tag.objects.create(name="once")
    drive.failed(twice, times=3)
    _refused(INSERT, ["once"])
    _refused(INSERT, [["once"], ["twice"]], many=True)
    with contextlib.suppress(DatabaseError), transaction.atomic():
        Tag.objects.create(name="once")
    drive.failed(missing)
    _refused("SELECT * FROM nowhere")
    drive.failed("ProgrammingError")
    connection.force_debug_cursor = False  # its log cannot show this one
    _refused("SELECT %s, %s", ["one"])
    connection.force_debug_cursor = True
    drive.ledger.statements("default", drive.vendor, [(1, False)])
    Tag.objects.all().delete()


def _refused(sql: str, parameters: Any = None, *, many: bool = False) -> None:
    with connection.cursor() as cursor, contextlib.suppress(Error):
        if many:
            cursor.executemany(sql, parameters)
        else:
            cursor.execute(sql, parameters)


@scene()
def broken_transaction(drive: "Drive") -> None:
    """Django itself refuses the statement after the one that failed."""
    from .drive import NOT_SENT

    drive.failed({"sqlite": "OperationalError", "postgresql": "UndefinedTable"}[drive.vendor])
    with contextlib.suppress(DatabaseError), transaction.atomic():
        with contextlib.suppress(DatabaseError), transaction.atomic(savepoint=False):
            _execute("SELECT * FROM nowhere")
        _execute(f"SELECT 1 {NOT_SENT}")


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@scene()
def wrapper_of_the_apps_own(drive: "Drive") -> None:
    seen: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        assert not Tag.objects.exists()
    assert len(seen) == 1
    assert not Tag.objects.exists()


@scene(LOGEMIT_QUERIES="each")
def each_query_on_a_line(drive: "Drive") -> None:
    orm(drive)
    many(drive)
    Tag.objects.all().delete()


@scene(LOGEMIT_SLOW_QUERY_SECONDS="0")
def all_queries_slow(drive: "Drive") -> None:
    orm(drive)


@scene()
def reconnecting(drive: "Drive") -> None:
    for _ in range(3):
        connection.close()
        _execute("SELECT 1")
    drive.connected(times=3)


@scene()
def failed_connections(drive: "Drive") -> None:
    for _ in range(2):
        with contextlib.suppress(DatabaseError):
            connections["broken"].ensure_connection()
    labels = {"alias": "broken", "vendor": drive.vendor}
    drive.ledger.count("django_db_new_connection_errors_total", 2, **labels)


@scene(vendors=POSTGRESQL)
def refused_after_connecting(drive: "Drive") -> None:
    with contextlib.suppress(DatabaseError):
        connections["nobody"].ensure_connection()
    drive.ledger.count("django_db_new_connection_errors_total", alias="nobody", vendor=drive.vendor)


@scene()
def threads(drive: "Drive") -> None:
    def work() -> None:
        drive.watch()
        list(Tag.objects.all())
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        drive.note_statements()
        connections.close_all()

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    drive.connected(times=2)


@scene()
def iterated(drive: "Drive") -> None:
    """By a server-side cursor, where the server has them."""
    assert list(Tag.objects.iterator(chunk_size=1)) == []


@scene(vendors=POSTGRESQL)
def called_procedure(drive: "Drive") -> None:
    with connection.cursor() as cursor:
        cursor.callproc("lower", ["A"])
    drive.ledger.statements("default", drive.vendor, [(1, False)])


@scene(vendors=POSTGRESQL)
def health_check(drive: "Drive") -> None:
    with connections["checked"].cursor() as cursor:
        cursor.execute("SELECT 1")
    connections["checked"].close_if_unusable_or_obsolete()  # as at a request's start
    with connections["checked"].cursor() as cursor:
        cursor.execute("SELECT 1")
    drive.connected("checked")


@scene(vendors=POSTGRESQL)
def pooled(drive: "Drive") -> None:
    pool: Any = connections["pooled"]
    for _ in range(3):
        with pool.cursor() as cursor:
            cursor.execute("SELECT 1")
        pool.close()
    pool.close_pool()
    drive.connected("pooled", times=3)


@scene("apart", LOGEMIT_MODELS="")
def generator(drive: "Drive") -> None:
    """Parameter sets that are made as they are used."""

    def sets() -> Any:
        yield from (["g1"], ["g2"], ["g3"])

    with connection.cursor() as cursor, contextlib.suppress(TypeError):
        cursor.executemany(INSERT, sets())
    drive.ledger.statements("default", drive.vendor, [(3, True)])
    _execute("DELETE FROM project_tag")
