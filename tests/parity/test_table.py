"""The tables for those who come from django-prometheus are what the tests show."""

from .samples import FAMILIES
from .table import PAGE, page


def test_the_tables_are_current() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "the tests have changed since: run `python -m tests.parity.table`"
    assert len(FAMILIES) == 34
    assert all(text.count(f"| `{family}` |") == 1 for family in FAMILIES)
