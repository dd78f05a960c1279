"""A transport whose bytes are dropped, flipped and repeated on the way, both ways, by a seeded schedule."""

from __future__ import annotations

import random

from firmware_host.transport import Transport
from tests.link.lossy_line import Faults, damaged


class LossyTransport:
    """Stands before another transport. `faults` may be changed at any time; the stop sequence passes whole."""

    def __init__(self, inner: Transport, faults: Faults, seed: int = 1) -> None:
        self.inner = inner
        self.faults = faults
        self.name = inner.name
        self._random = random.Random(seed)

    def read(self, timeout: float) -> bytes:
        return damaged(self.inner.read(timeout), self.faults, self._random)

    def write(self, data: bytes) -> None:
        self.inner.write(damaged(data, self.faults, self._random))

    def close(self) -> None:
        self.inner.close()
