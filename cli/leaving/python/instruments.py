"""Instruments of prometheus_client: where they are made, and whether logemit's can take their place."""

from collections.abc import Iterator

from ..metrics import Instrument
from ..traces import Kind, Stage, Trace, shown
from .modules import Modules
from .replacement import edits_of
from .study import study

_ADVICE = "take it from logemit, which has the same arguments and methods"
_IS_LEFT = "settle that by hand, then let it come from logemit"


def find(modules: Modules) -> Iterator[Trace]:
    found = study(modules)
    for creation in found.creations:
        source, doubt = creation.source, found.doubts.get(creation.call, "")
        yield Trace(
            source.path,
            creation.line,
            Kind.INSTRUMENT,
            Stage.CODE,
            shown(source.text, creation.line),
            _ADVICE,
            creation.subject,
            () if doubt else tuple(sorted({*edits_of(modules, creation)})),
            f"{doubt}; {_IS_LEFT}" if doubt else "",
            source.last_line(creation.call),
        )


def declared(modules: Modules) -> Iterator[Instrument]:
    """Those whose names are written out, each name once for each place."""
    found = study(modules)
    for each in found.creations:
        for name in sorted(each.names or ()):
            doubt = found.doubts.get(each.call, "")
            yield Instrument(name, each.type, each.labels, each.source.path, each.line, each.mode, doubt)
