"""A simulator's process: started out of reach of the terminal's Ctrl-C, its output kept for the message at its end.

It ends with us, however we end: a watchdog holds the other end of a pipe of ours, which the system closes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from firmware_host.errors import LinkError
from firmware_host.transport import Transport


class SimulatedBoard:
    """A simulator that is closed when its block ends. `close` may be called twice."""

    transport: Transport
    _process: SimulatorProcess
    _closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the simulator and waits for its end. May be called twice."""
        if self._closed:
            return
        self._closed = True
        patience = self._quit()
        if hasattr(self, "transport"):
            self.transport.close()
        if hasattr(self, "_process"):
            self._process.end(patience)

    def _quit(self) -> float:
        """Asks it to end; the seconds that this may take before it is forced."""
        raise NotImplementedError


class SimulatorProcess:
    """A running program with its output in a temporary file."""

    def __init__(self, command: Sequence[str | Path], name: str) -> None:
        self._name = name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._output.close()
            raise LinkError(f"cannot start {command[0]}: {error.strerror}") from error
        self._watchdog = _watchdog(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raises LinkError with what it printed if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise LinkError(f"{self._name} ended with status {code}", hint=self.output())

    def output(self) -> str:
        """The end of what it printed."""
        if self._output.closed:
            return ""
        self._output.seek(0)
        return self._output.read()[-2000:].decode(errors="replace").strip()

    def end(self, timeout: float) -> None:
        """Waits for its end, and forces it after `timeout` seconds. May be called twice."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()
        if self._watchdog is not None:
            self._watchdog.communicate(b"\n")
            self._watchdog = None


def _watchdog(pid: int) -> subprocess.Popen[bytes] | None:
    """Kills the process when our end of its input closes before a line came, as when we were killed."""
    if os.name != "posix":
        return None
    command = ["/bin/sh", "-c", 'read -r line || kill -KILL "$1"', "wirq-watchdog", str(pid)]
    null = subprocess.DEVNULL
    with contextlib.suppress(OSError):  # without a shell it is as before: we end it, unless we are killed
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null, start_new_session=True)
    return None


def is_running(pid: int) -> bool:
    """Is there a process of this number, other than one that has ended and that nobody has asked after?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z"
