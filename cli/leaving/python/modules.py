"""The Python files of a project, parsed where something in them may matter."""

import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache

import libcst as cst

from ..project import Project
from .source import Source

Tell = Callable[[int, int], None]

OURS = ("django_prometheus", "prometheus_client", "PROMETHEUS_")
"""A file without any of these has traces only where it uses what another file defines."""


@lru_cache(2048)  # a migration looks at most files in each round, and changes few
def _parsed(path: str, text: str) -> Source | None:
    try:
        source = Source(path, text)
        return source if source.module.code == text else None  # or places in the text would be wrong
    except (cst.ParserSyntaxError, UnicodeError, RecursionError):
        return None


class Modules:
    """Parsed on demand, each once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.paths = tuple(path for path in project.texts if path.endswith(".py"))

    def source(self, path: str) -> Source | None:
        """None where it is no Python of today; what it mentions is found all the same, as text."""
        return _parsed(path, self.project.texts[path])

    def parse(self, tell: Tell) -> None:
        """Ahead of the finders, what most of them ask for: done and in all, in files."""
        paths = [path for path in self.paths if any(word in self.project.texts[path] for word in OURS)]
        for done, path in enumerate(paths, 1):
            self.source(path)
            tell(done, len(paths))

    def containing(self, *words: str) -> Iterator[Source]:
        """Files in whose text one of the words stands, as a word."""
        pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}" for word in words))
        for path in self.paths:
            text = self.project.texts[path]
            if any(word in text for word in words) and pattern.search(text) and (source := self.source(path)):
                yield source

    @cached_property
    def _by_dotted(self) -> dict[str, list[str]]:
        """Paths by each way to import them: src/shop/models.py is src.shop.models, shop.models and models."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            for start in range(len(parts)):
                found.setdefault(".".join(parts[start:]), []).append(path)
        return found

    def path_of(self, dotted: str) -> str | None:
        """The file of a module, if there is exactly one that fits; of several, the one nearest to the root."""
        paths = sorted(self._by_dotted.get(dotted, []), key=lambda path: path.count("/"))
        if not paths or (len(paths) > 1 and paths[0].count("/") == paths[1].count("/")):
            return None
        return paths[0]

    def defining(self, name: str) -> tuple[str, str] | None:
        """Of an absolute dotted name, the file that it leads to and what is named in it: shop.metrics.ORDERS.inc."""
        parts = name.split(".")
        for place in range(len(parts) - 1, 0, -1):
            path = self.path_of(".".join(parts[:place]))
            if path is not None:
                return path, ".".join(parts[place:])
        return None
