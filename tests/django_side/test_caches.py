"""Cache calls: the outermost counts once, right for falsy values, and behaves as it did."""

import asyncio
import inspect
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client, override_settings
from django.utils.module_loading import import_string

from logemit import emitter, outside
from logemit.caches import backend_of
from logemit.unit import Unit, entered
from tests.conftest import Events
from tests.services import redis_server

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
Counted = Callable[[], dict[tuple[str, bool | None, str], tuple[int, int]]]


class Terse(LocMemCache):
    """A backend of somebody's own, whose get takes no default."""

    def get(self, key: str) -> Any:  # type: ignore[override]
        return super().get(key)


class Odd(LocMemCache):
    """A backend of somebody's own, whose methods are not as Django has them."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name} on a cache")

    def get(self, key: str, version: int | None = None, default: Any = None, expire_time: bool = False) -> Any:  # type: ignore[override]
        value = super().get(key, default, version)
        return (value, None) if expire_time else value

    async def has_key(self, key: str, version: int | None = None) -> bool:  # type: ignore[override]
        return key == "there"

    def get_many(self, keys: Any, version: int | None = None) -> Any:
        return None

    def delete_many(self, keys: Any, version: int | None = None) -> Any:
        yield from keys

    @staticmethod
    def clear() -> str:  # type: ignore[override]
        return "cleared"


class TwoLevels(LocMemCache):
    """Asks the level below with the default that it was given."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        value = super().get(key, default, version)
        return "from below" if value is None else value


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["locmem", "filebased", "native_redis"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseCache]:
    settings = {
        "locmem": lambda: {"BACKEND": LOCMEM, "LOCATION": str(tmp_path)},
        "filebased": lambda: {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(tmp_path / "cache"),
        },
        "native_redis": lambda: {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": request.getfixturevalue("redis"),
        },
    }
    with override_settings(CACHES={"default": settings[request.param]()}):
        caches["default"].clear()
        outside.unit().drain()
        yield caches["default"]


@pytest.fixture
def counted(events: Events) -> Counted:
    """What was written: by operation, hit and error, how many calls and keys."""

    def read() -> dict[tuple[str, bool | None, str], tuple[int, int]]:
        outside.flush()
        found: dict[tuple[str, bool | None, str], tuple[int, int]] = {}
        for event in events("cache_operation"):
            key = (event["operation"], event.get("hit"), event.get("error", ""))
            calls, keys = found.get(key, (0, 0))
            found[key] = (calls + event["count"], keys + event["keys"])
        return found

    return read


@pytest.mark.parametrize("value", [0, "", None, False, b"", []])
def test_a_cached_falsy_value_is_a_hit_and_is_returned_as_it_is(cache: BaseCache, counted: Counted, value: Any) -> None:
    cache.set("key", value)
    assert cache.get("key", "default") == value
    assert cache.get("none", default=value) == value
    assert cache.get("none") is None
    assert counted() == {("set", None, ""): (1, 1), ("get", True, ""): (1, 1), ("get", False, ""): (2, 2)}


def test_every_operation_counts_once_however_its_backend_nests_them(cache: BaseCache, counted: Counted) -> None:
    assert cache.set_many({"a": 1, "b": None}) == []
    assert cache.get_many(key for key in ("a", "b", "c")) == {"a": 1, "b": None}
    assert cache.get_many(["nothing"]) == {}
    assert cache.add("a", 5) is False
    assert cache.add("n", 5) is True
    assert (cache.incr("n"), cache.decr("n", 2)) == (6, 4)
    with pytest.raises(ValueError, match="missing"):
        cache.incr("missing")
    assert (cache.touch("a"), cache.touch("missing")) == (True, False)
    assert ("a" in cache, cache.has_key("missing")) == (True, False)
    assert (cache.delete("a"), cache.delete("a")) == (True, False)
    cache.delete_many(iter(["n", "b"]))
    cache.clear()
    assert counted() == {
        ("set_many", None, ""): (1, 2),
        ("get_many", True, ""): (1, 2),
        ("get_many", False, ""): (1, 2),
        ("add", None, ""): (2, 2),
        ("incr", True, ""): (1, 1),
        ("incr", False, ""): (1, 1),
        ("decr", True, ""): (1, 1),
        ("touch", True, ""): (1, 1),
        ("touch", False, ""): (1, 1),
        ("has_key", True, ""): (1, 1),
        ("has_key", False, ""): (1, 1),
        ("delete", True, ""): (1, 1),
        ("delete", False, ""): (1, 1),
        ("delete_many", None, ""): (1, 2),
        ("clear", None, ""): (1, 0),
    }


