"""Settings named PROMETHEUS_…: those of django-prometheus, and the project's own that go with them."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

import libcst as cst

from ..traces import Kind, Trace
from . import directories
from .blocks import line_of_its_own, without
from .found import trace_of
from .modules import Modules
from .references import assigned
from .removal import without_elements
from .source import Source, dotted_name, text_of

_NAME = re.compile(r"_?(DJANGO_)?PROMETHEUS_[A-Z]\w*")
_SETTINGS = re.compile(r"^\s*(INSTALLED_APPS|MIDDLEWARE|DATABASES|ROOT_URLCONF)\b.*=", re.MULTILINE)
_OF_A_SERVER = re.compile(r"_(URL|HOST|SERVER|API|ENDPOINT|BASE_URL|QUERY_URL)$")
_NO_PROCESS_SERVES = "nothing to set: no process serves metrics"
ADVICE = {
    "PROMETHEUS_LATENCY_BUCKETS": "a metric of your own with these buckets (docs/custom.md); logemit's histograms keep "
    "the default ones",
    "PROMETHEUS_METRIC_NAMESPACE": "names lose this prefix: metric_relabel_configs in Prometheus can add it, or "
    "dashboards and alerts take the names without it",
    "PROMETHEUS_EXPORT_MIGRATIONS": "nothing to set: told after migrate, and by manage.py logemit_migrations",
    "PROMETHEUS_METRICS_EXPORT_PORT": _NO_PROCESS_SERVES,
    "PROMETHEUS_METRICS_EXPORT_PORT_RANGE": _NO_PROCESS_SERVES,
    "PROMETHEUS_METRICS_EXPORT_ADDRESS": _NO_PROCESS_SERVES,
}
"""What becomes of each setting of django-prometheus."""

_OTHER = "nothing in the project reads it"


def find(modules: Modules, going: Collection[tuple[str, int]]) -> Iterator[Trace]:
    """`going`: files and lines that other traces take out."""
    for source in modules.containing("PROMETHEUS_", "DJANGO_PROMETHEUS_", "_PROMETHEUS_"):
        yield from _settings(modules, source, going)
        yield from _arguments(source)


def _settings(modules: Modules, source: Source, going: Collection[tuple[str, int]]) -> Iterator[Trace]:
    statements = [
        (small, name)
        for kind in (cst.Assign, cst.AnnAssign, cst.AugAssign)
        for small in source.every(kind)
        for name in assigned(small)
        if _NAME.fullmatch(name) and name not in directories.NAMES and _is_setting(source, small, name)
    ]
    lines = {small: line_of_its_own(source, small) for small, _ in statements}
    readers = {name: list(reading(modules, name)) for _, name in statements}
    doubts = {
        small: _doubt(name, lines[small], [each for each in readers[name] if each not in going])
        for small, name in statements
    }
    free = (lines[small] for small, name in statements if not doubts[small] and not readers[name])
    gone = without(source, list(dict.fromkeys(line for line in free if line is not None)))
    for small, name in statements:
        line = lines[small]
        _, edits = gone.get(line, (None, ())) if line is not None else (None, ())
        waits = "what reads it" if readers[name] else ""
        advice = _advice(source, small, name)
        yield trace_of(source, small, Kind.SETTING, advice, subject=name, edits=edits, doubt=doubts[small], waits=waits)


def _is_setting(source: Source, small: cst.CSTNode, name: str) -> bool:
    """One that django-prometheus knows, wherever; another one in a settings module, where it is no instrument."""
    if name in ADVICE:
        return True
    value = getattr(small, "value", None)
    if isinstance(value, cst.Call) and any(each.startswith("prometheus_client") for each in source.names(value.func)):
        return False
    return is_settings(source)


def is_settings(source: Source) -> bool:
    """Whether a module looks like one of Django's settings."""
    path = PurePosixPath(source.path)
    if {"settings", "conf", "config"} & {path.parent.name, path.stem} or path.stem.startswith("settings"):
        return True
    return (
        re.search(r"^\s*(INSTALLED_APPS|MIDDLEWARE|DATABASES|ROOT_URLCONF)\b.*=", source.text, re.MULTILINE) is not None
    )


def _doubt(name: str, line: cst.BaseStatement | None, readers: Sequence[tuple[str, int]]) -> str:
    if line is None:
        return "it stands on one line with other statements; take it out by hand"
    if readers:
        path, number = readers[0]
        return f"{path}:{number} reads it; once that is changed, take it out"
    if name not in ADVICE and _OF_A_SERVER.search(name):
        return "it may be for asking a Prometheus server; if not, take it out"
    return ""


def _advice(source: Source, small: cst.CSTNode, name: str) -> str:
    value = getattr(small, "value", None)
    if name in {"PROMETHEUS_LATENCY_BUCKETS", "PROMETHEUS_METRIC_NAMESPACE"} and value is not None:
        shown = " ".join(source.code(value).split())
        return f"{ADVICE[name]}; it was {shown[:120]}"
    return ADVICE.get(name, _OTHER)


def reading(modules: Modules, name: str) -> Iterator[tuple[str, int]]:
    """Files and lines where code asks for a setting or a variable.

    By its name alone: what `settings.NAME` leads to is known only when it runs.
    """
    for source in modules.containing(name):
        for node in [*source.every(cst.Name), *source.every(cst.SimpleString)]:
            written = node.value if isinstance(node, cst.Name) else text_of(node)
            if written == name and not _sets(source, node, name):
                yield source.path, source.line(node)


def _sets(source: Source, node: cst.CSTNode, name: str) -> bool:
    """Whether it stands in the statement that assigns it, as in `NAME = env("NAME")`, or names an argument."""
    around = source.parent(node)
    if isinstance(around, cst.Arg) and around.keyword is node:
        return True
    return any(name in assigned(each) for each in source.ancestors(node))


def _arguments(source: Source) -> Iterator[Trace]:
    """Of override_settings(PROMETHEUS_…=…) and settings.configure(…)."""
    for call in source.every(cst.Call):
        if dotted_name(call.func).rpartition(".")[2] not in {"override_settings", "settings", "configure"}:
            continue
        doomed = [each for each in call.args if each.keyword is not None and _NAME.fullmatch(each.keyword.value)]
        edits = without_elements(source, call.args, doomed)
        for each in doomed:
            name = each.keyword.value if each.keyword is not None else ""
            yield trace_of(source, each, Kind.SETTING, ADVICE.get(name, _OTHER), subject=name, edits=edits)
