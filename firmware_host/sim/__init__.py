"""The seam to simulators: programs that play a board. Each is one module, found by the scheme of a selector."""

from __future__ import annotations

from typing import Protocol

from firmware_host.transport import Transport


class Simulator(Protocol):
    """A board that was started for us and is ready to talk. `close` ends it and may be called twice."""

    @property
    def transport(self) -> Transport:
        """The board's serial line."""

    @property
    def tick_hz(self) -> int | None:
        """How fast the simulator counts the board's ticks, None if as fast as the firmware believes."""

    def close(self) -> None:
        """Ends the simulator in good order."""
