"""Keeps a simulated board reachable for others: a TCP port whose clients come and go while the board runs on."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable

from firmware_host.connection import Connection
from firmware_host.errors import LinkError
from firmware_host.selector import Target
from firmware_host.transport import Transport, descriptor
from firmware_host.transport.stream_socket import REFUSAL

_LOOPBACK = "127.0.0.1"
_POLL = 0.02


class _Kept:
    """A transport that stays open when the session that uses it ends."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.name = transport.name
        self.read = transport.read
        self.write = transport.write

    def close(self) -> None:
        pass


def prepare(target: Target, timeout: float) -> None:
    """Waits until the firmware answers, and tells it the tick rate that clients of a tcp: selector could not know."""
    connection = Connection(_Kept(target.transport), timeout=timeout)
    try:
        connection.open()
        if target.tick_hz is not None:
            connection.request("control.set_tick", hz=target.tick_hz)
    finally:
        connection.close()


class Bridge:
    """A listening port of this computer, joined to a board's serial line. One client at a time; text that comes while
    there is none is for nobody."""

    def __init__(self, transport: Transport, port: int = 0) -> None:
        """Port 0 takes a free one. Raises LinkError if the port cannot be had."""
        self._transport = transport
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((_LOOPBACK, port))
        except OSError as error:
            self._listener.close()
            raise LinkError(f"port {port} cannot be opened: {error.strerror}") from error
        self._listener.listen(1)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._refused: list[socket.socket] = []  # told why, until they close

    def serve(self, told: Callable[[str], None] = lambda what: None) -> None:
        """Carries bytes both ways until the board ends (LinkError) or this is interrupted. `told` hears of clients."""
        while True:
            data = self._transport.read(_POLL)
            if data and self._client is not None:
                with contextlib.suppress(LinkError):  # it has gone, as reading will tell
                    descriptor.write(self._client.fileno(), data, "the client")
            waiting = [self._listener, *self._refused, *([self._client] if self._client is not None else [])]
            ready = select.select(waiting, [], [], 0)[0]
            if self._client in ready:  # before the next one: that this one has left may be what it says
                self._from_client(told)
            for refused in [one for one in self._refused if one in ready]:
                self._from_refused(refused)
            if self._listener in ready:
                self._accept(told)

    def _accept(self, told: Callable[[str], None]) -> None:
        client, _ = self._listener.accept()
        client.setblocking(False)
        if self._client is not None:  # one line, one user: the board would mix two sessions up
            # Closing at once, with its hello unread, would reset the connection and lose the reason.
            with contextlib.suppress(OSError):
                client.send(REFUSAL)
                client.shutdown(socket.SHUT_WR)
            self._refused.append(client)
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        told("connected")

    def _from_refused(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if client.recv(4096):
                return
        self._refused.remove(client)
        client.close()

    def _from_client(self, told: Callable[[str], None]) -> None:
        """Everything that has come, and the end if it has come too."""
        assert self._client is not None
        data = b"more"
        while data:
            try:
                data = self._client.recv(4096)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            self._transport.write(data)
        self._client.close()
        self._client = None
        told("disconnected")

    def close(self) -> None:
        for client in [*self._refused, *([self._client] if self._client is not None else [])]:
            client.close()
        self._listener.close()
