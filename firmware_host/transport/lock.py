"""The lock of a serial port: one program at a time, and a message that names the other one.

Opening a port exclusively keeps out only those who ask for it too, and tells nobody who holds it. So the tool also
locks a file that says who it is. The operating system drops the lock when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from firmware_host.errors import PortBusy


def lock_directory() -> Path:
    """Where the lock files lie: the same for all users, so that one user's tool sees another's."""
    directory = Path(os.environ.get("WIRQ_LOCKS") or Path(tempfile.gettempdir(), "wirq-locks"))
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            directory.chmod(0o1777)
    return directory


def command_line() -> str:
    """How the user calls what runs now, short enough for a message."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:80] or "python"


class PortLock:
    """Holds the lock of one port until it is closed. Raises PortBusy naming the holder."""

    def __init__(self, port: str) -> None:
        known_as = (
            os.path.realpath(port) if Path(port).is_absolute() else port
        )  # a device has several names, an address one
        self._path = lock_directory() / (re.sub(r"[^A-Za-z0-9]+", "-", known_as).strip("-") + ".lock")
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._read()
            os.close(self._file)
            raise _busy(port, holder) from None
        os.ftruncate(self._file, 0)
        holder = {"pid": os.getpid(), "command": command_line(), "started": time.strftime("%H:%M")}
        os.write(self._file, json.dumps(holder).encode())

    def _read(self) -> dict[str, Any]:
        try:
            holder = json.loads(os.pread(self._file, 4096, 0))
        except (OSError, ValueError):
            return {}
        return holder if isinstance(holder, dict) else {}

    def close(self) -> None:
        """Gives the port free. The file stays: removing it would race with the next holder."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def _busy(port: str, holder: dict[str, Any]) -> PortBusy:
    if not holder:
        return PortBusy(f"{port} is in use by another wirq", hint="end it, then try again", port=port)
    pid, command = holder.get("pid"), holder.get("command")
    message = f"{port} is in use by `{command}` (pid {pid}), started {holder.get('started')}"
    return PortBusy(message, hint="stop it, then try again", port=port, pid=pid, command=command)
