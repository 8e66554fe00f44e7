"""A report as another program reads it: no regular expression, no template of its own."""

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """`elements` are (tag, attributes, text inside it and not inside another one)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag != "meta":
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self.elements[self._open.pop()][0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.elements[self._open[-1]][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return ["".join(text) for name, _, text in self.elements if name == tag]

    @property
    def headlines(self) -> dict[str, tuple[str, str]]:
        """Name to (value, note)."""
        texts, found = iter(self.elements), {}
        for tag, attributes, _ in texts:
            if (tag, attributes.get("class")) == ("dl", "headlines"):
                break
        parts = []
        for tag, _, text in texts:
            if tag not in ("div", "dt", "dd"):
                break
            if tag != "div":
                parts.append("".join(text))
        for name, value, note in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            found[name] = value, note
        return found

    @property
    def charts(self) -> dict[str, Any]:
        (text,) = ["".join(text) for tag, attributes, text in self.elements if attributes.get("id") == "charts"]
        found: dict[str, Any] = json.loads(text)
        return found
