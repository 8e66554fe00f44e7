"""A user's processor, for processes of their own."""

from typing import Any


def fails_for_bad(_logger: Any, _method: str, event_dict: dict[str, Any]) -> dict[str, Any]:
    if event_dict["event"] == "bad":
        raise ValueError("cannot render this")
    return event_dict
