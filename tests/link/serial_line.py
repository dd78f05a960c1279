"""A serial line in simulated time between a host's connection and the firmware's own link: so many baud, and so long
until the host's driver hands over what has come. Faults hit single bytes of either direction."""

from __future__ import annotations

import random
from collections import deque

from firmware_host.errors import LinkError
from tests.link.firmware_link import FirmwareLink
from tests.link.lossy_line import Faults, damaged

#: A byte with its start and stop bit.
BITS = 10


class SerialLine:
    """A transport whose `read` lets the time pass. `cut` after a number of bytes to the board: the line is dead."""

    def __init__(
        self,
        board: FirmwareLink,
        *,
        baud: int = 115200,
        turnaround: float = 0.016,
        faults: Faults | None = None,
        seed: int = 1,
        cut_after: int | None = None,
    ) -> None:
        self.name = "line"
        self.board = board
        self.now = 0.0
        self.written = bytearray()  #: all that the host wrote
        self.bytes_to_board = 0
        self.faults = faults or Faults()
        self.cut_after = cut_after
        self._random = random.Random(seed)
        self._byte_time = BITS / baud
        self._turnaround = turnaround
        self._outgoing: deque[int] = deque()  # written by the host and not yet on the wire
        self._returning: deque[int] = deque()  # written by the board and not yet on the wire
        self._arriving: deque[tuple[float, int]] = deque()  # at the host

    def clock(self) -> float:
        return self.now

    def _step(self) -> None:
        """One byte time passes."""
        self.now += self._byte_time
        if self._outgoing:
            self.bytes_to_board += 1
            self.board.interrupt(damaged(bytes([self._outgoing.popleft()]), self.faults, self._random), self.now)
        if not self._returning:  # the firmware waits for its transmitter
            self.board.poll()
            self._returning.extend(self.board.data_to_send())
        if self._returning:
            for byte in damaged(bytes([self._returning.popleft()]), self.faults, self._random):
                self._arriving.append((self.now + self._turnaround, byte))

    def read(self, timeout: float) -> bytes:
        end = self.now + timeout
        while True:
            if self.cut_after is not None and self.bytes_to_board >= self.cut_after:
                raise LinkError("line was unplugged")
            data = bytearray()
            while self._arriving and self._arriving[0][0] <= self.now:
                data.append(self._arriving.popleft()[1])
            if data or self.now >= end:
                return bytes(data)
            self._step()

    def write(self, data: bytes) -> None:
        self.written += data
        self._outgoing.extend(data)

    def close(self) -> None:
        pass
