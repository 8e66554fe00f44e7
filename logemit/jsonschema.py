"""The vocabulary as a JSON Schema (draft 2020-12) of one line."""

from typing import Any

from .vocabulary import COMMON, EVENTS, LINE_LIMIT, METHODS, SCHEMA_VERSION, Event, Field

_TYPES = {"string": "string", "bins": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
_REQUIRED = ["logemit", "event", "timestamp", "service"]


def line_schema() -> dict[str, Any]:
    """A schema that every line of this version fits; unknown events may carry any flat field."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:logemit:line:{SCHEMA_VERSION}",
        "title": "A logemit event",
        "description": f"One line of UTF-8 JSON, at most {LINE_LIMIT} bytes with its newline.",
        "type": "object",
        "required": _REQUIRED,
        "properties": {field.name: _property(field) for field in COMMON},
        "allOf": [
            {"if": {"properties": {"event": {"const": event.name}}}, "then": {"$ref": f"#/$defs/{event.name}"}}
            for event in EVENTS
        ],
        "$defs": {event.name: _event(event) for event in EVENTS},
    }


def _event(event: Event) -> dict[str, Any]:
    return {"description": event.doc, "properties": {field.name: _property(field) for field in event.fields}}


def _property(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES.get(field.type, "object"), "description": field.doc}
    if field.name == "logemit":
        schema["const"] = SCHEMA_VERSION
    if field.name == "timestamp":
        schema["format"] = "date-time"
    if field.name == "method":
        schema["examples"] = list(METHODS)
    if field.unit:
        schema["x-unit"] = field.unit
    if field.unit in ("seconds", "bytes", "count"):
        schema["minimum"] = 0
    if field.dimension:
        schema["x-dimension"] = field.cardinality
    return schema
