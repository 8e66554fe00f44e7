"""Names of metrics and labels as they are shown, where an app may have given others."""

import re
from collections.abc import Collection, Iterable

from .fields import LABEL


def plain_name(name: str, *, is_label: bool = False) -> str:
    """As prometheus_client spells in this format what may only be a name since Prometheus 3: with underscores."""
    kept = re.sub(r"[^a-zA-Z0-9_]" if is_label else r"[^a-zA-Z0-9_:]", "_", name)
    return f"_{kept[1:]}" if kept[:1].isdigit() else kept


def shown_as(names: Iterable[str], own: Collection[str]) -> dict[str, str]:
    """Of names that are none, nothing; those that the family has of its own get exported_, as Prometheus gives it."""
    found = {name: name for name in names if LABEL.fullmatch(name)}
    taken = {*own, *found}
    for name in sorted(found.keys() & set(own)):
        while found[name] in taken:
            found[name] = f"exported_{found[name]}"
        taken.add(found[name])
    return found
