"""Files of rules and dashboards, looked through for what changes."""

import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from aggregator.errors import InputError

from ..project import MOST_BYTES
from ..successors import Successor
from .files import Expression, Unread, expressions
from .findings import Finding, Known, What
from .parsing import UnparsedError
from .selectors import Use, uses

_MOST_SHOWN = 200
"""Characters of an expression."""


def scan(paths: Iterable[Path], successors: Sequence[Successor], interval: int) -> list[Finding]:
    """By file and line, each once. `interval`: seconds between two runs of logemit aggregate.

    Names of metrics that `successors` do not have are others' and pass without a word. Texts are as the files have
    them. Raises InputError for files that cannot be read; what cannot be understood is a finding.
    """
    known = Known(successors, interval)
    return list(dict.fromkeys(each for path in paths for each in _of_file(path, known)))


def _of_file(path: Path, known: Known) -> Iterator[Finding]:
    for each in expressions(path.name, _text(path)):
        shown = " ".join(each.text.split())[:_MOST_SHOWN]
        if isinstance(each, Unread):
            yield Finding(str(path), each.line, What.UNREAD, "", each.reason, shown, must_change=True)
            continue
        try:
            asked = _uses(each)
        except UnparsedError as error:
            yield Finding(str(path), each.line, What.UNREAD, "", str(error), shown, must_change=True)
            continue
        for use in asked:
            for what, metric, text, must_change in known.told(use):
                yield Finding(str(path), each.line, what, metric, text, shown, must_change)


def _uses(expression: Expression) -> list[Use]:
    found = uses(expression.text)
    if not expression.label:
        return found
    return [replace(each, labels=(expression.label,)) for each in found]


def _text(path: Path) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is no file; name files with rules, dashboards or expressions")
        if found.st_size > MOST_BYTES:
            raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; name files with rules or dashboards")
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}; name files with rules, dashboards or expressions"
        ) from None
