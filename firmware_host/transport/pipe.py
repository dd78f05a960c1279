"""A process whose standard input and output are the board's serial line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from firmware_host.errors import LinkError
from firmware_host.transport import descriptor

#: A process that was told to end and has not after this many seconds is killed.
_END_TIMEOUT = 2.0


class PipeTransport:
    """Starts a program and talks to it. `close` ends it."""

    def __init__(
        self, command: Sequence[str | Path], *, name: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            # A session of its own: Ctrl-C in the terminal is for the tool, which stops the guest and goes on talking.
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise LinkError(f"cannot start {command[0]}: {error.strerror}") from error
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input = self.process.stdin
        self._output = self.process.stdout
        os.set_blocking(self._input.fileno(), False)
        os.set_blocking(self._output.fileno(), False)

    @property
    def name(self) -> str:
        return self._name

    def read(self, timeout: float) -> bytes:
        try:
            return descriptor.read(self._output.fileno(), timeout, self._name)
        except LinkError as error:
            raise self._ended() or error from error

    def write(self, data: bytes) -> None:
        try:
            descriptor.write(self._input.fileno(), data, self._name)
        except LinkError as error:
            raise self._ended() or error from error

    def _ended(self) -> LinkError | None:
        """How the process ended, if it has: more useful than a broken pipe."""
        try:
            code = self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return None
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        return LinkError(f"the {self._name} board's process ended {how}", hint=self.error_output())

    def error_output(self) -> str:
        """The end of what the process wrote to standard error."""
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode(errors="replace").strip()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._input.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_END_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._output.close()
        self._errors.close()
