"""logemit as its README says, with its default settings."""

from structlog import DropEvent
from structlog.typing import EventDict

from .bare import *  # noqa: F403

INSTALLED_APPS = ["logemit"]
MIDDLEWARE = ["logemit.middleware.EventMiddleware"]


def drop(_logger: object, _method: str, _event: EventDict) -> EventDict:
    """A processor that leaves nothing to render or to write, to see what those cost."""
    raise DropEvent
