"""Events as dicts, for tests."""

import json
from collections.abc import Sequence
from typing import Any

from ..writer import Line


class InMemory:
    """Keeps what is written in `events`, numbered as the line writer would number it."""

    last_error: Exception | None = None

    def __init__(self, _settings: object = None, *, events: list[dict[str, Any]] | None = None) -> None:
        self.events: list[dict[str, Any]] = [] if events is None else events
        self.lost = 0
        """Events that could not be rendered."""

    def write(self, lines: Sequence[Line]) -> bool:
        for line in lines:
            stamp = b',"proc":"captured","seq":%d' % len(self.events)
            self.events.append(json.loads(line.head + stamp + line.tail))
        return True

    def lose(self, lines: int) -> None:
        self.lost += lines

    def close(self) -> None:
        """Nothing is open."""
