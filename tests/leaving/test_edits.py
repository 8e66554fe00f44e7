"""Edits take out what they name and nothing else, however it is written."""

import ast
import textwrap

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.leaving.python.removal import without_elements, without_names, without_statements
from cli.leaving.python.source import Source, elements, text_of
from cli.leaving.traces import Edit, edited


def test_equal_edits_are_one() -> None:
    assert edited("abcdef", [Edit(1, 3), Edit(1, 3), Edit(4, 5, "X")]) == "adXf"


def test_an_edit_within_another_goes_with_it() -> None:
    assert edited("abcdef", [Edit(2, 3, "X"), Edit(1, 5, "-")]) == "a-f"


def test_deletions_may_overlap() -> None:
    assert edited("abcdef", [Edit(0, 3), Edit(2, 4)]) == "ef"


def test_insertions_at_one_place_are_all_made() -> None:
    assert sorted(edited("ab", [Edit(1, 1, "x"), Edit(1, 1, "y")])) == sorted("axyb")


def test_an_insertion_beside_a_deletion_is_made() -> None:
    assert edited("abc", [Edit(1, 2), Edit(2, 2, "x")]) == "axc"
    assert edited("abc", [Edit(1, 1, "x"), Edit(1, 2)]) == "axc"


@pytest.mark.parametrize("edits", [[Edit(0, 3, "x"), Edit(2, 4, "y")], [Edit(0, 2, "x"), Edit(0, 2, "y")]])
def test_edits_that_contradict_each_other_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        edited("abcdef", edits)


BLANKS = st.sampled_from(["", " ", "\n    ", "\n", "  # why\n    ", "\n    # a word\n    ", "\r\n\t"])
GAPS = st.tuples(BLANKS, st.sampled_from(["", " "]), BLANKS)
"""Before an element, before its comma, behind it."""


@st.composite
def containers(draw: st.DrawFn) -> tuple[str, list[bool]]:
    """The text of a list, tuple or set, and which of its elements have to go."""
    doomed = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    opened, closed = draw(st.sampled_from([("[", "]"), ("(", ")"), ("{", "}")]))
    text = opened
    for place, _ in enumerate(doomed):
        before, blank, behind = draw(GAPS)
        is_last = place == len(doomed) - 1
        has_comma = not is_last or (opened == "(" and len(doomed) == 1) or draw(st.booleans())
        text += f"{before}'é{place}'{blank}{',' + behind if has_comma else ''}"
    return f"before = 1\nNAMES = {text}{draw(BLANKS)}{closed}  # kept\nafter = 2\n", doomed


def _value(text: str) -> object:
    statement = ast.parse(text).body[1]
    assert isinstance(statement, ast.Assign)
    return ast.literal_eval(statement.value)


@given(containers())
def test_elements_go_and_the_others_stay(case: tuple[str, list[bool]]) -> None:
    text, doomed = case
    source = Source("settings.py", text)
    container = source.every(cst.Assign)[1].value
    among = elements(container)
    gone = [each for each, goes in zip(among, doomed, strict=True) if goes]
    after = edited(text, without_elements(source, among, gone, is_tuple=isinstance(container, cst.Tuple)))
    before = _value(text)
    assert isinstance(before, list | tuple | set)
    names = {f"é{place}" for place, goes in enumerate(doomed) if goes}
    if isinstance(before, set) and len(names) == len(before):
        assert _value(after) == {}  # as nothing else can be written without a name
    else:
        assert _value(after) == type(before)(each for each in before if each not in names)
    assert after.startswith("before = 1\nNAMES = ")
    assert after.endswith("# kept\nafter = 2\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('A = [\n    "x",  # one\n    # about p\n    "p",  # two\n    "y",\n]\n',
         'A = [\n    "x",  # one\n    # about p\n    "y",\n]\n'),
        ('A = ["x", "p", "y"]\n', 'A = ["x", "y"]\n'),
        ('A = ["x", "p",\n     "y", "p"]\n', 'A = ["x",\n     "y"]\n'),
        ('A = ("p", "x")\n', 'A = ("x",)\n'),
        ('A = (\n    "x",\n    "p"\n)\n', 'A = (\n    "x",\n)\n'),
    ],
)  # fmt: skip
def test_what_stays_is_as_it_was_written(before: str, after: str) -> None:
    source = Source("settings.py", before)
    container = source.every(cst.Assign)[0].value
    gone = [each for each in elements(container) if isinstance(each, cst.Element) and text_of(each.value) == "p"]
    found = without_elements(source, elements(container), gone, is_tuple=isinstance(container, cst.Tuple))
    assert edited(before, found) == after


