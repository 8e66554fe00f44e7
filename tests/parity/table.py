"""The tables of docs/migration.md, made of what the tests declare: `python -m tests.parity.table` writes them anew."""

from collections.abc import Sequence

from tests.conftest import ROOT

from .differences import APPLIED, CORRECTIONS, DIFFERENCES, LIMITS, Difference
from .samples import DURATIONS, FAMILIES, GAUGES, SIZES

PAGE = ROOT / "docs/migration.md"
_ORDER = ("django_http_", "django_db_", "django_cache_", "django_model_", "django_migrations_")


def tables() -> dict[str, str]:
    """By their first lines."""
    names = [name for start in _ORDER for name in FAMILIES if name.startswith(start)]
    return dict(
        [
            _table("family", "type", "here", rows=[_family(name) for name in names]),
            _table("correction", "what logemit counts", rows=_reasons(list(CORRECTIONS.values()))),
            _table("limit", "what logemit counts", rows=_reasons(list(LIMITS.values()))),
        ]
    )


def _reasons(differences: Sequence[Difference]) -> list[Sequence[str]]:
    return [(f"`{each.name}`", each.reason) for each in differences]


def _table(*columns: str, rows: Sequence[Sequence[str]]) -> tuple[str, str]:
    head = _line(columns) + _line(["---"] * len(columns))
    return head, head + "".join(map(_line, rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _family(name: str) -> Sequence[str]:
    return f"`{name}`", kind_of(name), ", ".join(f"`{each}`" for each in differences_of(name)) or "same"


def differences_of(name: str) -> list[str]:
    # Of both gauges the same is true; after `migrate` only one of them is not 0.
    asked = APPLIED if name in GAUGES else name
    return [each.name for each in DIFFERENCES if asked in each.families]


def kind_of(name: str) -> str:
    return "histogram" if name in (*DURATIONS, *SIZES) else "gauge" if name in GAUGES else "counter"


def page(text: str) -> str:
    """The page with its tables as they should be."""
    for head, table in tables().items():
        before, found, rest = text.partition(head)
        assert found, f"{PAGE.name} has no table that begins with\n{head}"
        rows = rest.splitlines(keepends=True)
        after = next((place for place, row in enumerate(rows) if not row.startswith("| ")), len(rows))
        text = before + table + "".join(rows[after:])
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
