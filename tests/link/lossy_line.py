"""A serial line that drops, flips, repeats, swaps and splits bytes by a seeded schedule, between a session and a board.

Time is simulated: no test here sleeps.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Protocol

from firmware_host.link import core


@dataclass(frozen=True)
class Faults:
    """Probabilities per byte, but `split` per write."""

    drop: float = 0.0
    flip: float = 0.0
    repeat: float = 0.0
    swap: float = 0.0
    split: float = 0.0


def damaged(data: bytes, faults: Faults, source: random.Random) -> bytes:
    """The bytes after a stretch of bad line; `split` is not looked at."""
    hit = bytearray()
    for byte in data:
        chance = source.random()
        if chance < faults.drop:
            continue
        if chance < faults.drop + faults.flip:
            hit.append(byte ^ 1 << source.randrange(8))
        elif chance < faults.drop + faults.flip + faults.repeat:
            hit += bytes([byte, byte])
        elif chance < faults.drop + faults.flip + faults.repeat + faults.swap and hit:
            hit.insert(-1, byte)
        else:
            hit.append(byte)
    return bytes(hit)


@dataclass
class Wire:
    """One direction."""

    faults: Faults
    random: random.Random
    waiting: list[tuple[float, bytes]] = field(default_factory=list)

    def send(self, data: bytes, now: float) -> None:
        hit = damaged(data, self.faults, self.random)
        cut = self.random.randrange(len(hit)) if hit and self.random.random() < self.faults.split else 0
        for part, delay in ((hit[:cut], 0.001), (hit[cut:], 0.002)):
            if part:
                self.waiting.append((now + delay, part))

    def due(self, now: float) -> bytes:
        arrived = b"".join(part for at, part in self.waiting if at <= now)
        self.waiting = [(at, part) for at, part in self.waiting if at > now]
        return arrived


class BoardEnd(Protocol):
    """The board's end of a line: the model, or the firmware's link."""

    def receive(self, data: bytes) -> None: ...

    def data_to_send(self) -> bytes: ...


class Line:
    """Runs a session and a board against each other in simulated time."""

    def __init__(
        self, board: BoardEnd, faults: Faults | None = None, seed: int = 1, policy: core.RetryPolicy | None = None
    ) -> None:
        self.board = board
        self.now = 0.0
        self.session = core.Session(nonce=seed, now=0.0, policy=policy)
        self.events: list[core.SessionEvent] = []
        self.sent = bytearray()  # everything the session wrote
        self._to_board = Wire(faults or Faults(), random.Random(seed))
        self._to_host = Wire(faults or Faults(), random.Random(seed + 1))

    def step(self, seconds: float = 0.001) -> None:
        data = self.session.data_to_send(self.now)
        self.sent += data
        if data:
            self._to_board.send(data, self.now)
        self.board.receive(self._to_board.due(self.now))
        answer = self.board.data_to_send()
        if answer:
            self._to_host.send(answer, self.now)
        self.events += self.session.receive(self._to_host.due(self.now), self.now)
        self.now += seconds

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.step()

    def connect(self, timeout: float = 30.0) -> None:
        while not self.session.open:
            assert self.now < timeout, "no welcome"
            self.step()

    def settle(self, timeout: float = 60.0) -> None:
        """Until everything asked is answered."""
        end = self.now + timeout
        while not self.session.idle:
            assert self.now < end, "requests stayed unanswered"
            self.step()

    def of(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def text(self) -> str:
        return b"".join(event.data for event in self.events if isinstance(event, core.Text)).decode(errors="replace")
