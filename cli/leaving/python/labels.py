"""How Django names the models of a project: the label of the app, and the class."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import libcst as cst

from .modules import Modules
from .references import assigned, leads_to
from .source import Source, text_of

_MOST_CLASSES = 6
"""From one abstract class to the next."""


def labels_of(modules: Modules, source: Source, model: cst.ClassDef, most: int = _MOST_CLASSES) -> tuple[str, ...]:
    """links.Bookmark; of a class with the mixin that is no model of its own all that derive from it.

    Empty where it is not written out.
    """
    is_mixin = most == _MOST_CLASSES and len(model.bases) == 1
    if not is_mixin and not _is_abstract(model):
        app = _attribute(_meta(model), "app_label") or _app_label(modules, source.path)
        return (f"{app}.{model.name.value}",) if app else ()
    if most == 0:
        return ()
    derived = [labels_of(modules, its, each, most - 1) for its, each in _derived(modules, source, model)]
    return tuple(dict.fromkeys(label for labels in derived for label in labels)) if all(derived) else ()


def _is_abstract(model: cst.ClassDef) -> bool:
    abstract = _value(_meta(model), "abstract")
    return isinstance(abstract, cst.Name) and abstract.value == "True"


def _derived(modules: Modules, source: Source, model: cst.ClassDef) -> Iterator[tuple[Source, cst.ClassDef]]:
    place = (source.path, model.name.value)
    for its in modules.containing(model.name.value):
        for each in its.every(cst.ClassDef):
            if any(place in leads_to(modules, its, base.value) for base in each.bases):
                yield its, each


def _meta(model: cst.ClassDef) -> cst.ClassDef | None:
    return next(
        (each for each in model.body.body if isinstance(each, cst.ClassDef) and each.name.value == "Meta"), None
    )


def _value(owner: cst.ClassDef | None, name: str) -> cst.BaseExpression | None:
    """Of a class attribute."""
    for line in owner.body.body if owner is not None else ():
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else (line,):
            if isinstance(small, cst.Assign | cst.AnnAssign) and name in assigned(small):
                return small.value
    return None


def _attribute(owner: cst.ClassDef | None, name: str) -> str | None:
    return text_of(_value(owner, name))


def _app_label(modules: Modules, path: str) -> str | None:
    """As the app's config says, else the name of its folder."""
    folder = PurePosixPath(path).parent
    if folder.name == "models":
        folder = folder.parent
    configs = modules.source(f"{folder}/apps.py") if f"{folder}/apps.py" in modules.paths else None
    if configs is None:
        is_app = PurePosixPath(path).name == "models.py" or PurePosixPath(path).parent.name == "models"
        return folder.name or None if is_app else None
    found = [each for each in configs.every(cst.ClassDef) if _value(each, "name") or _value(each, "label")]
    if len(found) != 1:
        return None
    if _value(found[0], "label") is not None:
        return _attribute(found[0], "label")
    name = _attribute(found[0], "name")
    return name.rpartition(".")[2] if name else None
