"""The requirement of logemit, beside what it comes in place of and written as that is."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import libcst as cst

from ..project import Project
from ..python.source import Source, elements, text_of
from ..traces import Edit, Stage, Trace, line_start
from .images import is_image
from .lines import joined_lines
from .packages import PACKAGES, canonical
from .requirements import compiled_by, is_requirements
from .toml_places import places
from .yaml_places import documents

_ASKED = re.compile(r"\blogemit\b")
_INSTALLED = re.compile(r"(?m)(?:^|[\s\"'])logemit(?![\w./-])")
_PINNED = re.compile(r"[=<>~^]")
_LISTS = (
    *(("project", "dependencies"), ("project", "optional-dependencies"), ("dependency-groups",)),
    *(("tool", "pdm", "dev-dependencies"), ("tool", "uv", "dev-dependencies"), ("tool", "hatch", "envs")),
)
_ENVIRONMENT = re.compile(r"(?:conda|environment)[^/]*\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Required:
    """A requirement where it stands. `before`: where the element before it ends, in a list that has one on its line."""

    path: str
    name: str
    written: str
    start: int
    form: str  # line, list or key
    before: int | None = None

    def beside(self, text: str, edits: Sequence[Edit]) -> Edit:
        """`edits`: what else is done to the text. It stands before what they take out."""
        from logemit import __version__

        is_pinned = bool(_PINNED.search(self.written))
        quote = text[self.start] if text[self.start] in "\"'" else ""
        wanted = f"{quote}logemit{f'>={__version__}' if is_pinned else ''}{quote}"
        line = line_start(text, self.start)
        indent = text[line : self.start]
        is_own_line = self.form != "list" or not indent.strip()
        place = line if is_own_line else self.start if self.before is None else self.before
        covering = next((edit for edit in edits if edit.start <= place < edit.end), None)
        place = covering.start if covering else place
        if is_own_line and place == line_start(text, place):
            key = f'logemit = "{f">={__version__}" if is_pinned else "*"}"'
            item = {"key": key, "list": f"{wanted},"}.get(self.form, wanted)
            return Edit(place, place, f"{indent}{item}{_line_end(text)}")
        if text[:place].rstrip()[-1:] in {"[", "("}:
            behind = text[covering.end if covering else place]
            return Edit(place, place, wanted if behind in "])" else f"{wanted}, ")
        return Edit(place, place, f", {wanted}")


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def requirements(project: Project, stage: Stage, traces: Sequence[Trace]) -> Iterator[tuple[str, Edit]]:
    """Once: in the first stage whose edits use logemit, at the latest with the stage `dependencies`.

    `traces` are those whose edits the stage makes. Without a requirement to stand beside, it comes beside Django's.
    """
    is_used = any(_ASKED.search(edit.text) for trace in traces for edit in trace.edits)
    if not is_used and stage not in {Stage.DEPENDENCIES, Stage.LOGEMIT}:
        return
    found = [each for path, text in project.texts.items() for each in _in_file(path, text)]
    if any(each.name == "logemit" for each in found) or _is_installed(project):
        return
    wanted = [*PACKAGES, "django"] if is_used or stage is Stage.LOGEMIT else PACKAGES
    for name in wanted:
        files = {each.path: each for each in reversed(found) if each.name == name}
        if files:
            for path, each in files.items():
                edits = [edit for trace in traces if trace.file == path for edit in trace.edits]
                yield path, each.beside(project.texts[path], edits)
            return


def _is_installed(project: Project) -> bool:
    """By an image, or by what a tool has compiled."""
    texts = (text for path, text in project.texts.items() if is_image(path) or is_requirements(path))
    return any(_INSTALLED.search(text) for text in texts)


def _in_file(path: str, text: str) -> Iterator[_Required]:
    name = PurePosixPath(path).name
    try:
        if name in {"pyproject.toml", "Pipfile"}:
            tomllib.loads(text)
            yield from _in_toml(path, text)
        elif name == "setup.py":
            yield from _in_script(path, text)
        elif name in {"setup.cfg"} or (is_requirements(path) and "constraint" not in path and not compiled_by(text)):
            yield from _in_lines(path, text, indented=name == "setup.cfg")
        elif _ENVIRONMENT.fullmatch(name):
            yield from _in_environment(path, text)
    except (ValueError, IndexError, RecursionError, cst.ParserSyntaxError):
        return


def _in_toml(path: str, text: str) -> Iterator[_Required]:
    found = [place for place in places(text) if not place.is_table]
    for place in found:
        *above, last = place.path
        if (
            isinstance(last, int)
            and place.value is not None
            and any(place.path[: len(each)] == each for each in _LISTS)
        ):
            before = [each.end for each in found if each.path == (*above, last - 1)]
            yield _required(path, text, place.value, (place.start, "list"), before)
        elif (
            isinstance(last, str)
            and _holds_keys(path, place.path[:-1])
            and not text[line_start(text, place.start) : place.start].strip()
        ):
            written = text[place.start : place.end].partition("=")[2]
            yield _Required(path, canonical(last), written, place.start, "key")


def _holds_keys(path: str, above: tuple[str | int, ...]) -> bool:
    if path.endswith("Pipfile"):
        return above in {("packages",), ("dev-packages",)}
    return above[:2] == ("tool", "poetry") and str(above[-1]).endswith("dependencies")


def _required(path: str, text: str, written: str, at: tuple[int, str], before: Sequence[int]) -> _Required:
    start, form = at
    same_line = [end for end in before if "\n" not in text[end:start]]
    return _Required(path, canonical(written), written, start, form, same_line[0] if same_line else None)


def _in_script(path: str, text: str) -> Iterator[_Required]:
    source = Source(path, text)
    for each in [*source.every(cst.List), *source.every(cst.Tuple)]:
        ends: list[int] = []
        for element in elements(each):
            written = text_of(element.value)
            if written:
                yield _required(path, text, written, (source.span(element)[0], "list"), ends[-1:])
            ends.append(source.span(element)[1])


def _in_lines(path: str, text: str, *, indented: bool) -> Iterator[_Required]:
    for line in joined_lines(text):
        is_entry = line.text[:1] not in {"#", "-", "["} and (not indented or line.text[:1] in {" ", "\t"})
        name = canonical(line.text) if is_entry else ""
        if name:
            yield _Required(path, name, line.text, line.start + len(line.text) - len(line.text.lstrip()), "line")


def _in_environment(path: str, text: str) -> Iterator[_Required]:
    """Of conda, whose own packages logemit is none of: among those of pip."""
    for every in documents(text):
        for entry in every:
            if "pip" in entry.path[-2:-1] and entry.value and not entry.container.flow_style:
                yield _Required(path, canonical(entry.value), entry.value, entry.start, "line")
