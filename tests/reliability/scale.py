"""How often: a few minutes with the other tests, and as `make test-reliability` before a release."""

import os

FULL = os.environ.get("RELIABILITY") == "full"


def times(quick: int, full: int) -> int:
    return full if FULL else quick
