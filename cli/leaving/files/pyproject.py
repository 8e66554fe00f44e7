"""Dependencies and the tools' words about them in pyproject.toml, and those of a Pipfile."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ..traces import Edit, Kind, Stage, Trace, edited, line_of, shown
from .lines import whole_lines, without_items
from .packages import package, package_of_module
from .surroundings import Surroundings
from .toml_places import Path, Place, places, without

_TOOLS = frozenset(
    "poetry pdm uv hatch pixi flit rye deptry ruff isort mypy pyright basedpyright pylint conda conda-lock".split()
)
_MOST = 1 << 16
"""Characters: what is larger is written by a tool, or by somebody who wants to keep us busy."""
_ADVICE = {Kind.DEPENDENCY: "take the requirement out", Kind.MENTION: "take it out of the tool's settings"}


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        if (
            PurePosixPath(path).name in {"pyproject.toml", "Pipfile", "ruff.toml", ".ruff.toml", "uv.toml"}
            and len(text) < _MOST
        ):
            try:
                yield from _in_file(around, path, text, tomllib.loads(text))
            except (ValueError, IndexError, RecursionError):
                continue


def _in_file(around: Surroundings, path: str, text: str, data: dict[str, Any]) -> Iterator[Trace]:
    found = list(places(text))
    ours = _overrides(found)
    whole = {table.path for table in ours}
    for place in found:
        name = _package(path, place)
        if name is not None and place.path[:4] not in whole:
            ours[place] = name
    doomed = {place for place, name in ours.items() if not around.needs(name)}
    edits = _edits(text, found, doomed)
    is_sure = _is_sure(text, data, doomed, edits)
    for place, name in ours.items():
        kind = Kind.DEPENDENCY if _is_requirement(path, place) else Kind.MENTION
        waits = around.needs(name)
        doubt = "" if waits or is_sure else "its place in the file could not be made sure of"
        line, last = line_of(text, place.start), line_of(text, place.end - 1)
        yield Trace(
            *(path, line, kind, Stage.DEPENDENCIES, shown(text, line), _ADVICE[kind]),
            subject=name,
            edits=() if waits or doubt else edits[place],
            doubt=doubt,
            waits=waits,
            last_line=last,
        )


def _package(path: str, place: Place) -> str | None:
    """What a place is about, if the whole of it may go."""
    if place.path[:1] == ("tool",) and place.path[1:2] and place.path[1] not in _TOOLS:
        return None
    last = place.path[-1]
    if isinstance(last, int):
        value = place.value or ""
        if place.path[:2] == ("project", "keywords"):
            return None
        return package_of_module(value) or package(value)
    is_list_of_names = path.endswith("Pipfile") or place.path[:1] == ("tool",)
    return package(last) if is_list_of_names and len(place.path) > 1 else None


def _is_requirement(path: str, place: Place) -> bool:
    names = {part for part in place.path if isinstance(part, str)}
    if path.endswith("Pipfile") or place.path[0] in {"project", "dependency-groups", "build-system"}:
        return True
    return any("dependenc" in name or name in {"sources", "requires", "extras"} for name in names)


def _overrides(found: list[Place]) -> dict[Place, str]:
    """Whole tables of mypy's that are about nothing else."""
    names: defaultdict[Path, list[str | None]] = defaultdict(list)
    for each in found:
        if each.value is not None and each.path[:3] == ("tool", "mypy", "overrides") and each.path[4:5] == ("module",):
            names[each.path[:4]].append(package_of_module(each.value))
    return {
        table: str(names[table.path][0])
        for table in found
        if table.is_table and table.path in names and all(names[table.path])
    }


def _edits(text: str, found: list[Place], doomed: set[Place]) -> dict[Place, tuple[Edit, ...]]:
    edits: dict[Place, tuple[Edit, ...]] = {}
    siblings: defaultdict[Path, list[Place]] = defaultdict(list)
    for place in found:
        siblings[place.path[:-1]].append(place)
    values = {place.path for place in found if not place.is_table}
    for above, among in siblings.items():
        marked = {number for number, each in enumerate(among) if each in doomed}
        if not marked:
            continue
        if any(above[:length] in values for length in range(1, len(above) + 1)):  # a list or an inline table
            made = without_items(text, [(each.start, each.end) for each in among], marked)
            edits |= {among[number]: made for number in marked}
        else:
            edits |= {each: (whole_lines(text, each.start, each.end),) for each in among if each in doomed}
    return edits


def _is_sure(text: str, data: Any, doomed: set[Place], edits: dict[Place, tuple[Edit, ...]]) -> bool:
    """Whether the edits take out what they are to, and nothing else: tomllib tells."""
    try:
        after = tomllib.loads(edited(text, [edit for each in edits.values() for edit in each]))
    except ValueError:
        return False
    wanted = without(data, {place.path for place in doomed})
    return bool(_pruned(after) == _pruned(wanted))


def _pruned(data: Any) -> Any:
    """Without empty tables: one of which nothing is left has no header any more."""
    if isinstance(data, dict):
        kept = {key: _pruned(value) for key, value in data.items()}
        return {key: value for key, value in kept.items() if value != {}}
    return [_pruned(each) for each in data] if isinstance(data, list) else data
