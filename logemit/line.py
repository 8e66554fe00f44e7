"""structlog processors that make an event's dict into its line: the last steps of every event."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from time import time_ns
from typing import Any

import orjson
from structlog.typing import EventDict

from .naming import shortened
from .unit import Unit
from .vocabulary import BY_NAME, COMMON, LINE_LIMIT, SCHEMA_VERSION
from .writer import STAMP_LIMIT, Line

RESERVED = frozenset(field.name for field in COMMON) - {"request_id", "task_id"}
"""Keys that logemit sets itself; an app's field of that name is written with a trailing underscore."""

STAMPED = frozenset({"logemit", "proc", "seq", "dropped", "cut"})
"""Of these, what the writer and the renderer put in: a user's processors cannot."""

_BODY_LIMIT = LINE_LIMIT - STAMP_LIMIT
_NEVER_CUT = frozenset({"bins"})
_CUTS = (1024, 512, 256, 128, 64, 32, 16)
_MAX_INT = 2**63
_HEAD = b'{"logemit":%d,"event":%%s,"timestamp":%%s,"service":%%s' % SCHEMA_VERSION
_NO_UNIT = b',"unit":"none",'
_UNITS = {
    "request": b',"unit":"request","request_id":%s,',
    "command": b',"unit":"command","request_id":%s,',
    "task": b',"unit":"task","task_id":%s,',
}
_START = b'{"logemit":%d,"event":"' % SCHEMA_VERSION


def timestamp() -> bytes:
    """Now, in ISO 8601, UTC, always six decimals: structlog's TimeStamper leaves them out at a whole second."""
    seconds, microseconds = divmod(time_ns() // 1000, 1_000_000)
    return b"%s.%06dZ" % (_iso_second(seconds), microseconds)


def add_timestamp(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
    event_dict["timestamp"] = timestamp().decode()
    return event_dict


@lru_cache(maxsize=2)
def _iso_second(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19].encode()


def plain(fields: Mapping[str, Any], event: str) -> dict[str, Any]:
    """An app's fields as flat JSON values; None is missing, names of our own get a trailing underscore."""
    known = BY_NAME.get(event)
    values = {}
    for name, value in fields.items():
        if value is None:
            continue
        field = known.field(name) if known else None
        if field is not None and field.type == "object":
            values[name] = value
        else:
            scalar = _scalar(value)
            as_text = field is not None and field.type == "string" and not isinstance(scalar, str)
            values[f"{name}_" if name in RESERVED else name] = str(scalar) if as_text else scalar
    return values


def _scalar(value: Any) -> str | int | float | bool:
    match value:
        case bool() | float():
            return value
        case int():
            return value if -_MAX_INT <= value < _MAX_INT else _float(value)
        case str():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping() | list() | tuple() | set() | frozenset():
            listed = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
            return _dumps(listed).decode()
        case _ if hasattr(value, "__float__"):  # Decimal, Fraction, numpy scalars
            return _float(value)
        case _:
            return str(value)


def _float(value: Any) -> float | str:
    try:
        return float(value)
    except (ValueError, OverflowError):  # 10**400, Decimal("sNaN")
        return repr(value) if not isinstance(value, int) else f"{value:#x}"


def render(_logger: Any, _method: str, event_dict: EventDict) -> Line:
    """The renderer: an open line, which the writer stamps with `proc` and `seq`."""
    event, moment, service = event_dict.pop("event"), event_dict.pop("timestamp"), event_dict.pop("service")
    head = _HEAD % (short(event), short(moment), short(service))
    tail = _dumps(event_dict)
    if len(head) + len(tail) >= _BODY_LIMIT:
        tail = _fitted(event_dict, _BODY_LIMIT - len(head) - 1)
    return Line(head, b"," + tail[1:] + b"\n" if len(tail) > 2 else b"}\n")


def render_all(
    events: Iterable[tuple[str, dict[str, Any]]], service: bytes, unit: Unit | None, context: dict[str, Any]
) -> list[Line]:
    """Render events of one moment and unit without a dict in between: what `render` does, faster.

    `service` is JSON by now; `context` are more fields that all of the events share and none has itself.
    """
    moment = timestamp()
    head = b'","timestamp":"%s","service":%s' % (moment, service)
    common = _UNITS[unit.kind] % _dumps(unit.id) if unit is not None and unit.id else _NO_UNIT
    if context:
        common += _dumps(context)[1:-1] + b","
    lines = []
    for event, fields in events:
        start = b"%s%s%s" % (_START, event.encode(), head)
        tail = _dumps(fields)
        if len(start) + len(common) + len(tail) < _BODY_LIMIT:
            lines.append(Line(start, b"%s%s\n" % (common, tail[1:])))
        else:
            own = {"event": event, "timestamp": moment.decode(), "service": orjson.loads(service)}
            lines.append(render(None, "", {**own, **orjson.loads(b"{%s}" % common[1:-1]), **fields}))
    return lines


def short(value: Any) -> bytes:
    """A text of the line's head, as JSON."""
    return _dumps(str(value)[:200])


def _fitted(body: Mapping[str, Any], limit: int) -> bytes:
    """`body` with its long texts cut, then its last fields left out, until it fits; `cut` says how many."""
    shorter = dict(body)
    for longest in _CUTS:
        shorter = {name: _cut(value, longest) if name not in _NEVER_CUT else value for name, value in body.items()}
        shorter["cut"] = sum(shorter[name] != value for name, value in body.items())
        if len(text := _dumps(shorter)) <= limit:
            return text
    names = [name for name in shorter if name != "cut"]
    while len(text := _dumps(shorter)) > limit and names:
        shorter.pop(names.pop())
        shorter["cut"] = len(body) - len(shorter) + 1 + sum(shorter.get(n, v) != v for n, v in body.items())
    return text


def _cut(value: Any, longest: int) -> Any:
    is_long = isinstance(value, str) and len(value.encode("utf-8", "replace")) > longest
    return shortened(value, longest) if is_long else value


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        return orjson.dumps(_encodable(value, 0), option=orjson.OPT_NON_STR_KEYS)


def _encodable(value: Any, depth: int) -> Any:
    """What orjson refuses made plain: lone surrogates, integers beyond 64 bits, cycles, foreign objects."""
    if depth > 16:
        return "…"
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {str(_encodable(k, depth + 1)): _encodable(v, depth + 1) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_encodable(item, depth + 1) for item in value]
        case bool() | float() | None:
            return value
        case int():
            return value if -_MAX_INT <= value < _MAX_INT else _float(value)
        case _:
            return str(value).encode("utf-8", "replace").decode()
