"""What a cache call tells: its keys before, and afterwards whether it found something.

Each shape sees a call's arguments, then its result. Where it puts something in an argument's place, the app gets what
it would have got.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from contextvars import ContextVar
from typing import Any, NamedTuple

from asgiref.sync import iscoroutinefunction

inside: ContextVar[Any] = ContextVar("logemit_cache", default=None)
"""The cache whose call is under way: what it calls of itself belongs to that call."""

_MISSING = object()


class Tally(NamedTuple):
    """`hit` is None where nothing was looked up. A call that stands under two outcomes counts in one."""

    operation: str
    hit: bool | None
    calls: int
    keys: int
    error: str = ""


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

    def see(self, returned: Any) -> None:
        """See what the cache returned."""

    def hand_on(self, returned: Any) -> Any:
        """What the app gets."""
        return returned

    def tallies(self, error: BaseException | None) -> list[Tally]:
        if error is None:
            return [Tally(self.operation, self.hit, 1, self.keys)]
        return [Tally(self.operation, None, 1, self.keys, type(error).__name__)]

    def is_given(self, place: int, name: str) -> bool:
        return len(self.args) > place or name in self.kwargs

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

    def see(self, returned: Any) -> None:
        self.hit = bool(returned)


class Counter(Call):
    """incr, decr: a missing key is a ValueError, which is the API's way to answer."""

    def see(self, returned: Any) -> None:
        self.hit = True

    def tallies(self, error: BaseException | None) -> list[Tally]:
        if isinstance(error, ValueError):
            return [Tally(self.operation, False, 1, 1)]
        return super().tallies(error)


class Get(Call):
    """Of Django's own backends, which hand a default on untouched. With one of our own, a cached None is a hit."""

    def prepare(self) -> None:
        self._default = self.argument(1, "default")
        self.replace(1, "default", _MISSING)

    def see(self, returned: Any) -> None:
        self.hit = returned is not _MISSING

    def hand_on(self, returned: Any) -> Any:
        return self._default if returned is _MISSING else returned


class PlainGet(Call):
    """Of any other backend, whose arguments are its own affair: the app's default, or None, is a miss."""

    def see(self, returned: Any) -> None:
        given = {id(value) for value in (*self.args[1:], *self.kwargs.values())}
        self.hit = returned is not None and id(returned) not in given


class Many(Call):
    """delete_many. An iterator of keys is read by the cache, and noted as it goes."""

    def prepare(self) -> None:
        keys = self.argument(0, "keys")
        self._noted: set[Any] = set()
        if isinstance(keys, Collection):
            self._noted = _distinct(keys)
        elif isinstance(keys, Iterable):
            self.replace(0, "keys", self._as_they_go(keys))

    def _as_they_go(self, keys: Iterable[Any]) -> Iterator[Any]:
        for key in keys:
            self._noted |= _distinct([key])
            yield key

    def tallies(self, error: BaseException | None) -> list[Tally]:
        self.keys = len(self._noted)
        return super().tallies(error)


def _distinct(keys: Iterable[Any]) -> set[Any]:
    """Those that cannot be hashed by what they are."""
    keys = list(keys)
    try:
        return set(keys)
    except TypeError:
        return {id(key) for key in keys}


class SetMany(Call):
    def prepare(self) -> None:
        data = self.argument(0, "data")
        self.keys = len(data) if isinstance(data, Sized) else 1


class GetMany(Many):
    """The keys found and those not found stand apart; the call counts once."""

    _found = 0

    def see(self, returned: Any) -> None:
        self._found = len(returned) if isinstance(returned, Sized) else 0

    def tallies(self, error: BaseException | None) -> list[Tally]:
        if error is not None:
            return super().tallies(error)
        missing = max(len(self._noted) - self._found, 0)
        found = [Tally(self.operation, True, 1, self._found)] if self._found else []
        return [*found, Tally(self.operation, False, 0 if found else 1, missing)] if missing or not found else found


class GetOrSet(Call):
    """A miss is a miss and a set. What computes the default may use the cache itself, and fail on its own account."""

    def prepare(self) -> None:
        self.hit = True
        self._failed: BaseException | None = None
        if self.is_given(1, "default"):
            self._default = self.argument(1, "default")
            asynchronous = iscoroutinefunction(self._default)
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
        token = inside.set(None)
        try:
            return await self._default()
        except BaseException as exc:
            self._failed = exc
            raise
        finally:
            inside.reset(token)

    def tallies(self, error: BaseException | None) -> list[Tally]:
        if self.hit:
            return super().tallies(error)
        miss = Tally(self.operation, False, 1, 1)
        if error is not None and error is self._failed:
            return [miss]
        return [miss, Tally("set", None, 1, 1, type(error).__name__ if error is not None else "")]


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
