"""Where a cluster is, and how it is met: from options, or from a file."""

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import UsageError

_KNOWN = "scheduler, tls_ca, tls_cert, tls_key, least_workers, wait_seconds"


@dataclass(frozen=True, slots=True)
class Spec:
    """Files are named by their paths; no secret stands in here."""

    scheduler: str = ""
    """tcp://host:8786, or tls://…; "" for processes of this machine."""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    least_workers: int = 1
    """To begin with."""
    wait_seconds: float = 30.0
    """For the scheduler, and for these workers."""


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
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        if not (isinstance(value, kinds[name]) or (kinds[name] is float and is_number)) or (
            kinds[name] is not str and not is_number
        ):
            raise UsageError(f"{path}: {name} is {value!r}, expected {'a text' if kinds[name] is str else 'a number'}")
    spec = Spec(**document)
    if not spec.scheduler:
        raise UsageError(f'{path}: names no scheduler; give scheduler = "tcp://host:8786"')
    for name in ("tls_ca", "tls_cert", "tls_key"):
        if file := getattr(spec, name):
            _check_readable(Path(file), f"{path}: {name} {file}")
    return spec


def _check_readable(file: Path, what: str) -> None:
    try:
        file.read_bytes()
    except OSError as exc:
        raise UsageError(f"{what} cannot be read: {exc.strerror or exc}") from None


def _of_scheduler(text: str) -> dict[str, Any]:
    document = json.loads(text)
    return {"scheduler": document.get("address", "")}
