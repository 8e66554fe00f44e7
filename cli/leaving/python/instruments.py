"""Instruments of prometheus_client: where they are made, and whether logemit's can take their place."""

from collections.abc import Iterator

from ..metrics import Instrument
from ..traces import Kind, Stage, Trace, shown
from .creations import Creation
from .modules import Modules
from .replacement import edits_of
from .study import study

_ADVICE = "take it from logemit, which has the same arguments and methods"
_IS_LEFT = "settle that by hand, then let it come from logemit"


def find(modules: Modules) -> Iterator[Trace]:
    found = study(modules)
    for creation in found.creations:
        source, why = creation.source, found.doubts.get(creation.call, "")
        edits = () if why else tuple(sorted({*edits_of(modules, creation)}))
        doubt = "" if creation.call in found.waiting else why
        yield Trace(
            source.path,
            creation.line,
            Kind.INSTRUMENT,
            Stage.CODE,
            shown(source.text, creation.line),
            _ADVICE,
            creation.subject,
            edits,
            f"{doubt}; {_IS_LEFT}" if doubt else "",
            waits="" if edits or doubt else why or _import_of(creation),
            last_line=source.last_line(creation.call),
        )


def _import_of(creation: Creation) -> str:
    return "the import of its class in " + ", ".join(sorted({file for file, _ in creation.units}))


def declared(modules: Modules) -> Iterator[Instrument]:
    """Those whose names are written out, each name once for each place."""
    found = study(modules)
    for each in found.creations:
        for name in sorted(each.names or ()):
            doubt = "" if each.call in found.waiting else found.doubts.get(each.call, "")
            yield Instrument(name, each.type, each.labels, each.source.path, each.line, each.mode, doubt)
