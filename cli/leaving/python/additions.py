"""Lines for logemit in a project's settings."""

from collections.abc import Iterator, Mapping, Sequence
from json import dumps

import libcst as cst
import libcst.matchers as m

from ..traces import Edit, Kind, Stage, Trace
from .models import mixed_classes
from .modules import Modules
from .references import definitions
from .source import Source, last_name, text_of
from .strings import is_test
from .variables import is_settings

APP = "logemit"
MIDDLEWARE = "logemit.middleware.EventMiddleware"


def settings_lines(modules: Modules, stage: Stage, traces: Sequence[Trace]) -> Iterator[tuple[str, Edit]]:
    """With models: the names that their mixins were given. At the end: the app and its middleware.

    They stand at the end of each module that defines such a list from scratch; one that only adds to it has them then.
    """
    if stage is Stage.MODELS:
        labels = _labels(modules, traces)
        for source in _defining(modules, "INSTALLED_APPS") if labels else ():
            yield source.path, _with_labels(source, labels)
    if stage is Stage.LOGEMIT:
        lines: dict[str, list[str]] = {}
        for name, value in (("INSTALLED_APPS", APP), ("MIDDLEWARE", MIDDLEWARE)):
            for source in _defining(modules, name) if not _is_named(modules, value) else ():
                lines.setdefault(source.path, []).append(_line(source, name, value))
        for path, each in lines.items():
            yield path, _at_end(modules.project.texts[path], "\n".join(each))


def _labels(modules: Modules, traces: Sequence[Trace]) -> dict[str, str]:
    taken = {(trace.file, trace.line) for trace in traces if trace.kind is Kind.MODEL_MIXIN and trace.edits}
    return {
        label: mixed.name
        for mixed in mixed_classes(modules)
        if mixed.name and (mixed.source.path, mixed.source.line(mixed.base)) in taken
        for label in mixed.labels
    }


def _defining(modules: Modules, name: str) -> list[Source]:
    """Settings modules that give a list its first value. Those for tests only where there are no others."""
    found = [
        source
        for source in modules.containing(name)
        if is_settings(source) and not is_test(source.path) and _values(source, name)
    ]
    return [each for each in found if "test" not in each.path.rpartition("/")[2]] or found


def _values(source: Source, name: str) -> list[cst.BaseExpression]:
    assignments = [
        small
        for line in definitions(source).get(name, [])
        for small in (line.body if isinstance(line, cst.SimpleStatementLine) else ())
    ]
    values = [each.value for each in assignments if isinstance(each, cst.Assign | cst.AnnAssign) and each.value]
    return [each for each in values if not m.findall(each, m.Name(name))]


def _is_named(modules: Modules, value: str) -> bool:
    """Also as logemit.apps.…, wherever it was put in."""
    for source in modules.containing(APP):
        for string in source.every(cst.SimpleString):
            text = text_of(string) or ""
            if text == value or (value == APP and text.startswith("logemit.apps.")):
                return True
    return False


def _line(source: Source, name: str, value: str) -> str:
    kinds = {_sequence(each) for each in _values(source, name)}
    if kinds == {"list"}:
        return f'{name} += ["{value}"]' if value == APP else f'{name}.insert(0, "{value}")'
    before, after = ("(", ")") if kinds == {"tuple"} else ("[", "]")
    return (
        f'{name} = {before}*{name}, "{value}"{after}' if value == APP else f'{name} = {before}"{value}", *{name}{after}'
    )


def _sequence(value: cst.BaseExpression) -> str:
    while isinstance(value, cst.BinaryOperation):
        value = value.left
    if isinstance(value, cst.Call) and last_name(value.func) in {"list", "tuple"}:
        return last_name(value.func)
    return "list" if isinstance(value, cst.List) else "tuple" if isinstance(value, cst.Tuple) else ""


def _with_labels(source: Source, labels: Mapping[str, str]) -> Edit:
    """Into what LOGEMIT holds, else as a setting of its own."""
    known = definitions(source).get("LOGEMIT", [])
    literals = [each for line in known for each in getattr(line, "body", ()) if isinstance(each, cst.Assign)]
    entries = [f"{dumps(label)}: {dumps(name, ensure_ascii=False)}" for label, name in labels.items()]
    if len(known) == 1 and literals and isinstance(literals[0].value, cst.Dict):
        held = literals[0].value
        for each in held.elements:
            if isinstance(each, cst.DictElement) and text_of(each.key) == "MODEL_LABELS":
                if isinstance(each.value, cst.Dict):
                    return _into(source, each.value, [one for one in entries if not _has(each.value, one)])
                break
        else:
            return _into(source, held, [f'"MODEL_LABELS": {{{", ".join(entries)}}}'])
    if known:
        return _at_end(source.text, f'LOGEMIT.setdefault("MODEL_LABELS", {{}}).update({{{", ".join(entries)}}})')
    rows = "".join(f"        {entry},\n" for entry in entries)
    one_line = f'LOGEMIT = {{"MODEL_LABELS": {{{", ".join(entries)}}}}}'
    many_lines = f'LOGEMIT = {{\n    "MODEL_LABELS": {{\n{rows}    }},\n}}'
    return _at_end(source.text, one_line if len(entries) == 1 else many_lines)


def _has(held: cst.Dict, entry: str) -> bool:
    keys = {text_of(each.key) for each in held.elements if isinstance(each, cst.DictElement)}
    return entry.split('"')[1] in keys


def _into(source: Source, held: cst.Dict, entries: Sequence[str]) -> Edit:
    """As the first of a dict, on lines of their own where its elements stand so."""
    place = source.span(held)[0] + 1
    first = source.span(held.elements[0])[0] if held.elements else place
    gap = source.text[place:first]
    if "\n" in gap and "#" not in gap:
        return Edit(place, place, "".join(f"{gap}{entry}," for entry in entries))
    return Edit(first, first, "".join(f"{entry}, " for entry in entries))


def _at_end(text: str, lines: str) -> Edit:
    newline = "\r\n" if "\r\n" in text else "\n"
    before = "" if text.endswith("\n") or not text else newline
    return Edit(len(text), len(text), f"{before}{newline}{lines}\n".replace("\r\n", "\n").replace("\n", newline))
