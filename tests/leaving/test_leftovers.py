"""Imports of whatever else that nothing uses once a change has taken out what did."""

import ast
from pathlib import Path

import pytest

from cli.leaving.audit import audit
from cli.leaving.project import read
from cli.leaving.traces import Kind, edited

BEFORE = "import os\n\nfrom django.conf import settings\n\nPAGES = [os.sep]\n"


def left(folder: Path, before: str, after: str, **others: str) -> str:
    """What is left of a file that a change has made of another."""
    for path, text in {"pages.py": before, **{f"{name}.py": text for name, text in others.items()}}.items():
        (folder / path).write_text(text)
    project = read(folder).with_texts({"pages.py": after})
    traces = [trace for trace in audit(project).traces if trace.kind is Kind.UNUSED_IMPORT]
    text = edited(after, [edit for trace in traces for edit in trace.edits])
    ast.parse(text)
    return text


def test_what_the_change_has_left_over_goes_and_what_nobody_used_before_stays(tmp_path: Path) -> None:
    after = BEFORE.replace("os.sep", "")
    assert left(tmp_path, BEFORE, after) == "from django.conf import settings\n\nPAGES = []\n"


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ("from a import b, c, d", "from a import c, d"),
        ("from a import x as b, c, d", "from a import c, d"),
        ("from .a import (\n    b,\n    c,\n    d,\n)", "from .a import (\n    c,\n    d,\n)"),
        ("import b, c, d", "import c, d"),
    ],
)
def test_names_beside_it_stay(tmp_path: Path, imported: str, expected: str) -> None:
    before, after = f"{imported}\n\nUSED = b, c, d\n", f"{imported}\n\nUSED = c, d\n"
    assert left(tmp_path, before, after) == f"{expected}\n\nUSED = c, d\n"


@pytest.mark.parametrize(
    "kept",
    [
        "import os  # noqa: F401\n\nPAGES = []\n",
        'import os\n\n__all__ = ["os"]\nPAGES = []\n',
        "import os\n\nPAGES = [os.path]\n",
        "try:\n    import os\nexcept ImportError:\n    os = None\n\nPAGES = []\n",
    ],
)
def test_what_may_be_wanted_stays(tmp_path: Path, kept: str) -> None:
    assert left(tmp_path, kept.replace("PAGES = [", "PAGES = [os.sep, "), kept) == kept


@pytest.mark.parametrize(
    "taken", ["from pages import os\n", "import pages\n\nprint(pages.os)\n", "from pages import *\n"]
)
def test_what_another_module_takes_from_there_stays(tmp_path: Path, taken: str) -> None:
    after = BEFORE.replace("os.sep", "")
    assert left(tmp_path, BEFORE, after, others=taken) == after


def test_a_file_that_is_not_changed_has_none(tmp_path: Path) -> None:
    assert left(tmp_path, "import os\n", "import os\n") == "import os\n"
