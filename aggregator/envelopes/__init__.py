"""How platforms wrap the lines that programs write: a registry, with a small module for each."""

from ..errors import UsageError
from . import (
    aws_lambda,
    celery,
    cloudwatch,
    compose,
    cri,
    docker,
    fluent,
    gcp,
    heroku,
    journald,
    kubectl,
    logging,
    syslog,
)
from .envelope import Envelope, Part

BARE = "bare"
"""The name of what has no envelope."""

ENVELOPES: tuple[Envelope, ...] = (
    docker.ENVELOPE,
    cri.ENVELOPE,
    journald.ENVELOPE,
    gcp.ENVELOPE,
    syslog.ENVELOPE,
    heroku.ENVELOPE,
    aws_lambda.ENVELOPE,
    cloudwatch.ENVELOPE,
    kubectl.ENVELOPE,
    fluent.ENVELOPE,
    compose.ENVELOPE,
    celery.ENVELOPE,
    logging.ENVELOPE,
)
"""The first that recognises a line has it: what is told most surely comes first."""


def named(name: str) -> Envelope | None:
    """None for bare lines. Raises UsageError."""
    if name == BARE:
        return None
    found = next((envelope for envelope in ENVELOPES if envelope.name == name), None)
    if found is None:
        known = ", ".join([BARE, *(envelope.name for envelope in ENVELOPES)])
        raise UsageError(f"--envelope is {name!r}; expected one of {known}; leave it out to have it recognised")
    return found


__all__ = ["BARE", "ENVELOPES", "Envelope", "Part", "named"]