def test_get_or_set_on_a_miss_is_one_miss_and_one_set(cache: BaseCache, counted: Counted) -> None:
    assert cache.get_or_set("a", 0) == 0
    assert cache.get_or_set("a", lambda: pytest.fail("computed again")) == 0
    assert counted() == {
        ("get_or_set", False, ""): (1, 1),
        ("set", None, ""): (1, 1),
        ("get_or_set", True, ""): (1, 1),
    }


def test_what_computes_a_default_may_use_the_cache_itself_and_fail(cache: BaseCache, counted: Counted) -> None:
    cache.set("b", 2)
    assert cache.get_or_set("a", lambda: cache.get("b")) == 2
    with pytest.raises(ZeroDivisionError):
        cache.get_or_set("c", lambda: 1 / 0)
    assert counted() == {
        ("set", None, ""): (2, 2),
        ("get", True, ""): (1, 1),
        ("get_or_set", False, ""): (2, 2),
    }


def test_the_asynchronous_twins_count_the_same(cache: BaseCache, counted: Counted) -> None:
    async def work() -> None:
        await cache.aset("a", None)
        assert await cache.aget("a", 1) is None
        assert await cache.aget("b", 1) == 1
        assert await cache.aget_or_set("c", lambda: 3) == 3
        assert await cache.aget_or_set("c", 4) == 3
        await cache.aset_many({"d": 1, "e": 2})
        assert await cache.aget_many(["d", "e", "f"]) == {"d": 1, "e": 2}
        assert await cache.aincr("d") == 2
        assert await cache.adelete("d")
        assert not await cache.atouch("d")
        assert await cache.ahas_key("e")
        assert await asyncio.gather(*(cache.aget("e") for _ in range(5))) == [2] * 5
        await cache.aclear()

    asyncio.run(work())
    assert counted() == {
        ("set", None, ""): (2, 2),
        ("get", True, ""): (6, 6),
        ("get", False, ""): (1, 1),
        ("get_or_set", False, ""): (1, 1),
        ("get_or_set", True, ""): (1, 1),
        ("set_many", None, ""): (1, 2),
        ("get_many", True, ""): (1, 2),
        ("get_many", False, ""): (0, 1),
        ("incr", True, ""): (1, 1),
        ("delete", True, ""): (1, 1),
        ("touch", False, ""): (1, 1),
        ("has_key", True, ""): (1, 1),
        ("clear", None, ""): (1, 0),
    }


def test_an_error_is_told_by_its_type_and_reaches_the_app(counted: Counted) -> None:
    unreachable = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": unreachable}):
        for call in (lambda: caches["default"].get("a"), lambda: caches["default"].get_many(["a", "b"])):
            with pytest.raises(Exception, match="refused"):
                call()
    assert counted() == {("get", None, "ConnectionError"): (1, 1), ("get_many", None, "ConnectionError"): (1, 2)}


def test_a_request_tells_its_cache_reads_and_hits_and_folds_its_calls(events: Events) -> None:
    with override_settings(CACHES={"default": {"BACKEND": LOCMEM, "LOCATION": "page"}}):
        Client().get("/cached/")
    (request,) = events("http_request")
    assert (request["cache_gets"], request["cache_hits"]) == (5, 3)
    written = Counter((event["operation"], event.get("hit")) for event in events("cache_operation"))
    assert written == {("set", None): 1, ("get", True): 1, ("get_many", True): 1, ("get_many", False): 1}
    assert {event["request_id"] for event in events("cache_operation")} == {request["request_id"]}
    assert {(event["alias"], event["backend"]) for event in events("cache_operation")} == {("default", "locmem")}


