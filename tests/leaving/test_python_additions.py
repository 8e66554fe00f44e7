"""logemit's lines in the settings."""

from typing import Any

import pytest

from cli.leaving.traces import Stage

from .pieces import left_of

MIDDLEWARE = "logemit.middleware.EventMiddleware"


def added(text: str, path: str = "shop/settings.py", **others: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(left_of({path: text, **others}, Stage.LOGEMIT)[path], names)
    return names


@pytest.mark.parametrize(
    "text",
    [
        'INSTALLED_APPS = ["a"]\nMIDDLEWARE = ["b"]\n',
        'INSTALLED_APPS = ("a",)\nMIDDLEWARE = ("b",)\n',
        'INSTALLED_APPS = ["a"] + []\nMIDDLEWARE = tuple(["b"])',
        'INSTALLED_APPS: list[str] = list(("a",))\r\nMIDDLEWARE = list(["b"])\r\n',
        'def f(*names): return names\nINSTALLED_APPS = f("a")\nMIDDLEWARE = f("b")\n',
        'if 1:\n    INSTALLED_APPS, MIDDLEWARE = ["a"], ["b"]\nINSTALLED_APPS = ["a"]\nMIDDLEWARE = ["b"]\n',
        'if 1:\n    INSTALLED_APPS = ["a"]\nelse:\n    INSTALLED_APPS = ()\nMIDDLEWARE = ["b"]\n',
    ],
)
def test_both_are_added_once(text: str) -> None:
    names = added(text)
    assert list(names["INSTALLED_APPS"]) == ["a", "logemit"]
    assert list(names["MIDDLEWARE"]) == [MIDDLEWARE, "b"]


@pytest.mark.parametrize("brackets", ["[]", "()"])
def test_what_later_files_do_with_them_still_works(brackets: str) -> None:
    before, after = brackets[0], brackets[1]
    base = f'INSTALLED_APPS = {before}"a",{after}\nMIDDLEWARE = {before}"b",{after}\n'
    local = f'INSTALLED_APPS = INSTALLED_APPS + {before}"c",{after}\nMIDDLEWARE += {before}"d",{after}\n'
    texts = {"shop/settings/base.py": base, "shop/settings/local.py": f"from .base import *\n{local}"}
    left = left_of(texts, Stage.LOGEMIT)
    assert left["shop/settings/local.py"] == texts["shop/settings/local.py"]
    names: dict[str, Any] = {}
    exec(left["shop/settings/base.py"] + local, names)
    assert list(names["INSTALLED_APPS"]) == ["a", "logemit", "c"]
    assert list(names["MIDDLEWARE"]) == [MIDDLEWARE, "b", "d"]


def test_a_module_that_begins_anew_has_them_too_but_not_that_of_tests() -> None:
    text = 'INSTALLED_APPS = ["a"]\n'
    paths = ("shop/settings/base.py", "shop/settings/prod.py", "shop/settings/test.py", "tests/other.py")
    left = left_of(dict.fromkeys(paths, text), Stage.LOGEMIT)
    assert [path for path in paths if "logemit" in left[path]] == ["shop/settings/base.py", "shop/settings/prod.py"]


@pytest.mark.parametrize("there", ["logemit", "logemit.apps.LogemitConfig"])
def test_what_is_there_is_not_added_again(there: str) -> None:
    names = added(f'INSTALLED_APPS = ["{there}"]\nMIDDLEWARE = ["b", "{MIDDLEWARE}"]\n')
    assert (names["INSTALLED_APPS"], names["MIDDLEWARE"]) == ([there], ["b", MIDDLEWARE])


def test_no_settings_no_lines() -> None:
    texts = {"shop/apps.py": "INSTALLED = []\n", "shop/views.py": 'print("INSTALLED_APPS")\n'}
    assert left_of(texts, Stage.LOGEMIT) == texts
