"""Variables and folders of the processes' files in YAML: compose, Kubernetes, CI, values of charts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..traces import Kind, Stage, Trace, shown
from .commands import advice, variable_kind, woven
from .packages import package, package_of_module
from .surroundings import LOCKS, MULTIPROCESS, VARIABLE, Reasons, Surroundings
from .yaml_places import Entry, documents, without_entries

_VARIABLE = re.compile(rf"({VARIABLE})(?:\s*=.*)?", re.DOTALL)
_REQUIRING = re.compile(r"(?:conda|environment|meta)[^/]*\.ya?ml|\.pre-commit-config\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    stage: Stage
    subject: str
    kept: Reasons


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in yaml_files(around):
        if not around.may_matter(text):
            continue
        for every in documents(text):
            found = {
                **_variables(around, every),
                **_folders(around, every),
                **(_requirements(around, every) if _REQUIRING.fullmatch(PurePosixPath(path).name) else {}),
            }
            yield from _traces(path, text, every, found)
            yield from _in_commands(around, path, text, every, {entry.line for entry in found})


def _in_commands(
    around: Surroundings, path: str, text: str, every: Sequence[Entry], claimed: set[int]
) -> Iterator[Trace]:
    for entry in every:
        if entry.value and not entry.is_alias and {"command", "entrypoint", "args"} & set(entry.path):
            span = (int(entry.node.start_mark.index), int(entry.node.end_mark.index))
            yield from woven(around, path, text, span, claimed)


def yaml_files(around: Surroundings) -> Iterator[tuple[str, str]]:
    for path, text in around.project.texts.items():
        if path.endswith((".yml", ".yaml")) and PurePosixPath(path).name not in LOCKS:
            yield path, text


def _traces(path: str, text: str, every: Sequence[Entry], found: dict[Entry, _Found]) -> Iterator[Trace]:
    edits = without_entries(text, every, [entry for entry, each in found.items() if not each.kept])
    for entry, each in found.items():
        line = entry.line
        is_left = not each.kept and not edits.get(entry)
        yield Trace(
            *(path, line, each.kind, each.stage, shown(text, line), advice(each.kind)),
            subject=each.subject,
            edits=() if each.kept or is_left else edits[entry],
            doubt="what is around it has to be changed along with it" if is_left else each.kept.doubt,
            waits=each.kept.waits,
            last_line=_last_line(text, entry),
        )


def _last_line(text: str, entry: Entry) -> int:
    end = entry.node.end_mark
    last = int(end.line) + (1 if end.column else 0)
    return max(entry.line, last) if not entry.is_alias else entry.line


def _variables(around: Surroundings, every: Sequence[Entry]) -> dict[Entry, _Found]:
    found = {}
    for entry in every:
        name = _variable(entry)
        if name and around.is_ours(name):
            found[entry] = _Found(variable_kind(name), Stage.SETTINGS, name, around.why_kept(name))
    return found


def _variable(entry: Entry) -> str:
    """`NAME: value`, `- NAME=value`, or `- name: NAME`."""
    if isinstance(entry.path[-1], str):
        is_name = re.fullmatch(VARIABLE, entry.path[-1]) and not entry.child("name")
        return entry.path[-1] if is_name and (entry.value or not entry.node.value or entry.is_alias) else ""
    match = _VARIABLE.fullmatch(entry.value or entry.child("name"))
    return match[1] if match else ""


def _folders(around: Surroundings, every: Sequence[Entry]) -> dict[Entry, _Found]:
    """Mounts of the folder, and the volumes that nothing else mounts."""
    mounts = {entry: name for entry in every if (name := _mounted(entry, around.folders)) is not None}
    names = {name for name in mounts.values() if name}
    kept = {_source(entry) for entry in every if entry not in mounts}
    volumes = [entry for entry in every if _defined(entry) in names - kept]
    here = _Found(Kind.MULTIPROCESS, Stage.SETTINGS, MULTIPROCESS, Reasons(around.folder_needed()))
    return dict.fromkeys([*mounts, *volumes], here)


def _mounted(entry: Entry, folders: frozenset[str]) -> str | None:
    """The volume that is mounted at one of these folders, empty where it has no name; None for anything else."""
    if "tmpfs" in entry.path[-2:] and entry.value.partition(":")[0].rstrip("/") in folders:
        return ""
    if "volumes" in entry.path[-2:-1] and entry.value:
        return _source(entry) if any(part.rstrip("/") in folders for part in entry.value.split(":")[:2]) else None
    at = entry.child("mountPath") or entry.child("target")
    return _source(entry) if at.rstrip("/") in folders and isinstance(entry.path[-1], int) else None


def _source(entry: Entry) -> str:
    """The volume that something mounts, empty for a folder of the machine's."""
    if isinstance(entry.path[-1], int) and entry.path[-2:-1] in {("volumes",), ("volumeMounts",)}:
        is_kubernetes = entry.path[-2] == "volumeMounts"
        source = entry.value.partition(":")[0] if entry.value else entry.child("name" if is_kubernetes else "source")
        return source if re.fullmatch(r"[\w.-]+", source) and not source.startswith(".") else ""
    return ""


def _defined(entry: Entry) -> str:
    """The name of a volume where it is set up."""
    if entry.path[:-1] == ("volumes",) and isinstance(entry.path[-1], str):
        return entry.path[-1]  # of compose
    is_kubernetes = isinstance(entry.path[-1], int) and entry.path[-2:-1] == ("volumes",) and "spec" in entry.path
    return entry.child("name") if is_kubernetes else ""


def _requirements(around: Surroundings, every: Sequence[Entry]) -> dict[Entry, _Found]:
    """Of conda, and of pre-commit's own environments."""
    found = {}
    for entry in every:
        name = package(entry.value) if isinstance(entry.path[-1], int) and entry.value else None
        if name and package_of_module(entry.value) in {None, name}:
            found[entry] = _Found(Kind.DEPENDENCY, Stage.DEPENDENCIES, name, Reasons(around.needs(name)))
    return found