def test_each_writes_a_line_for_every_call_and_off_none(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(CACHES={"default": {"BACKEND": LOCMEM, "LOCATION": "each"}}):
        for setting, lines in (("each", 5), ("off", 5)):
            monkeypatch.setenv("LOGEMIT_CACHES", setting)
            emitter.reset()
            Client().get("/cached/")
            assert len(events("cache_operation")) == lines
    assert "cache_gets" in events("http_request")[0]
    assert "cache_gets" not in events("http_request")[1]


def test_caches_stay_what_they_were() -> None:
    with override_settings(CACHES={"default": {"BACKEND": LOCMEM, "LOCATION": "same"}}):
        cache = caches["default"]
        assert isinstance(cache, LocMemCache)
        assert type(cache).__name__ == "LocMemCache"
        assert type(cache).__module__ == LocMemCache.__module__
        assert (cache.get.__doc__, cache.get.__name__) == (LocMemCache.get.__doc__, "get")
        assert CacheHandler({"x": {"BACKEND": LOCMEM}})["x"].get("nothing") is None


def test_a_get_that_takes_no_default_is_left_its_arguments(counted: Counted) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"{__name__}.Terse", "LOCATION": "terse"}}):
        caches["default"].set("a", 1)
        assert caches["default"].get("a") == 1
        assert caches["default"].get("b") is None
        assert backend_of(Terse) == "locmem"
    assert counted() == {("set", None, ""): (1, 1), ("get", True, ""): (1, 1), ("get", False, ""): (1, 1)}


def test_a_backend_of_another_make_is_left_its_arguments_and_results(counted: Counted) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"{__name__}.Odd", "LOCATION": "odd"}}):
        cache: Any = caches["default"]
        cache.set("a", 1)
        assert cache.get("a", None, 5) == 1
        assert cache.get("b", None, 5) == 5
        assert cache.get("b", expire_time=True) == (None, None)
        assert inspect.iscoroutinefunction(cache.has_key)
        assert asyncio.run(cache.has_key("there")) is True
        assert cache.get_many(["a"]) is None
        assert list(cache.delete_many(["a"])) == ["a"]
        assert cache.clear() == "cleared"
    with override_settings(CACHES={"default": {"BACKEND": f"{__name__}.TwoLevels", "LOCATION": "two"}}):
        assert caches["default"].get("b") == "from below"
    assert counted()["has_key", True, ""] == (1, 1)
    assert counted()["get", False, ""] == (1, 1)


def test_what_an_app_does_wrong_fails_as_it_did(counted: Counted) -> None:
    with override_settings(CACHES={"default": {"BACKEND": LOCMEM, "LOCATION": "wrong"}}):
        cache: Any = caches["default"]
        with pytest.raises(TypeError):
            cache.get_or_set("a")
        with pytest.raises(TypeError):
            cache.get_many(7)

        def broken() -> Iterator[str]:
            yield "a"
            raise KeyError("the app's own")

        with pytest.raises(KeyError):
            cache.get_many(broken())
        assert cache.get("a") is None
    assert counted()["get_many", None, "KeyError"] == (1, 1)


def test_a_set_that_fails_in_get_or_set_is_a_miss_and_a_failed_set(counted: Counted) -> None:
    locmem = {"default": {"BACKEND": LOCMEM, "LOCATION": "failing"}}
    with override_settings(CACHES=locmem), pytest.raises((AttributeError, pickle.PicklingError)):
        caches["default"].get_or_set("a", lambda: lambda: None)
    found = counted()
    assert found["get_or_set", False, ""] == (1, 1)
    assert [key for key in found if key[0] == "set"] == [("set", None, next(iter(k[2] for k in found if k[2])))]


def test_a_cache_is_pickled_as_what_it_was() -> None:
    dummy = "django.core.cache.backends.dummy.DummyCache"
    with override_settings(CACHES={"default": {"BACKEND": dummy}}):
        copied = pickle.loads(pickle.dumps(caches["default"]))
    assert type(copied) is import_string(dummy)


def test_a_cache_behind_another_counts_on_its_own_account(events: Events) -> None:
    both = {"default": {"BACKEND": f"{__name__}.Tiered"}, "far": {"BACKEND": LOCMEM, "LOCATION": "far"}}
    unit = Unit("request", "r1")
    with override_settings(CACHES=both), entered(unit):
        assert caches["default"].get("a") is None
    emitter.write_events(unit.close() or [], unit)
    assert {(event["alias"], event["operation"], event["count"]) for event in events("cache_operation")} == {
        ("default", "get", 1),
        ("far", "get", 1),
    }


class Tiered(LocMemCache):
    """Asks another cache where it has nothing itself."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__("tiered", params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        value = super().get(key, self, version)
        return caches["far"].get(key, default, version) if value is self else value
