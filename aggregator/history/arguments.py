"""What a user says of times, spans and labels."""

import re
from collections.abc import Iterable

from ..errors import UsageError
from ..spans import DAY, parse_seconds, parse_time
from .timeline import Wanted


def wanted(
    begin: str | None,
    until: str | None,
    metrics: Iterable[str],
    step: str | None,
    split: str,
    sealed_after: str,
    labels: Iterable[str],
) -> Wanted:
    """Raises UsageError."""
    every = None if step is None else parse_seconds(step, "--step")
    whole = 0 if split == "none" else parse_seconds(split, "--split")
    if every == 0 or (every or 0) > DAY:
        raise UsageError(f"--step is {step!r}, expected from 1s to 1d")
    if split != "none" and (whole < 3600 or (DAY % whole and whole % DAY)):
        raise UsageError(f"--split is {split!r}, expected whole hours that make a day, whole days, or none")
    first, last = moment(begin, "--from"), moment(until, "--until")
    if first is not None and last is not None and last < first:
        raise UsageError(f"--until {until} is before --from {begin}")
    sealed = parse_seconds(sealed_after, "--sealed-after")
    return Wanted(tuple(metrics), first or 0, last, every, whole, sealed, dict(map(_label, labels)))


def moment(text: str | None, option: str) -> int | None:
    """Seconds since 1970 of a date or a time; of one without a zone, in UTC."""
    return None if text is None else int(parse_time(text, option).timestamp())


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value or not re.fullmatch(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", name) or name in ("le", "quantile"):
        raise UsageError(f"--label is {text!r}, expected a name and a value, such as job=logemit")
    return name, value
