"""A pseudo-terminal: a process behind a real terminal line discipline, as a serial port is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import termios
import tty
from collections.abc import Sequence
from pathlib import Path

from firmware_host.errors import LinkError
from firmware_host.transport import descriptor


class PtyTransport:
    """Starts a program on a pseudo-terminal in raw mode and talks to it. `close` ends it."""

    def __init__(self, command: Sequence[str | Path], *, name: str) -> None:
        self._name = name
        self._master, slave = open_raw()
        try:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=slave,
                stdout=slave,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._master)
            raise LinkError(f"cannot start {command[0]}: {error.strerror}") from error
        finally:
            os.close(slave)

    @property
    def name(self) -> str:
        return self._name

    def read(self, timeout: float) -> bytes:
        return descriptor.read(self._master, timeout, self._name)

    def write(self, data: bytes) -> None:
        descriptor.write(self._master, data, self._name)

    def close(self) -> None:
        if self._master >= 0:
            with contextlib.suppress(OSError):
                os.close(self._master)
            self._master = -1
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def open_raw() -> tuple[int, int]:
    """Both ends of a new pseudo-terminal that changes no byte: (master, slave), the master non-blocking."""
    master, slave = os.openpty()
    tty.setraw(slave, termios.TCSANOW)
    os.set_blocking(master, False)
    return master, slave
