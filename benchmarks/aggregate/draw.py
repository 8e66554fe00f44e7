"""Random values, the same for a seed whatever Python's hash seed is. Log-normal factors are drawn in bulk."""

from random import Random

import numpy as np

_POOL = 1 << 16
FEEDS = 200
USERS = 300


class Draw:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._bulk = np.random.default_rng(seed)
        self._factors: list[float] = []

    def factor(self) -> float:
        """Log-normal about 1: many a little less, few much more."""
        return self.factors(1)[0]

    def factors(self, count: int) -> list[float]:
        if len(self._factors) < count:
            self._factors = self._bulk.lognormal(0.0, 0.55, _POOL).tolist()
        taken = self._factors[-count:]
        del self._factors[-count:]
        return taken

    def about(self, value: int) -> int:
        """A whole number of about the size of `value`; 0 stays 0."""
        return max(1, int(value * self.factor())) if value else 0

    def hex(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def uuid(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def user(self) -> str:
        """The first of them work the most."""
        return str(1 + int(USERS * self.random.random() ** 2))

    def feed(self) -> str:
        return str(1 + int(FEEDS * self.random.random()))
