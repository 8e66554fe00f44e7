"""Text 0.0.4 as OpenMetrics 1.0, line by line, however long it is.

Our own text is regular: HELP, TYPE and all samples of one family after the other, no timestamps, no other comments.
Some of it has no place in OpenMetrics: a counter beside a family of its name without `_total`, and the sum of what may
be negative. Such families are shown as several of type unknown, one for each name of their samples: the series and
their values stay the same.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from io import SEEK_CUR
from typing import BinaryIO

_SAMPLES = {b"histogram": (b"_bucket", b"_count", b"_sum"), b"summary": (b"_count", b"_sum")}
_NEGATIVE = re.compile(rb'[{,]le="-| -[^ ]*\n')
"""A bound of a bucket, or a value."""


def transformed(file: BinaryIO, exemplars: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """Lines; `exemplars` are what follows the value on that of a bucket, by what stands before it."""
    odd = odd_families(file)
    file.seek(0)
    text = kind = b""
    for line in file:
        if not line.startswith(b"#"):
            exemplar = exemplars.get(line.rpartition(b" ")[0]) if kind == b"histogram" and exemplars else None
            yield line if exemplar is None else line.rstrip(b"\n") + exemplar + b"\n"
        elif line.startswith(b"# HELP "):
            text = b"".join(line.rstrip(b"\n").split(b" ", 3)[3:])
        elif line.startswith(b"# TYPE "):
            _, _, name, kind = line.split()
            if name in odd:
                yield from _apart(file, name, kind, text)
            else:
                yield _head(_family_name(name, kind), kind, text)
    yield b"# EOF\n"


def odd_families(file: BinaryIO) -> set[bytes]:
    """The names, as the text has them, of families that must be taken apart."""
    kinds: dict[bytes, bytes] = {}
    odd: set[bytes] = set()
    name = kind = b""
    for line in file:
        if line.startswith(b"#"):
            if line.startswith(b"# TYPE "):
                _, _, name, kind = line.split()
                kinds[name] = kind
        elif (b" -" in line or b'"-' in line) and kind in _SAMPLES and _NEGATIVE.search(line):
            odd.add(name)
    for group in ([b"counter"], _SAMPLES):  # a counter gives way first
        every = {name: _names(name, kind, apart=name in odd) for name, kind in kinds.items()}
        taken = Counter(each for names in every.values() for each in names)
        odd |= {n for n, names in every.items() if kinds[n] in group and any(taken[each] > 1 for each in names)}
    return odd


def _names(name: bytes, kind: bytes, *, apart: bool) -> set[bytes]:
    """Those of a family and its samples, also of those that OpenMetrics reserves."""
    names = {name, *(name + suffix for suffix in _SAMPLES.get(kind, ()))}
    family = _family_name(name, kind)
    return names if apart or kind == b"gauge" else {*names, family, family + b"_created"}


def _family_name(name: bytes, kind: bytes) -> bytes:
    return name.removesuffix(b"_total") if kind == b"counter" else name


def _head(name: bytes, kind: bytes, text: bytes) -> bytes:
    return b"# HELP %b %b\n# TYPE %b %b\n" % (name, text.replace(b'"', rb"\""), name, kind)


def _apart(file: BinaryIO, name: bytes, kind: bytes, text: bytes) -> Iterator[bytes]:
    """The family whose samples begin here, read once for each name that they have."""
    start = file.tell()
    for suffix in _SAMPLES.get(kind, (b"",)):
        file.seek(start)
        sample = name + suffix
        yield _head(sample, b"unknown", text)
        for line in file:
            if line.startswith(b"#"):
                file.seek(-len(line), SEEK_CUR)
                break
            if line.startswith((sample + b"{", sample + b" ")):
                yield line
