"""The tables for those who come from django-prometheus are what the tests show."""

from cli.leaving import families

from .differences import CORRECTIONS, LIMITS
from .samples import FAMILIES
from .table import PAGE, differences_of, kind_of, page


def test_the_tables_are_current() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "the tests have changed since: run `python -m tests.parity.table`"
    assert len(FAMILIES) == 34
    assert all(text.count(f"| `{family}` |") == 1 for family in FAMILIES)


def test_what_is_shipped_is_what_the_tests_declare() -> None:
    """logemit audit tells of each family, and in what it differs, from families.toml."""
    shipped = [each for each in families.FAMILIES if each.source != "prometheus_client"]
    assert {each.name: (each.type, list(each.differences)) for each in shipped} == {
        name: (kind_of(name), differences_of(name)) for name in FAMILIES
    }
    assert len(shipped) == len(FAMILIES)
    assert (families.CORRECTIONS.keys(), families.LIMITS.keys()) == (CORRECTIONS.keys(), LIMITS.keys())
