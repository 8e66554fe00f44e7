"""What must be the same in all processes that work on one run: else they would make other numbers of the same lines."""

import platform
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version

from logemit import __version__, grid
from logemit.vocabulary import EVENTS

from ..config import Config
from ..content import digest
from ..errors import UsageError

PACKAGES = ("numpy", "pyarrow", "orjson")


def facts(config: Config) -> dict[str, str]:
    """By what they are about."""
    plan = _plan(config.catalogue, config.window_seconds, config.exemplars_from)
    return {**_installed(), "the grid": grid.GRID_ID, "the plan": plan[:12]}


@cache
def _installed() -> dict[str, str]:
    found = {"logemit": __version__, "Python": ".".join(platform.python_version_tuple()[:2])}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


@lru_cache(maxsize=8)
def _plan(*parts: object) -> str:
    """The fingerprint of what is made of which events."""
    return digest(repr((parts, EVENTS)).encode())


def check(here: Mapping[str, str], there: Mapping[str, str], who: str) -> None:
    """Raises UsageError where they differ."""
    for what, wanted in here.items():
        if there.get(what) != wanted:
            found = there.get(what, "nothing")
            raise UsageError(f"{who} has {what} {found}, this process {wanted}; install the same on both")
