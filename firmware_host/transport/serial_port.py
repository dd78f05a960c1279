"""A serial port, through pyserial: the only module that knows it."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import serial

from firmware_host.errors import BoardNotFound, LinkError, PortBusy, PortForbidden, WirqError
from firmware_host.transport import READ_SIZE
from firmware_host.transport.lock import PortLock


class SerialTransport:
    """An exclusively opened serial port. `dtr` and `rts` are set before it opens; None leaves a line to the system."""

    def __init__(self, port: str, *, baud: int = 115200, dtr: bool | None = None, rts: bool | None = None) -> None:
        self._name = port
        self._lock = PortLock(port)
        try:
            self._serial = self._open(port, baud, dtr, rts)
        except BaseException:
            self._lock.close()
            raise
        self._closing = (dtr, rts)

    @staticmethod
    def _open(port: str, baud: int, dtr: bool | None, rts: bool | None) -> serial.Serial:
        exclusive = True if os.name == "posix" else None
        opened = serial.Serial(baudrate=baud, timeout=0, write_timeout=10, exclusive=exclusive)
        opened.port = port
        # Setting a line before open() decides its first level: opening may reset a board.
        if dtr is not None:
            opened.dtr = dtr
        if rts is not None:
            opened.rts = rts
        try:
            opened.open()
        except (serial.SerialException, OSError) as error:
            raise _explained(port, error) from error
        return opened

    @property
    def name(self) -> str:
        return self._name

    def read(self, timeout: float) -> bytes:
        # One blocking byte, then all that is there: in_waiting first would wake up for every byte.
        try:
            self._serial.timeout = max(0.0, timeout)
            data = self._serial.read(1)
            if data and (waiting := self._serial.in_waiting):
                self._serial.timeout = 0
                data += self._serial.read(min(waiting, READ_SIZE))
        except (serial.SerialException, OSError, TypeError) as error:
            raise self._lost(error) from error
        return bytes(data)

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkError(f"{self._name} takes no data since 10 s", hint="is flow control off?") from error
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from error

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        """Sets the modem lines. A PTY has none: that is no error, as it cannot reset anything either."""
        with contextlib.suppress(OSError):
            if dtr is not None:
                self._serial.dtr = dtr
            if rts is not None:
                self._serial.rts = rts

    def close(self) -> None:
        dtr, rts = self._closing
        if self._serial.is_open:
            self.set_lines(dtr=dtr, rts=rts)
            with contextlib.suppress(OSError, serial.SerialException):
                self._serial.close()
        self._lock.close()

    def _lost(self, error: Exception) -> LinkError:
        if not Path(self._name).exists() and os.name == "posix":
            return LinkError(f"{self._name} was unplugged", hint="plug it in again, then repeat the command")
        return LinkError(f"{self._name} failed: {error}")


def _explained(port: str, error: Exception) -> WirqError:
    """Tells absent, busy and forbidden apart (R17)."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EACCES, errno.EPERM):
        group = _group_of(port)
        return PortForbidden(
            f"{port} exists but you may not open it (group {group})",
            hint=f"sudo usermod -aG {group} $USER     then log in again",
            port=port,
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return PortBusy(
            f"{port} is in use by another program", hint=f"find it with: fuser -v {port}, and end it", port=port
        )
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return BoardNotFound(f"there is no port {port}", hint="wirq boards lists those there are", port=port)
    return LinkError(f"cannot open {port}: {error}")


def _group_of(port: str) -> str:
    import grp

    try:
        return grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"
