"""What logemit needs in a project: its requirement, and its lines in the settings."""

from collections.abc import Iterator, Sequence

from .files.additions import requirements
from .project import Project
from .python.additions import settings_lines
from .python.modules import Modules
from .traces import Edit, Stage, Trace


def is_placed(project: Project) -> bool:
    """Whether logemit's middleware is named in any of its files."""
    return any("logemit.middleware." in text for path, text in project.texts.items() if path.endswith(".py"))


def additions(project: Project, stage: Stage, traces: Sequence[Trace]) -> Iterator[tuple[str, Edit]]:
    """By path, what a stage adds beside what its traces take out."""
    yield from settings_lines(Modules(project), stage, traces)
    yield from requirements(project, stage, traces)
