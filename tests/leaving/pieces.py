"""Small projects out of texts, and what becomes of them."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from cli.leaving.audit import audit
from cli.leaving.project import Project
from cli.leaving.stages import migrate
from cli.leaving.traces import Kind, Stage, Trace


def project_of(texts: Mapping[str, str]) -> Project:
    plain = {path: dedent(text).lstrip("\n") for path, text in texts.items()}
    return Project(Path("/nonexistent"), tuple(plain), plain)


def traces_of(texts: Mapping[str, str], *kinds: Kind) -> list[Trace]:
    return [each for each in audit(project_of(texts)).traces if not kinds or each.kind in kinds]


def doubts_of(texts: Mapping[str, str], *kinds: Kind) -> list[str]:
    return [each.doubt for each in traces_of(texts, *kinds) if each.doubt]


def left_of(texts: Mapping[str, str], *stages: Stage) -> dict[str, str]:
    """The texts after the stages, and that nothing is left to do in these."""
    _, project = migrate(project_of(texts), stages or tuple(Stage))
    assert not [each for each in audit(project).traces if each.edits and each.stage in (stages or tuple(Stage))]
    return dict(project.texts)
