"""Exemplars that a run has kept, as OpenMetrics has them. Nothing in their file can make a scrape fail."""

import re
from math import isfinite
from typing import Any, BinaryIO

import orjson

from ..promtext import number

PATH = "_logemit/exemplars.json"
_BYTES = 8 << 20
_LIMIT = 128
"""Characters that OpenMetrics allows for the names and values of an exemplar's labels."""
_LABELS = ("request_id", "task_id")
_BUCKET = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*_bucket\{(?:.*,)?le="([^"]+)"')
_ID = re.compile(r'[^"\\\x00-\x1f\x7f]+')
"""What needs no escape: Prometheus shows one as it stands, and prometheus_client refuses the whole text for it."""
_LATEST = 1e11
"""In seconds since 1970: what Prometheus can still hold in milliseconds."""


def read(file: BinaryIO) -> dict[bytes, bytes]:
    """By the text of a bucket's sample before its value, what follows that; what is no exemplar is passed over."""
    data = file.read(_BYTES + 1)
    try:
        found = orjson.loads(data) if len(data) <= _BYTES else None
    except ValueError:
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {sample.encode(): shown for sample, told in entries if (shown := _shown(sample, told))}


def _shown(sample: str, told: Any) -> bytes | None:
    bucket = _BUCKET.match(sample)
    if bucket is None or not isinstance(told, dict):
        return None
    label = next((name for name in _LABELS if name in told), "")
    value, at = _float(told.get("value")), _float(told.get("timestamp"))
    text = told.get(label)
    if not isinstance(text, str) or not _ID.fullmatch(text) or len(label) + len(text) > _LIMIT:
        return None
    if value is None or at is None or not 0 <= at < _LATEST or not value <= _bound(bucket[1]):
        return None
    return f' # {{{label}="{text}"}} {number(value)} {at:.3f}'.encode()


def _float(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
