"""All traces of a project, and what its metrics are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .files import find as find_in_files
from .metrics import Instrument
from .project import Project
from .python import find as find_in_python
from .python import instruments as python_instruments
from .python.modules import Modules, Tell
from .python.urls import routes
from .traces import NAMES, Kind, Stage, Trace, line_of, ordered, shown

__all__ = ["NAMES", "Audit", "audit"]


@dataclass(frozen=True)
class Audit:
    """`traces` in the order of files and lines."""

    traces: Sequence[Trace]
    instruments: Sequence[Instrument]
    passed_over: Sequence[tuple[str, str]] = ()
    """Files that were not read, and why."""


def audit(project: Project, tell: Tell | None = None) -> Audit:
    """`tell` hears how many files of how many are parsed."""
    if tell is not None:
        Modules(project).parse(tell)
    return _audited(project)


@lru_cache(1)  # a stage that changes nothing leaves the same project to the next
def _audited(project: Project) -> Audit:
    modules = Modules(project)
    served = routes(modules)
    if project.changed:
        served |= routes(Modules(project.as_found))  # who asks for a route that goes does so for now
    traces = [*find_in_python(modules), *find_in_files(project, served)]
    traces += _mentions(modules, traces)
    traces = [trace for trace in traces if not project.excludes(trace.file)]
    return Audit(ordered(traces), tuple(python_instruments.declared(modules)), project.passed_over)


def _mentions(modules: Modules, traces: Sequence[Trace]) -> Iterator[Trace]:
    """Lines that name it and belong to no trace yet."""
    known: dict[str, set[int]] = {}
    for trace in traces:
        known.setdefault(trace.file, set()).update(trace.lines)
    for path, text in modules.project.texts.items():
        if "prometheus" not in text.lower():
            continue  # told sooner than by the pattern
        lines = {line_of(text, found.start()) for found in NAMES.finditer(text)}
        is_unread = bool(lines) and path.endswith(".py") and modules.source(path) is None
        doubt = "this file cannot be read as Python" if is_unread else "what a text means is for people to judge"
        for line in sorted(lines - known.get(path, set())):
            yield Trace(
                path,
                line,
                Kind.MENTION,
                Stage.DEPENDENCIES,
                shown(text, line),
                "reword it, or take it out",
                doubt=doubt,
            )
