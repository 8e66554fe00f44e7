"""Where in a TOML document each thing stands, and what is wrong with it.

tomllib says what a document holds, but not where. So this looks through the text of a document that tomllib has read,
and notes the line of each key and each element: by its path, such as ("metric", 0, "labels", "status").
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NoReturn

from .errors import ConfigError

Path = tuple[str | int, ...]
_TOKEN = re.compile(
    r"""(?P<blank> [ \t\r]+ | \#[^\n]* )
    | (?P<text> "{3} (?:\\.|[^\\])*? "{3,5} | '{3} .*? '{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<other> [^\s\[\]{}=,.\#"']+ | . )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` is 0 where there is none."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.message}"


class DeclarationError(ConfigError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Origin:
    """A document: its name, where things stand in it, and what was found wrong so far."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name, self._text = name, text
        self.problems: list[Problem] = []

    @cached_property
    def _lines(self) -> dict[Path, int]:
        return lines_of(self._text)

    def problem(self, message: str, path: Path = ()) -> Problem:
        """At the line of what stands at `path`, or of what is nearest around it; the message is one line."""
        places = (path[:length] for length in range(len(path), 0, -1))
        line = next((self._lines[place] for place in places if place in self._lines), 0)
        return Problem(self.name, line, "".join(c if c.isprintable() else repr(c)[1:-1] for c in message))

    def fail(self, message: str, path: Path = ()) -> NoReturn:
        raise DeclarationError(self.problem(message, path))

    def note(self, message: str, path: Path = ()) -> None:
        self.problems.append(self.problem(message, path))

    @contextmanager
    def noting(self) -> Iterator[None]:
        """What fails in it is noted, and what stands after it goes on."""
        try:
            yield
        except DeclarationError as exc:
            self.problems.append(exc.problem)

    def settle(self) -> None:
        """Raises the first problem that was noted."""
        if self.problems:
            raise DeclarationError(self.problems[0])


def suggestion(name: object, known: Iterable[str]) -> str:
    """What to add to a message about an unknown name: the known one that is most like it."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def lines_of(text: str) -> dict[Path, int]:
    """Of a valid document: the line, from 1, of each table, key and element."""
    return _Scan(text).lines


class _Scan:
    """Goes through a document once, token by token."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}
        """Of each array of tables the place of the last."""
        self._tokens = list(_tokens(text))
        self._at = 0
        table: Path = ()
        while self._skip_newlines():
            table = self._header() if self._take("[") else self._pair(table)

    @property
    def _next(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, wanted: str) -> bool:
        """Go past the next token if it is this one."""
        is_wanted = self._next == wanted
        self._at += is_wanted
        return is_wanted

    def _skip_newlines(self) -> bool:
        """Whether there is anything after them."""
        while self._take("\n"):
            pass
        return bool(self._next)

    def _note(self, path: Path, line: int | None = None) -> Path:
        self.lines.setdefault(path, line or self._tokens[self._at][1])
        return path

    def _keys(self, end: str) -> list[str]:
        """A dotted key, to what ends it."""
        keys = []
        while not self._take(end):
            if not self._take("."):
                keys.append(_unquoted(self._next))
                self._at += 1
        return keys

    def _header(self) -> Path:
        line = self._tokens[self._at][1]
        is_array = self._take("[")
        path: Path = ()
        for key in self._keys("]"):
            path = self._note((*self._last(path), key), line)
        if is_array:
            self._take("]")
            self._tables[path] = self._tables.get(path, -1) + 1
        return self._note(self._last(path), line)

    def _last(self, path: Path) -> Path:
        """Of an array of tables, that which is being told of."""
        return (*path, self._tables[path]) if path in self._tables else path

    def _pair(self, table: Path) -> Path:
        """A key and its value; gives the table again."""
        line, path = self._tokens[self._at][1], table
        for key in self._keys("="):
            path = self._note((*path, key), line)
        self._value(path)
        return table

    def _value(self, path: Path) -> None:
        if self._take("["):
            number = 0
            while self._skip_newlines() and not self._take("]"):
                if self._take(","):
                    number += 1
                else:
                    self._value(self._note((*path, number)))
        elif self._take("{"):
            while self._skip_newlines() and not self._take("}"):
                if not self._take(","):
                    self._pair(path)
        else:
            while self._next not in ("\n", ",", "]", "}", ""):  # a time may hold a blank, a number a dot
                self._at += 1


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Without blanks and comments; each with its line, and one without text at the end."""
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "blank":
            yield match[0], line
        line += match[0].count("\n")
    yield "", line


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[0] in "\"'" else key
