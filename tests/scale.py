"""How much: what there is time for while working, what CI does besides (TESTS=usual), or all there is (TESTS=full)."""

import os

LEVEL = os.environ.get("TESTS", "quick")
FULL = LEVEL == "full"


def scaled(quick: int, usual: int, full: int) -> int:
    return {"quick": quick, "usual": usual, "full": full}[LEVEL]


def sized(short: int, full: int) -> int:
    return full if FULL else short
