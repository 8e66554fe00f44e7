"""A progress bar on standard error, once the work takes more than two seconds and a person watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

Tell = Callable[[int, int], None]
PATIENCE_SECONDS = 2.0


@contextmanager
def shown(watched: bool, what: str = "reading", *, in_bytes: bool = True) -> Iterator[Tell | None]:
    """A function to tell what is done and what there is in all, in bytes or in steps; None when nobody watches."""
    if not watched:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    amount = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    columns = (TextColumn(what), BarColumn(), *amount, TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)
    patience = Timer(PATIENCE_SECONDS, bar.start)
    patience.daemon = True

    def tell(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total or None)

    patience.start()
    try:
        yield tell
    finally:
        patience.cancel()
        patience.join()
        bar.stop()
