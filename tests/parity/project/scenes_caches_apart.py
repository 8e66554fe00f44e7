"""Cache reads, with their backends in one process and Django's in another."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from django.core.cache import caches

from .scenes import scene
from .settings import WRAPPED

if TYPE_CHECKING:
    from .drive import Drive

KINDS = {"default": "locmem", "files": "filebased", "redis": "native_redis"}


def each_cache() -> list[tuple[str, Any]]:
    for alias in KINDS:
        caches[alias].clear()
    return [(KINDS[alias], caches[alias]) for alias in KINDS]


@scene("apart")
def reading(drive: "Drive") -> None:
    for kind, cache in each_cache():
        cache.set("a", "value")
        assert cache.get("a") == "value"
        assert cache.get("a", "default") == "value"
        assert cache.get("missing") is None
        assert cache.get("missing", "default") == "default"
        assert cache.get("missing", default=0) == 0
        cache.delete("a")
        assert cache.get("a") is None
        drive.ledger.cached(kind, hits=2, misses=4)


@scene("apart")
def reading_zero(drive: "Drive") -> None:
    for kind, cache in each_cache():
        values = {"zero": 0, "empty": "", "no": False}
        cache.set_many(values)
        lost = WRAPPED and kind != "native_redis"
        assert [cache.get(key) for key in values] == ([None] * 3 if lost else [*values.values()])
        drive.ledger.cached(kind, hits=3)


@scene("apart")
def reading_none(drive: "Drive") -> None:
    for kind, cache in each_cache():
        cache.set("none", None)
        cache.get("none")
        drive.ledger.cached(kind, hits=1)


@scene("apart")
def reading_many(drive: "Drive") -> None:
    for kind, cache in each_cache():
        cache.set_many({"a": 1, "b": 2})
        assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        drive.ledger.cached(kind, hits=2, misses=1)


@scene("apart")
def getting_or_setting(drive: "Drive") -> None:
    for kind, cache in each_cache():
        assert cache.get_or_set("a", 1) == 1
        assert cache.get_or_set("a", 2) == 1
        drive.ledger.cached(kind, hits=1, misses=1)


@scene("apart")
def reading_asynchronously(drive: "Drive") -> None:
    async def run(cache: Any) -> None:
        await cache.aset("a", 1)
        assert await cache.aget("a") == 1
        assert await cache.aget("missing") is None

    for kind, cache in each_cache():
        asyncio.run(run(cache))
        drive.ledger.cached(kind, hits=1, misses=1)


@scene("apart")
def other_calls(drive: "Drive") -> None:
    """None of them reads a key's value for the app."""
    for _, cache in each_cache():
        cache.set("n", 1)
        assert cache.incr("n") == 2
        assert cache.has_key("n")
        assert "n" in cache
        assert cache.touch("n")
        assert not cache.add("n", 5)
        cache.delete_many(["n"])


@scene("apart")
def unreachable(drive: "Drive") -> None:
    for _ in range(2):
        with contextlib.suppress(Exception):
            caches["refused"].get("a")
    drive.ledger.cached("native_redis", failures=2)


@scene("apart")
def unreachable_for_many(drive: "Drive") -> None:
    with contextlib.suppress(Exception):
        caches["refused"].get_many(["a", "b"])
    drive.ledger.cached("native_redis", failures=2)
