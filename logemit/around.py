"""What is put around a block or a function, for as long as it runs."""

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


class Around:
    """A context manager that decorates functions, coroutine functions and generator functions."""

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        raise NotImplementedError

    def _for_call(self, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Self:
        """What is put around one call."""
        return self

    def _take(self, returned: R) -> R:
        """Meet what the function returned, and pass it on."""
        return returned

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def around_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with (around := self._for_call(args, kwargs)):
                    return around._take(await function(*args, **kwargs))

            return cast("Callable[P, R]", around_async)

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def around_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
                with (around := self._for_call(args, kwargs)):
                    return around._take((yield from function(*args, **kwargs)))

            return cast("Callable[P, R]", around_generator)

        @functools.wraps(function)
        def around_call(*args: P.args, **kwargs: P.kwargs) -> R:
            with (around := self._for_call(args, kwargs)):
                return around._take(function(*args, **kwargs))

        return around_call
