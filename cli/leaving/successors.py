"""The map: for each metric of a project what comes in its place, under which name and labels, and what it means."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aggregator.catalogue import shipped
from aggregator.families import sample_names
from aggregator.fields import LABEL
from aggregator.names import plain_name, shown_as

from .audit import Audit
from .definition import definition, on_grid
from .families import FAMILIES, GAUGES, INSTRUMENTS, REASONS, Family
from .given import BUCKETS, NAMESPACE, Given, given
from .metrics import Instrument
from .traces import Kind

SERVICE = "service"
"""The label that each family has in addition."""

BY_ITSELF = "prometheus_client"
"""The source of families that every client of Prometheus shows by itself."""

_KINDS = {
    "middleware": Kind.MIDDLEWARE,
    "database engine": Kind.DATABASE,
    "cache backend": Kind.CACHE,
    "model mixin": Kind.MODEL_MIXIN,
}
_TIMES = ("django_http_requests_latency", "django_db_query_duration")
"""So begin the families to whose buckets PROMETHEUS_LATENCY_BUCKETS applies."""
_NAME = re.compile(r"(?!logemit_)[a-zA-Z_:][a-zA-Z0-9_:]{0,199}")
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@dataclass(frozen=True, slots=True)
class Successor:
    """`old` and `name` are the families' names as their samples have them; no `name` where nothing comes in its place.

    `labels` are the successor's, None where the project does not write them out; `relabelled` are those of before that
    are called otherwise. `buckets` are a shipped family's upper bounds in seconds or bytes, `old_buckets` those there,
    where they differ; both without +Inf. `definition`: lines of a logemit.toml that make a family as it was.
    """

    old: str
    name: str
    type: str  # counter, gauge, histogram, summary
    source: str
    """What made it appear, or the file and line that declare it."""
    labels: tuple[str, ...] | None
    help: str = ""
    """What the successor counts, of those that logemit ships."""
    differences: tuple[str, ...] = ()
    relabelled: tuple[tuple[str, str], ...] = ()
    buckets: tuple[float, ...] = ()
    old_buckets: tuple[float, ...] = ()
    definition: str = ""

    @property
    def samples(self) -> Mapping[str, str]:
        """Names of its samples, and what they are called now; empty for those that are no more."""
        found = {self.old + end: self.name and self.name + end for end in _SUFFIXES.get(self.type, ("",))}
        created = {} if self.type == "gauge" else {f"{self.old.removesuffix('_total')}_created": ""}
        return found | created


def successors(audit: Audit, texts: Mapping[str, str] | None = None, *, all_families: bool = False) -> list[Successor]:
    """Of the families that the project has in use, or all that there may be; then of its own instruments.

    `texts` are the project's files: of a setting on several lines, the audit has the first.
    """
    settings = given(audit.traces, texts or {})
    kinds = {trace.kind for trace in audit.traces}
    used = {source for source, kind in _KINDS.items() if kind in kinds} | {BY_ITSELF}
    used |= {"migrations"} if settings.migrations else set()
    families = [family for family in FAMILIES if all_families or family.source in used]
    found = [each for family in families for each in _of_family(family, settings)]
    own: dict[str, Successor] = {}
    for instrument in audit.instruments:
        each = _of_instrument(instrument)
        own.setdefault(each.old, each)
    return [*found, *own.values()]


def _of_family(family: Family, settings: Given) -> Iterator[Successor]:
    """One for each name that it may have had."""
    metric = next(each for each in shipped().metrics if each.name == family.name)
    is_djangos = family.source != BY_ITSELF
    differences = [REASONS[name] for name in family.differences]
    old_buckets: tuple[float, ...] = ()
    if family.name.startswith(_TIMES):
        old_buckets = settings.buckets if settings.buckets != metric.buckets else ()
        differences += [f"{_listed(metric.buckets)} for buckets (there {_listed(old_buckets)})"] if old_buckets else []
        differences += _unclear(settings, BUCKETS, f"{_listed(metric.buckets)} for buckets")
    differences += _unclear(settings, NAMESPACE, "without the prefix of the namespace") if is_djangos else []
    for namespace in settings.namespaces if is_djangos else ("",):
        old = f"{namespace}_{family.name}" if namespace else family.name
        lines = ""
        if namespace or old_buckets:
            lines = definition(metric, old if namespace else f"app_{old}", on_grid(old_buckets))
        labels = (SERVICE, *(label for label, _ in metric.labels))
        yield Successor(
            old,
            metric.name,
            metric.type,
            family.source,
            labels,
            metric.help,
            tuple(differences),
            buckets=metric.buckets,
            old_buckets=old_buckets,
            definition=lines,
        )


def _unclear(settings: Given, name: str, text: str) -> list[str]:
    return [f"{text} (what {name} is there, {settings.computed[name]} computes)"] if name in settings.computed else []


def _listed(bounds: tuple[float, ...]) -> str:
    return ", ".join(format(bound, "g") for bound in bounds)


def _of_instrument(instrument: Instrument) -> Successor:
    """Of one that an app declares: logemit's of the same type has the same name, unless that is no name or taken."""
    kind = instrument.type.lower()
    old = instrument.name.removesuffix("_total") + "_total" if kind == "counter" else instrument.name
    old += "_info" if kind == "info" else ""
    new = plain_name(old)
    taken = {name for metric in shipped().metrics for name in sample_names(metric.name, metric.type)}
    mode = instrument.multiprocess_mode or "all"
    differences = [GAUGES.get(mode, GAUGES["all"]) if kind == "gauge" else INSTRUMENTS.get(kind, "")]
    is_name = _NAME.fullmatch(new) and (kind != "enum" or LABEL.fullmatch(new))
    clash = not is_name or not taken.isdisjoint(sample_names(new, kind))
    if clash:
        differences.insert(0, "not shown: logemit has a metric of this name, or keeps it; give it another")
    own = (SERVICE, *([new] if kind == "enum" else []))
    plain = [plain_name(label, is_label=True) for label in instrument.labels or ()]
    shown = shown_as(plain, own)
    pairs = zip(instrument.labels or (), (shown.get(label, "") for label in plain), strict=True)
    return Successor(
        old,
        "" if clash else new,
        "gauge" if kind in ("info", "enum") else kind,
        f"{instrument.file}:{instrument.line}",
        None if instrument.labels is None or kind == "info" else (*own, *shown.values()),
        differences=tuple(each for each in differences if each),
        relabelled=tuple((label, name) for label, name in pairs if label != name),
    )
