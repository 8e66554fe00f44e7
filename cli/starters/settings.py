"""The diff that puts logemit into Django's settings. These are read as a syntax tree, and never imported or written."""

import ast
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from pathlib import Path

from aggregator.errors import InputError, UsageError

_MIDDLEWARE = "logemit.middleware.EventMiddleware"
_WANTED = {"INSTALLED_APPS": "logemit", "MIDDLEWARE": _MIDDLEWARE}
_ADDED = {"INSTALLED_APPS": '[*INSTALLED_APPS, "logemit"]', "MIDDLEWARE": f'["{_MIDDLEWARE}", *MIDDLEWARE]'}


def diff_of(path: Path) -> str:
    """ "" where nothing is missing. Raises InputError, UsageError."""
    try:
        text = path.read_bytes().decode("utf-8")
        tree = ast.parse(text)
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: cannot be read: {getattr(exc, 'strerror', None) or exc}") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise UsageError(f"{path}: is no Python: {exc}; name the settings' file") from None
    return _diff(text, tree, str(path))


def example() -> str:
    """Where no settings are named: lines for their end."""
    return "".join(f"{line}\n" for line in _lines_of(_WANTED))


def _diff(text: str, tree: ast.Module, name: str) -> str:
    before = [f"{line}\n" for line in text.split("\n")]
    before[-1] = before[-1][:-1]  # of a file that ends as it should, nothing
    before = [line for line in before if line]
    missing = {setting for setting, wanted in _WANTED.items() if not _holds(tree, setting, wanted)}
    if not missing:
        return ""
    after = list(before)
    lists = [(setting, found) for setting in missing if (found := _list(tree, setting)) is not None]
    for setting, found in sorted(lists, key=lambda each: -each[1].lineno):  # upwards: what is above does not move
        if _insert(after, found, setting):
            missing.remove(setting)
    if missing and after and not after[-1].endswith("\n"):
        after[-1] += "\n"
    after += [f"{line}\n" for line in _lines_of(missing)]
    shown = name.removeprefix("/")
    found_lines = unified_diff(before, after, f"a/{shown}", f"b/{shown}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found_lines)


def _lines_of(names: Iterable[str]) -> Iterator[str]:
    return (f"{name} = {_ADDED[name]}" for name in sorted(names))


def _holds(tree: ast.Module, setting: str, wanted: str) -> bool:
    """Whether the text stands anywhere in what is said of a setting."""
    about = (node for node in tree.body if any(isinstance(n, ast.Name) and n.id == setting for n in ast.walk(node)))
    return any(isinstance(n, ast.Constant) and n.value == wanted for node in about for n in ast.walk(node))


def _list(tree: ast.Module, setting: str) -> ast.List | None:
    """The only list it is set to, with an element on each line."""
    found = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == setting for t in node.targets)
    ]
    if len(found) != 1 or not isinstance(found[0], ast.List) or not found[0].elts:
        return None
    only = found[0]
    starts = [element.lineno for element in only.elts]
    is_spread = len(set(starts)) == len(starts) and starts[0] > only.lineno
    return only if is_spread and only.end_lineno != only.elts[-1].end_lineno else None


def _insert(lines: list[str], place: ast.List, setting: str) -> bool:
    """As first of the middlewares, as last of the apps."""
    first, last = place.elts[0], place.elts[-1]
    indent = " " * first.col_offset
    assert last.end_lineno is not None
    if setting == "MIDDLEWARE":
        lines.insert(place.lineno, f'{indent}"{_MIDDLEWARE}",\n')
        return True
    rest = lines[last.end_lineno - 1].encode()[last.end_col_offset or 0 :].decode()
    if not rest.lstrip().startswith(","):
        return False
    lines.insert(last.end_lineno, f'{indent}"logemit",\n')
    return True