FUNCTIONS = """\
import os


@decorated
def first():
    return 1


def second():  # says two
    return 2


class Third:
    def only(self):
        return 3
"""


@given(st.sets(st.sampled_from(["first", "second", "only"])))
def test_functions_go_with_their_decorators(names: set[str]) -> None:
    source = Source("views.py", FUNCTIONS)
    functions = source.every(cst.FunctionDef)
    after = edited(FUNCTIONS, without_statements(source, [each for each in functions if each.name.value in names]))
    left = {node.name for node in ast.walk(ast.parse(after)) if isinstance(node, ast.FunctionDef)}
    assert left == {"first", "second", "only"} - names
    assert ("@decorated" in after) == ("first" not in names)
    assert "class Third:" in after
    assert "\n\n\n\n" not in after
    assert not after.endswith("\n\n")


@pytest.mark.parametrize("gone", range(8))
def test_names_go_out_of_an_import(gone: int) -> None:
    names = ["Counter", "Gauge as G", "Histogram"]
    doomed = [bool(gone >> place & 1) for place in range(3)]
    kept = [name for name, goes in zip(names, doomed, strict=True) if not goes]
    for form in ("from m import {}", "from m import (\n    {},\n)", "from m import (  # noqa\n    {}\n)"):
        joined = ",\n    ".join(names) if "\n" in form else ", ".join(names)
        text = f"import os\n{form.format(joined)}\nimport sys\n"
        source = Source("a.py", text)
        statement = source.every(cst.ImportFrom)[0]
        assert not isinstance(statement.names, cst.ImportStar)
        aliases = [each for each, goes in zip(statement.names, doomed, strict=True) if goes]
        after = ast.parse(edited(text, without_names(source, statement, aliases) if aliases else ()))
        found = [ast.unparse(alias) for each in after.body if isinstance(each, ast.ImportFrom) for alias in each.names]
        assert found == kept
        assert [type(each) for each in after.body] == [ast.Import, *([ast.ImportFrom] if kept else []), ast.Import]


def test_an_import_beside_other_statements_leaves_them() -> None:
    text = "def f():\n    import m; return 3\n"
    source = Source("a.py", text)
    statement = source.every(cst.Import)[0]
    after = edited(text, without_names(source, statement, statement.names))
    assert "return 3" in after
    assert "import" not in after
    ast.parse(after)


def test_names_are_known_through_imports() -> None:
    source = Source(
        "shop/views.py",
        textwrap.dedent("""\
            import prometheus_client as client
            from prometheus_client import Counter as C
            from .metrics import ORDERS
            from collections import Counter
            a = client.Gauge; b = C; c = ORDERS; d = Counter
            """),
    )
    values = [source.names(each.value) for each in source.every(cst.Assign)]
    assert values == [
        {"prometheus_client.Gauge"},
        {"prometheus_client.Counter"},
        {".metrics.ORDERS"},
        {"collections.Counter"},
    ]
    assert source.absolute(".metrics.ORDERS") == "shop.metrics.ORDERS"
    assert Source("shop/__init__.py", "").absolute(".metrics") == "shop.metrics"
    assert Source("shop/api/views.py", "").absolute("..metrics.X") == "shop.metrics.X"
