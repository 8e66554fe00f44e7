"""`manage.py logemit_selftest`: what arrives, what does not, and that it changes nothing."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.conftest import Events

from .conftest import Use
from .databases import added, sqlite

Selftest = Callable[..., dict[str, tuple[str, str]]]
LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "selftest"}


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    with override_settings(CACHES={"default": LOCMEM}):
        yield


@pytest.fixture
def selftest(use: Use) -> Selftest:
    """Each stream with its mark and detail."""
    use(PROCESS_STATS_SECONDS=15)

    def run(*arguments: str, failing: str = "") -> dict[str, tuple[str, str]]:
        out = StringIO()
        if failing:
            with pytest.raises(CommandError, match=f"did not arrive: {failing}$"):
                call_command("logemit_selftest", *arguments, stdout=out, no_color=True)
        else:
            call_command("logemit_selftest", *arguments, stdout=out, no_color=True)
        found = {}
        for line in out.getvalue().splitlines():
            mark, _, rest = line.partition("  ")
            stream, _, detail = rest.strip().partition("  ")
            found[stream] = (mark.strip(), detail.strip())
        return found

    return run


def test_every_stream_arrives_and_none_of_it_reaches_the_output(selftest: Selftest, events: Events) -> None:
    found = selftest("--path", "/queries/a/?n=2")
    assert {mark for mark, _ in found.values()} == {"ok"}
    assert list(found) == [
        "http_request",
        "db_query default",
        "migration_state default",
        "cache_operation default",
        "process_stats",
        "output",
    ]
    assert found["http_request"][1].startswith("GET /queries/a/?n=2: 200, view queries, ")
    assert found["cache_operation default"][1] == "locmem: set, get, delete"
    assert {event["event"] for event in events()} == {"health_check", "command"}
    assert "gone" not in caches["default"]
    assert caches["default"].get("logemit-selftest") is None


def test_a_page_that_fails_is_an_event_all_the_same(selftest: Selftest) -> None:
    assert selftest("--path=/fails/")["http_request"][1].startswith("GET /fails/: 500, view fails, ")
    assert selftest()["http_request"][1].startswith("GET /: 404, view <unnamed view>, ")


def test_without_the_middleware_the_request_is_missing(selftest: Selftest) -> None:
    with override_settings(MIDDLEWARE=["django.middleware.common.CommonMiddleware"]):
        found = selftest(failing="http_request")
    assert found["http_request"][0] == "MISSING"
    assert found["db_query default"][0] == "ok"


def test_a_middleware_that_is_there_twice_does_not_pass(selftest: Selftest) -> None:
    with override_settings(MIDDLEWARE=["logemit.middleware.EventMiddleware"] * 2):
        assert selftest(failing="http_request")["http_request"][0] == "MISSING"


def test_a_database_that_is_not_there_is_missing(selftest: Selftest, tmp_path: Path) -> None:
    with added("gone", sqlite(tmp_path / "no" / "folder")):
        found = selftest(failing="db_query gone")
    assert found["db_query gone"] == ("MISSING", "OperationalError: unable to open database file")
    assert "migration_state gone" not in found


def test_a_cache_that_is_not_there_is_missing(selftest: Selftest) -> None:
    redis: dict[str, Any] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
    }
    with override_settings(CACHES={"default": LOCMEM, "far": redis}):
        found = selftest(failing="cache_operation far")
    assert found["cache_operation far"][1].startswith("ConnectionError")
    assert found["cache_operation default"][0] == "ok"


def test_an_output_that_cannot_be_written_is_missing(selftest: Selftest, use: Use, tmp_path: Path) -> None:
    use(OUTPUT=tmp_path / "no" / "events.log")
    mark, detail = selftest(failing="output")["output"]
    assert mark == "MISSING"
    assert "No such file or directory" in detail


def test_what_is_switched_off_is_not_missing(selftest: Selftest, use: Use) -> None:
    use(QUERIES="off", CACHES="off", PROCESS_STATS_SECONDS="")
    found = selftest()
    for stream, setting in (("db_query", "QUERIES"), ("cache_operation", "CACHES")):
        assert found[f"{stream} default"] == ("ok", f"switched off by {setting}")
    assert found["process_stats"] == ("ok", "switched off by PROCESS_STATS_SECONDS")


def test_switched_off_altogether_it_says_so(selftest: Selftest, use: Use) -> None:
    use(ENABLED=0)
    with pytest.raises(CommandError, match="ENABLED is off"):
        selftest()


def test_the_host_is_one_that_the_project_allows(selftest: Selftest) -> None:
    with override_settings(ALLOWED_HOSTS=[".example.org", "shop.example.org"]):
        assert selftest("--path=/hello/")["http_request"][1].startswith("GET /hello/: 200")
        assert selftest("--path=/hello/", "--host=elsewhere")["http_request"][1].startswith("GET /hello/: 400")


def test_excluded_paths_and_views_do_not_pass_for_arrived(selftest: Selftest, use: Use) -> None:
    use(EXCLUDE_PATHS="/hello/")
    assert selftest("--path=/hello/", failing="http_request")["http_request"][0] == "MISSING"
