"""The seam to the operating system: what carries bytes to a board and back.

Each transport is one module; nothing outside this package reads or writes a port, a socket or a pipe of a board.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

#: Most bytes that one read returns.
READ_SIZE = 1 << 16


class Transport(Protocol):
    """A byte stream to a board. Not for several threads at once, but `close` may be called twice."""

    @property
    def name(self) -> str:
        """What messages call the other end, such as "/dev/ttyACM0" or "host"."""

    def read(self, timeout: float) -> bytes:
        """What has arrived: at least one byte, or nothing after `timeout` seconds. Raises LinkError when the stream has
        ended."""

    def write(self, data: bytes) -> None:
        """Sends all of it. Raises LinkError when the stream has ended or nothing is taken for seconds."""

    def close(self) -> None:
        """Releases the port. Never raises for a stream that is already gone."""


@runtime_checkable
class LineControl(Protocol):
    """A transport with modem lines. Ask with isinstance: pipes, sockets and PTYs have none."""

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        """Sets the lines; None leaves one alone."""
