"""Where a cluster is, and how it is met: from options, or from a file."""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError

_ADDRESS = re.compile(r"((tcp|tls)://)?([^\s/:\[\]]+|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}")
_KNOWN = "scheduler, tls_ca, tls_cert, tls_key, least_workers, wait_seconds"


@dataclass(frozen=True, slots=True)
class Spec:
    """Files are named by their paths; no secret stands in here. Raises UsageError."""

    scheduler: str = ""
    """tcp://host:8786, or tls://…; "" for processes of this machine."""
    tls_ca: str = ""
    """With tls://, these three, or none where Dask's own configuration names them."""
    tls_cert: str = ""
    tls_key: str = ""
    least_workers: int = 1
    """To begin with."""
    wait_seconds: float = 30.0
    """For the scheduler, and for these workers."""

    def __post_init__(self) -> None:
        """Half of TLS is none."""
        if self.scheduler and not _ADDRESS.fullmatch(self.scheduler):
            raise UsageError(f"the scheduler is {self.scheduler!r}; expected tcp://host:8786, or tls://host:8786")
        files = [self.tls_ca, self.tls_cert, self.tls_key]
        if any(files) and not all(files):
            raise UsageError("of tls_ca, tls_cert and tls_key some are missing; TLS needs all three")
        if any(files) and not self.is_tls:
            raise UsageError(f"tls_ca, tls_cert and tls_key are for tls://…; the scheduler is {self.scheduler!r}")

    @property
    def is_tls(self) -> bool:
        return self.scheduler.startswith("tls://")


def load(path: Path) -> Spec:
    """Of a TOML file, or of what `dask scheduler --scheduler-file` writes. Raises UsageError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path}: cannot be read: {getattr(exc, 'strerror', None) or exc}") from None
    try:
        document = _of_scheduler(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{path}: is neither TOML nor a scheduler file of Dask: {exc}") from None
    kinds = {each.name: type(each.default) for each in fields(Spec)}
    for name, value in document.items():
        if name not in kinds:
            raise UsageError(f"{path}: unknown key {name!r}; known are {_KNOWN}")
        wanted = _WANTED[kinds[name]]
        if not wanted.fits(value):
            raise UsageError(f"{path}: {name} is {value!r}, expected {wanted.name}")
    if not document.get("scheduler"):
        raise UsageError(f'{path}: names no scheduler; give scheduler = "tcp://host:8786"')
    for name in ("tls_ca", "tls_cert", "tls_key"):
        if file := document.get(name):
            _check_readable(Path(file), f"{path}: {name} {file}")
    try:
        return Spec(**document)
    except UsageError as exc:
        raise UsageError(f"{path}: {exc}") from None


class _Wanted(NamedTuple):
    name: str
    fits: Callable[[object], bool]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_WANTED: dict[type, _Wanted] = {
    str: _Wanted("a text", lambda value: isinstance(value, str)),
    int: _Wanted("a whole number above 0", _is_whole),
    float: _Wanted(
        "a number above 0", lambda value: _is_whole(value) or (isinstance(value, float) and 0 < value < inf)
    ),
}


def _check_readable(file: Path, what: str) -> None:
    try:
        file.read_bytes()
    except OSError as exc:
        raise UsageError(f"{what} cannot be read: {exc.strerror or exc}") from None


def _of_scheduler(text: str) -> dict[str, Any]:
    document = json.loads(text)
    return {"scheduler": document.get("address", "")}
