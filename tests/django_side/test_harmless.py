"""An error of ours, wherever it is, reaches neither a response nor its stream, nor whom the server tells of its end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client

from .conftest import Use

NAMES = [
    "logemit.emitter.render_all",
    "logemit.exchange.Exchange._fields",
    "logemit.grid.seconds_le",
    "logemit.process.due",
]
Fail = Callable[[str], None]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch, use: Use) -> Fail:
    def raise_ours(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("ours")

    use(PROCESS_STATS_SECONDS=0)
    return lambda name: monkeypatch.setattr(name, raise_ours)


@pytest.mark.parametrize("broken", NAMES)
def test_a_stream_arrives_whole(fail: Fail, broken: str) -> None:
    fail(broken)
    response: Any = Client().get("/streamed/")
    assert len(b"".join(response)) == 50
    response.close()


@pytest.mark.parametrize("broken", NAMES)
def test_a_streams_own_error_is_the_one_that_the_server_sees(fail: Fail, broken: str) -> None:
    fail(broken)
    response: Any = Client().get("/streamed/?fails")
    with pytest.raises(BufferError):
        b"".join(response)
    response.close()


@pytest.mark.parametrize("broken", NAMES)
def test_a_client_that_leaves_early_is_no_error(fail: Fail, broken: str) -> None:
    fail(broken)
    response: Any = Client().get("/streamed/")
    next(iter(response))
    response.close()


@pytest.mark.parametrize("broken", [*NAMES[:2], NAMES[3]])  # it runs no queries
def test_an_asynchronous_stream_arrives_whole(fail: Fail, broken: str) -> None:
    fail(broken)

    async def visit() -> int:
        response: Any = await AsyncClient().get("/streamed-async/")
        return sum([len(chunk) async for chunk in response])

    assert asyncio.run(visit()) == 50
