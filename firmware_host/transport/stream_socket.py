"""A TCP or UNIX socket: boards behind a bridge, and the serial ports of emulators.

pyserial's socket:// is not used: its in_waiting is 0 or 1 whatever has arrived, so reads go byte by byte, and its
open() throws away what the board sent first.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path

from firmware_host.errors import BoardNotFound, LinkError, PortBusy
from firmware_host.transport import descriptor
from firmware_host.transport.lock import PortLock

_Address = tuple[str, int] | Path

#: What a bridge says to a client while it has another one, before it closes.
REFUSAL = b"\r\nin use by another client\r\n"


class SocketTransport:
    """A connected stream socket. `lock` is released when it is closed."""

    def __init__(self, connected: socket.socket, name: str, lock: PortLock | None = None) -> None:
        self._socket = connected
        self._name = name
        self._lock = lock
        self._first = b""
        connected.setblocking(False)

    @property
    def name(self) -> str:
        return self._name

    def read(self, timeout: float) -> bytes:
        try:
            data = descriptor.read(self._socket.fileno(), timeout, self._name)
        except LinkError:
            if self._first == REFUSAL:
                message = f"{self._name} is in use by another client"
                raise PortBusy(message, hint="end it, then try again", port=self._name) from None
            raise
        if len(self._first) <= len(REFUSAL):
            self._first += data[: len(REFUSAL) + 1]
        return data

    def write(self, data: bytes) -> None:
        descriptor.write(self._socket.fileno(), data, self._name)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._lock is not None:
            self._lock.close()


def connect(address: _Address, *, name: str = "", timeout: float = 5.0, exclusive: bool = False) -> SocketTransport:
    """Connects to (host, port), or to a UNIX socket by its path. Raises BoardNotFound if nothing listens there, and
    with `exclusive` PortBusy if another wirq of this computer talks to it already."""
    shown = name or (str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}")
    lock = PortLock(shown) if exclusive else None
    try:
        return SocketTransport(open_socket(address, timeout), shown, lock)
    except OSError as error:
        if lock is not None:
            lock.close()
        reason = error.strerror or str(error)
        raise BoardNotFound(f"nothing answers at {shown}: {reason}", hint="is the board's bridge running?") from error


def open_socket(address: _Address, timeout: float) -> socket.socket:
    """A connected blocking socket. Raises OSError."""
    if isinstance(address, Path):
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(timeout)
            connected.connect(str(address))
        except OSError:
            connected.close()
            raise
        return connected
    connected = socket.create_connection(address, timeout)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


class Listener:
    """A port of the loopback that a program we start connects to: no port number can be taken in between."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def accept(self, timeout: float, alive: Callable[[], None]) -> socket.socket:
        """The connection, once it comes. `alive` raises if the program has ended. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        self._socket.settimeout(0.1)
        while True:
            try:
                connected, _ = self._socket.accept()
            except TimeoutError:
                alive()
                if time.monotonic() >= deadline:
                    raise
                continue
            connected.settimeout(None)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected

    def close(self) -> None:
        self._socket.close()


def connect_when_ready(address: _Address, timeout: float, alive: Callable[[], None]) -> socket.socket:
    """Connects to a program that was just started and may not listen yet. `alive` raises if it has ended."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        try:
            return open_socket(address, max(0.1, deadline - time.monotonic()))
        except OSError:
            alive()
            if time.monotonic() >= deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def free_port() -> int:
    """A TCP port of the loopback that nothing listens on now. Another program may take it: retry on collision."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
