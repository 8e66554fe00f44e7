"""What a cache call tells: its keys before, and afterwards whether it found something.

Each shape sees a call's arguments and may replace them, then its result, which it hands on as the app expects it.
"""

import inspect
from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import Any, NamedTuple

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

inside: ContextVar[Any] = ContextVar("logemit_cache", default=None)
"""The cache whose call is under way: what it calls of itself belongs to that call."""

_MISSING = object()


class Tally(NamedTuple):
    """`hit` is None where nothing was looked up. A call that stands under two outcomes counts in one."""

    operation: str
    hit: bool | None
    calls: int
    keys: int


class Call:
    """A call that names one key and looks nothing up: set, add."""

    def __init__(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.operation = operation
        self.args, self.kwargs = args, kwargs
        self.hit: bool | None = None
        self.keys = 1
        self.prepare()

    def prepare(self) -> None:
        """See the arguments, or replace them."""

    def result(self, returned: Any) -> Any:
        """See what the cache returned; what the app gets."""
        return returned

    def error(self, exc: BaseException) -> str:
        """The error's type; "" where an exception is the API's way to answer."""
        return type(exc).__name__

    def tallies(self) -> list[Tally]:
        return [Tally(self.operation, self.hit, 1, self.keys)]

    def argument(self, place: int, name: str) -> Any:
        return self.args[place] if len(self.args) > place else self.kwargs.get(name)

    def replace(self, place: int, name: str, value: Any) -> None:
        if len(self.args) > place:
            self.args = (*self.args[:place], value, *self.args[place + 1 :])
        else:
            self.kwargs = {**self.kwargs, name: value}


class Whole(Call):
    """clear: names no key."""

    def prepare(self) -> None:
        self.keys = 0


class Answered(Call):
    """touch, delete, has_key: say whether the key was there."""

    def result(self, returned: Any) -> Any:
        self.hit = bool(returned)
        return returned


class Counter(Call):
    """incr, decr: a missing key is a ValueError."""

    def result(self, returned: Any) -> Any:
        self.hit = True
        return returned

    def error(self, exc: BaseException) -> str:
        if isinstance(exc, ValueError):
            self.hit = False
            return ""
        return super().error(exc)


class Get(Call):
    """Told from a miss by a default of our own: a cached 0, "" or None is a hit."""

    def prepare(self) -> None:
        self._default = self.argument(1, "default")
        self.replace(1, "default", _MISSING)

    def result(self, returned: Any) -> Any:
        self.hit = returned is not _MISSING
        return returned if self.hit else self._default


class PlainGet(Call):
    """A backend's get that takes no default."""

    def result(self, returned: Any) -> Any:
        self.hit = returned is not None
        return returned


class Many(Call):
    """delete_many, set_many. An iterator of keys is read once, here."""

    name = "keys"

    def prepare(self) -> None:
        keys = self.argument(0, self.name)
        if not isinstance(keys, Collection) and keys is not None:
            keys = list(keys)
            self.replace(0, self.name, keys)
        self.keys = len(keys or ())


class SetMany(Many):
    name = "data"


class GetMany(Many):
    """The keys found and those not found stand apart; the call counts once."""

    def prepare(self) -> None:
        super().prepare()
        self.keys = len(set(self.argument(0, self.name) or ()))
        self._found = 0

    def result(self, returned: Any) -> Any:
        self._found = len(returned)
        self.hit = self._found > 0
        return returned

    def tallies(self) -> list[Tally]:
        missing = self.keys - self._found
        found = [Tally(self.operation, True, 1, self._found)] if self._found else []
        return [*found, Tally(self.operation, False, 0 if found else 1, missing)] if missing or not found else found


class GetOrSet(Call):
    """A miss is a miss and a set. What computes the default may use the cache itself, and fail on its own account."""

    def prepare(self) -> None:
        self.hit = True
        self._failed: BaseException | None = None
        self._default = self.argument(1, "default")
        asynchronous = inspect.iscoroutinefunction(self._default)
        self.replace(1, "default", self._compute_async if asynchronous else self._compute)

    def _compute(self) -> Any:
        self.hit = False
        token = inside.set(None)
        try:
            return self._default() if callable(self._default) else self._default
        except BaseException as exc:
            self._failed = exc
            raise
        finally:
            inside.reset(token)

    async def _compute_async(self) -> Any:
        self.hit = False
        return await self._default()

    def error(self, exc: BaseException) -> str:
        return "" if exc is self._failed else super().error(exc)

    def tallies(self) -> list[Tally]:
        stored = not self.hit and self._failed is None
        return [*super().tallies(), *([Tally("set", None, 1, 1)] if stored else [])]


SHAPES: dict[str, Callable[..., Call]] = {
    "get": Get,
    "get_many": GetMany,
    "get_or_set": GetOrSet,
    "set": Call,
    "set_many": SetMany,
    "add": Call,
    "incr": Counter,
    "decr": Counter,
    "incr_version": Counter,
    "decr_version": Counter,
    "touch": Answered,
    "delete": Answered,
    "delete_many": Many,
    "has_key": Answered,
    "clear": Whole,
}
