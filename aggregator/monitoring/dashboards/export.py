"""Dashboards as files, where the SDK is to be had."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...errors import OutputError, UsageError
from ...published import publish
from .definitions import NAMES, load
from .intervals import Schedule

SDK = "grafana-foundation-sdk"
GRAFANA = "11.6"
"""The oldest Grafana that reads them: the SDK has a release for each, and its JSON is that one's."""


def text(name: str, schedule: Schedule, datasource: str | None = None) -> str:
    """A dashboard as JSON. Raises UsageError for a name that is none, and where the SDK is missing or another."""
    dashboard = load(name)
    _require_sdk()
    from .builder import build  # noqa: PLC0415

    return build(dashboard, schedule, datasource)


def write(name: str, path: Path, schedule: Schedule, datasource: str | None = None) -> None:
    """Whole or not at all, as Grafana reads its folder whenever it likes. Raises UsageError, OutputError."""
    publish(path, [text(name, schedule, datasource).encode()])


def write_all(folder: Path, schedule: Schedule, datasource: str | None = None) -> list[Path]:
    """The files, named by the dashboards' uids. Raises UsageError, OutputError."""
    texts = {folder / f"logemit-{name}.json": text(name, schedule, datasource) for name in NAMES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(f"{folder}: cannot be made: {exc.strerror or exc}") from None
    for path, content in texts.items():
        publish(path, [content.encode()])
    return list(texts)


def _require_sdk() -> None:
    try:
        found = version(SDK)
    except PackageNotFoundError:
        raise UsageError(f"{SDK} is missing; pip install 'logemit[grafana]'") from None
    line = found.rpartition("!")[2]
    if not line.startswith(f"{GRAFANA}."):
        raise UsageError(f"{SDK} is that of Grafana {line}, not {GRAFANA}; pip install 'logemit[grafana]'")
