"""What files begin with that were sent and not read yet."""

from collections import defaultdict

from .. import rotation
from ..content import FINGERPRINT_BYTES
from ..positions import Look

_START = 256


class Heads:
    """Of packed files: what is known once they are read may tell where reading of another goes on."""

    def __init__(self) -> None:
        self._packed: set[str] = set()
        self._names: set[str] = set()
        self._names_of_short: set[str] = set()
        """Whose heads are too short to tell: such are told apart by their names, too."""
        self._by_start: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._has_stubs = False

    def add(self, look: Look, head: bytes, before: str = "") -> None:
        """`before` is what its content was packed as when it was read before."""
        names = _names(look)
        self._packed |= {look.packed, before}
        self._names |= names
        if len(head) < FINGERPRINT_BYTES:
            self._names_of_short |= names
        self._by_start[_start(head)].append(head)
        self._has_stubs |= _is_stub(head)

    def has(self, packed: str) -> bool:
        """Whether what is known of a packed file changes with what was sent."""
        return packed in self._packed

    def may_tell_of(self, look: Look, head: bytes) -> bool:
        if not self._names:
            return False
        names = self._names if len(head) < FINGERPRINT_BYTES else self._names_of_short
        if look.packed in self._packed or self._has_stubs or _is_stub(head) or not names.isdisjoint(_names(look)):
            return True
        return any(
            head.startswith(_lines_of(other)) or other.startswith(_lines_of(head))
            for other in self._by_start.get(_start(head), ())
        )


def _names(look: Look) -> set[str]:
    return {look.path, *rotation.bases(look.path)}


def _lines_of(head: bytes) -> bytes:
    """Which a position may be known by."""
    return head[: head.rfind(b"\n") + 1] or head


def _start(head: bytes) -> bytes:
    """The same for all heads of which one goes on where the other ends, but for stubs."""
    return head.partition(b"\n")[0][:_START]


def _is_stub(head: bytes) -> bool:
    return len(head) < _START and b"\n" not in head
