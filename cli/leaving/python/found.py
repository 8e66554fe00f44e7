"""A trace of a place in Python's syntax tree."""

import libcst as cst

from ..traces import Edit, Kind, Stage, Trace, shown
from .source import Source

STAGES = {
    Kind.MODEL_MIXIN: Stage.MODELS,
    Kind.MIGRATION: Stage.MODELS,
    Kind.DATABASE: Stage.MODELS,
    Kind.CACHE: Stage.MODELS,
    Kind.MIDDLEWARE: Stage.MIDDLEWARE,
    Kind.URL: Stage.URLS,
    Kind.METRICS_VIEW: Stage.URLS,
    Kind.TEST: Stage.URLS,
    Kind.INSTALLED_APP: Stage.SETTINGS,
    Kind.SETTING: Stage.SETTINGS,
    Kind.MULTIPROCESS: Stage.SETTINGS,
    Kind.UNUSED_IMPORT: Stage.SETTINGS,
}


def trace_of(
    source: Source,
    node: cst.CSTNode,
    kind: Kind,
    advice: str,
    *,
    subject: str = "",
    edits: tuple[Edit, ...] = (),
    doubt: str = "",
    waits: str = "",
) -> Trace:
    """Edits are dropped where there is a doubt, or something to wait for."""
    line = source.line(node)
    return Trace(
        source.path,
        line,
        kind,
        STAGES[kind],
        shown(source.text, line),
        advice,
        subject,
        () if doubt or waits else edits,
        doubt,
        "" if doubt else waits,
        source.last_line(node),
    )


def place_of(source: Source, node: cst.CSTNode) -> str:
    """As in shop/tests.py:12."""
    return f"{source.path}:{source.line(node)}"
