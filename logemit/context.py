"""What an app bound with structlog.contextvars, one name at a time.

structlog's own functions walk the whole context and look each variable up by its text: a microsecond here and there in
every request. The variables themselves are what they hand out tokens of.
"""

from contextvars import ContextVar
from functools import cache
from typing import Any

from structlog.contextvars import bind_contextvars


@cache
def variable(name: str) -> ContextVar[Any]:
    """structlog's variable of this name."""
    token = bind_contextvars(**{name: None})[name]
    found: ContextVar[Any] = token.var
    found.reset(token)
    return found


def bound(name: str) -> Any:
    """What is bound now; None where nothing is."""
    value = variable(name).get(None)
    return None if value is ... else value  # structlog's mark of a name that was unbound
