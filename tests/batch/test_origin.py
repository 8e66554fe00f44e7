"""Where in a TOML document each thing stands: documents whose values say on which line they are."""

import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import ConfigError
from aggregator.origin import Origin, Path, lines_of, suggestion
from tests.scale import scaled

NOISE = ("", "", "  # [[m]]\n", "\n", ' # a = """ \'\n\t', "\r\n")


class Document:
    """Random tables, keys and values. A number is its line; a text begins with it; `header` is that of its table."""

    def __init__(self, rng: random.Random) -> None:
        self._rng, self.text, self._keys = rng, "", 0
        for _ in range(rng.randrange(3)):
            self._pair()
        self._add("[[m]]")
        for _ in range(rng.randrange(8)):
            new = self._key()
            self._add(rng.choice(["[[m]]", "[['m']] # [x]", f"[t{new}]", "[[ m . deep ]]", f"[m.u{new}]"]))

    def _add(self, header: str) -> None:
        line = self._line()
        self.text += f"{header}\nheader = {line}\n"
        for _ in range(self._rng.randrange(4)):
            self._pair()

    def _line(self) -> int:
        return self.text.count("\n") + 1

    def _key(self) -> str:
        self._keys += 1
        return f"{self._keys}"

    def _pair(self) -> None:
        key = self._key()
        forms = [f"k-{key}", f'"k {key}"', f"'k.{key}'", f'"\\u006b\\t{key}"', f"a{key}.b . 'c.d'", f"3.{key}"]
        self.text += f"{self._rng.choice(['', '  '])}{self._rng.choice(forms)} = "
        self._value(2)
        self.text += self._rng.choice(["\n", "\n\n# [[m]] x = 1\n", ' # """\n', "\r\n"])

    def _value(self, depth: int) -> None:
        kinds = ["number", "text", "time", *(["list", "table"] if depth else [])]
        line = self._line()
        match self._rng.choice(kinds):
            case "number":
                self.text += f"{line}"
            case "text":
                texts = [f'"{line} \\" [ # ="', f"'{line} \" \\'", f'"""{line} "" \\""" \n[[m]]\nx = [1] # """"']
                texts += [f"'''{line} '' \n[m] \"\"\" = ,\n'''", f"'''{line} \\'''''"]
                self.text += self._rng.choice(texts)
            case "time":
                self.text += f"{{ at = 1979-05-27 07:32:00.5, line = {line} }}"
            case "list":
                self.text += "["
                for _ in range(self._rng.randrange(4)):
                    self.text += self._rng.choice(NOISE)
                    self._value(depth - 1)
                    self.text += self._rng.choice(NOISE) + "," + self._rng.choice(NOISE)
                self.text += "]"
            case "table":
                self.text += "{"
                for number in range(self._rng.randrange(3)):
                    self.text += f"{', ' if number else ' '}i{self._key()} = "
                    self._value(depth - 1)
                self.text += "}"


def stated(value: Any, path: Path = ()) -> Iterator[tuple[Path, int]]:
    """What the values say of their lines."""
    if isinstance(value, dict):
        if "header" in value:
            yield path, value["header"]
        for key, each in value.items():
            if key not in ("header", "at"):
                yield from stated(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from stated(each, (*path, place))
    else:
        yield path, int(str(value).split()[0])


@given(st.integers(0, 2**32))
@settings(max_examples=scaled(100, 300, 300), deadline=None)
def test_each_value_is_found_on_its_line(seed: int) -> None:
    text = Document(random.Random(seed)).text
    lines = lines_of(text)
    for path, line in stated(tomllib.loads(text)):
        assert lines[path] == line, f"{path} of\n{text}"


def test_a_place_without_a_line_is_that_around_it() -> None:
    origin = Origin("f.toml", 'a = 1\n[[m]]\nlabels = [\n  "x",\n]\n')
    assert str(origin.problem("bad", ("m", 0, "labels", 0))) == "f.toml:4: bad"
    assert str(origin.problem("bad", ("m", 0, "labels", 7))) == "f.toml:3: bad"
    assert str(origin.problem("bad", ("m", 0, "nothing"))) == "f.toml:2: bad"
    assert str(origin.problem("bad", ("nothing",))) == "f.toml: bad"


def test_what_fails_is_noted_and_the_rest_goes_on() -> None:
    origin = Origin("f.toml", "\n\na = 1")
    for name in ("a", "b"):
        with origin.noting():
            origin.fail(f"bad {name}", (name,))
    assert [str(problem) for problem in origin.problems] == ["f.toml:3: bad a", "f.toml: bad b"]
    with pytest.raises(ConfigError, match=r"^f\.toml:3: bad a$"):
        origin.settle()
    Origin("f.toml").settle()


def test_the_name_that_is_most_like_it_is_suggested() -> None:
    assert suggestion("prodct", ["severity", "product"]) == "; did you mean 'product'?"
    assert suggestion("nothing", ["severity", "product"]) == ""
    assert suggestion(5, []) == ""
