"""Like operations of one unit of work in one line for each distinct set of dimensions, its kind."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .unit import Unit

FLUSH_OPERATIONS = 1000
FLUSH_SECONDS = 5.0

Lines = list[tuple[str, dict[str, Any]]]
"""(event, fields) of each."""


class Kind(Protocol):
    """The dimensions of an event, compared by identity: there is one object for each distinct set."""

    def lines(self, amounts: list[Any], unit: "Unit") -> Iterator[tuple[str, dict[str, Any]]]:
        """One line of what the operations amount to, or more where one cannot hold it all.

        Amounts are kept as they came, 1,000 at most, so that taking one in costs no more than an append. They are
        added to the figures of their unit here, too.
        """
