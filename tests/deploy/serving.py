"""`logemit serve` as deploy/ starts it, on a port of its own."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import LOGEMIT
from tests.monitoring.servers import answers
from tests.services import free_port, running


@contextmanager
def served(call: Sequence[str], log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its URL and its process; `call` are arguments with a --host and a --port, which are changed."""
    port = free_port()
    changed = {"--host": "127.0.0.1", "--port": str(port)}
    arguments = [changed.get(before, word) for before, word in zip(["", *call], call, strict=False)]
    url = f"http://127.0.0.1:{port}"
    with running([str(LOGEMIT), *arguments], log, lambda: answers(f"{url}/healthz")) as process:
        yield url, process
