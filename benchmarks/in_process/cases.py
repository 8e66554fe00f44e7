"""Orders in processes that come and go, each served, scraped and written; and files that workers share."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .frozen import functions, gateway
from .place import Place, Server, gunicorn, orders, place
from .shop import OPEN


@dataclass(frozen=True, slots=True)
class Counted:
    """`served` orders are in the database, `scraped` is what scrapes in their order or pushes said of them."""

    served: int
    scraped: tuple[float, ...]
    written: float


@dataclass(frozen=True, slots=True)
class Shared:
    """The files after so many processes, what a scrape of them takes, and a gauge's series in both."""

    processes: int
    files: int
    bytes: int
    seconds: float
    series: int
    ours: int


def _counted(where: Place, *scraped: float) -> Counted:
    return Counted(where.served(), scraped, where.written())


def one_worker(folder: Path, count: int) -> Counted:
    """It lives on, and is scraped before and after."""
    where = place(folder)
    with gunicorn(where) as server:
        return _counted(where, *_over_time(server, 2, count))


def several_workers(folder: Path, count: int, workers: int = 3) -> Counted:
    """What each of them says, in the end."""
    where = place(folder)
    with gunicorn(where, workers=workers) as server:
        server.each("/order/", count)
        answers = server.each("/metrics").values()
        return _counted(where, *(orders(answer.text) for answer in answers))


def several_workers_over_time(folder: Path, scrapes: int, between: int, workers: int = 3) -> Counted:
    """A scrape, and one after every few orders; who answers is for the system to choose."""
    where = place(folder)
    with gunicorn(where, workers=workers) as server:
        return _counted(where, *_over_time(server, scrapes, between))


def recycled(folder: Path, scrapes: int, between: int, most_requests: int) -> Counted:
    """One worker, of which gunicorn makes a new one after so many requests."""
    where = place(folder)
    with gunicorn(where, f"--max-requests={most_requests}") as server:
        return _counted(where, *_over_time(server, scrapes, between))


def _over_time(server: Server, scrapes: int, between: int) -> list[float]:
    found = [server.scrape()]
    for _ in range(scrapes - 1):
        server.order(between)
        found.append(server.scrape())
    return found


def deployed(folder: Path, before: int, unseen: int, after: int) -> Counted:
    """A deploy some orders after the last scrape of the old server."""
    where = place(folder)
    with gunicorn(where) as server:
        scraped = _over_time(server, 2, before)
        server.order(unseen)
    with gunicorn(where) as server:
        server.order(after)
        return _counted(where, *scraped, server.scrape())


def scaled_down(folder: Path, count: int) -> Counted:
    """A container that is gone before its first scrape."""
    where = place(folder)
    with gunicorn(where) as server:
        server.order(count)
    return _counted(where)


def frozen(folder: Path, instances: int, each: int, push_seconds: float) -> Counted:
    """Functions, one request at a time; each has a port, and a thread that pushes."""
    where = place(folder)
    with gateway() as (address, pushed), functions(where, instances, address, push_seconds) as running:
        for _ in range(each):
            for function in running:
                function.invoke("/order/")
        texts = [text for function in running if (text := function.scrape()) is not None]
    return _counted(where, *map(orders, [*texts, *pushed]))


def commanded(folder: Path, count: int) -> Counted:
    """A management command, beside a server that is scraped afterwards."""
    where = place(folder)
    with gunicorn(where) as server:
        where.manage("import_orders", str(count))
        return _counted(where, server.scrape())


def several_workers_with_files(folder: Path, count: int, workers: int = 3) -> Counted:
    """Counters in files that they share; each answers for all."""
    where = _place_with_files(folder)
    with gunicorn(where, _HOOKS, workers=workers) as server:
        server.each("/order/", count)
        return _counted(where, *(orders(answer.text) for answer in server.each("/metrics").values()))


def shared(folder: Path, processes: Sequence[int], workers: int = 1) -> list[Shared]:
    """Processes of one request each, until so many have been."""
    where = _place_with_files(folder)
    files = Path(where.variables[_FILES])
    found: list[Shared] = []
    with gunicorn(where, _HOOKS, "--max-requests=1", "--preload", workers=workers) as server:
        for wanted in processes:
            server.order(wanted - where.served())
            sizes = [file.stat().st_size for file in files.iterdir()]
            seconds, text = _collected(files)
            found.append(Shared(where.served(), len(sizes), sum(sizes), seconds, _series(text), _ours(where)))
    return found


def _collected(files: Path) -> tuple[float, str]:
    """As django-prometheus's view does it for each scrape, and how long it takes at best."""
    took = []
    for _ in range(5):
        start = time.perf_counter()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(files))
        text = generate_latest(registry).decode()
        took.append(time.perf_counter() - start)
    return min(took), text


def _ours(where: Place) -> int:
    return _series(where.aggregated())


_HOOKS = "--config=python:benchmarks.in_process.hooks"
_FILES = "PROMETHEUS_MULTIPROC_DIR"


def _place_with_files(folder: Path) -> Place:
    where = place(folder, **{_FILES: str(folder / "files")})
    (folder / "files").mkdir()
    return where


def _series(text: str) -> int:
    """Of the gauge."""
    return sum(line.startswith((f"{OPEN}{{", f"{OPEN} ")) for line in text.splitlines())
