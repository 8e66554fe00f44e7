"""A report as another program reads it: no regular expression, no template of its own."""

import json
from html.parser import HTMLParser
from itertools import takewhile
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
        parts = self._definitions("headlines")
        return {name: (value, note) for name, value, note in zip(parts[::3], parts[1::3], parts[2::3], strict=True)}

    @property
    def facts(self) -> dict[str, str]:
        parts = self._definitions("facts")
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def _definitions(self, name: str) -> list[str]:
        """The texts of what is in a `dl` of a class."""
        elements = iter(self.elements)
        for tag, attributes, _ in elements:
            if (tag, attributes.get("class")) == ("dl", name):
                break
        inside = takewhile(lambda element: element[0] in ("div", "dt", "dd", "small"), elements)
        return ["".join(text) for tag, _, text in inside if tag in ("dt", "dd")]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of all tables."""
        found: list[list[str]] = []
        for tag, _, text in self.elements:
            if tag == "tr":
                found.append([])
            elif tag in ("td", "bdi"):
                found[-1].append("".join(text))
        return found

    @property
    def charts(self) -> dict[str, Any]:
        (text,) = ["".join(text) for tag, attributes, text in self.elements if attributes.get("id") == "charts"]
        found: dict[str, Any] = json.loads(text)
        return found
