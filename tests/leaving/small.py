"""Small projects of texts, and what becomes of them."""

from collections.abc import Collection, Mapping
from pathlib import Path

from cli.leaving.additions import additions
from cli.leaving.files import find
from cli.leaving.project import Project, read
from cli.leaving.traces import Edit, Stage, Trace, edited


def project(root: Path, files: Mapping[str, str]) -> Project:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return read(root)


def traces(of: Project, routes: Collection[str] = ("metrics",)) -> list[Trace]:
    """Those of all files that are not Python, in the order of the text."""
    return sorted(find(of, routes), key=lambda trace: (trace.file, trace.line))


def lines(of: Project, file: str, routes: Collection[str] = ("metrics",)) -> list[tuple[int, str, bool]]:
    """The traces of a file as line, kind, and whether migrate takes it out."""
    return [(each.line, str(each.kind), bool(each.edits)) for each in traces(of, routes) if each.file == file]


def without_traces(of: Project, routes: Collection[str] = ("metrics",), *, adding: bool = False) -> Mapping[str, str]:
    """Whole texts after all edits, made in the stages' order, each until nothing changes."""
    for stage in Stage:
        for _ in range(9):
            found = [trace for trace in traces(of, routes) if trace.stage is stage and trace.edits]
            edits: dict[str, list[Edit]] = {}
            for trace in found:
                edits.setdefault(trace.file, []).extend(trace.edits)
            for path, edit in additions(of, stage, found) if adding else ():
                edits.setdefault(path, []).append(edit)
            changed = {path: edited(of.texts[path], each) for path, each in edits.items()}
            if not changed:
                break
            of = of.with_texts(changed)
        else:
            raise AssertionError(f"{stage} does not come to an end")
    return of.texts
