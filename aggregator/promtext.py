"""Families as Prometheus text 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

METRICS = "metrics.prom"
"""Where it lies in an output."""
SERIES_AT_ONCE = 1000
"""Of one family, held as samples at a time: a family may have any number."""


def rendered(family: Family, *, head: bool = True) -> str:
    """What prometheus_client writes of a family, several times as quickly: there may be very many samples."""
    name = f"{family.name}_total" if family.type == "counter" else family.name
    help_text = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
    begin = f"# HELP {name} {help_text}\n# TYPE {name} {family.type}\n" if head else ""
    lines = (f"{series(sample.name, sample.labels)} {number(sample.value)}\n" for sample in family.samples)
    return begin + "".join(lines)


def series(name: str, labels: Mapping[str, str]) -> str:
    """A sample without its value."""
    if not labels:
        return name
    return name + "{" + ",".join([_pair(label, labels[label]) for label in sorted(labels)]) + "}"


def labelled(line: bytes, label: str, value: str) -> bytes:
    """A sample's line with one more label."""
    end = min(place for place in (line.find(b"{"), line.find(b" ")) if place > 0)
    more = line[end + 1 :] if line[end : end + 1] == b"{" else b"}" + line[end:]
    return line[:end] + b"{" + _pair(label, value).encode() + b"," * (more[:1] != b"}") + more


@lru_cache(maxsize=4096)
def _pair(name: str, value: str) -> str:
    escaped = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'{name}="{escaped}"'


def number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def gathered(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same in larger pieces: of so many bytes or more, but the last."""
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)
