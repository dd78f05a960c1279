"""QMP, the control socket of QEMU: commands and their answers as lines of JSON."""

from __future__ import annotations

import json
import socket
from typing import Any

from firmware_host.errors import LinkError


class Qmp:
    """A negotiated QMP connection. Takes over the connected socket."""

    def __init__(self, connected: socket.socket, timeout: float = 10.0) -> None:
        connected.settimeout(timeout)
        self._socket = connected
        self._stream = connected.makefile("rb")
        self._read()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """Runs a command and returns its answer; events that come before it are passed over. Raises LinkError."""
        message = {"execute": command, **({"arguments": arguments} if arguments else {})}
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise LinkError(f"QEMU's control socket is gone: {error.strerror}") from error
        while True:
            answer = self._read()
            if "error" in answer:
                raise LinkError(f"QEMU refused {command}: {answer['error'].get('desc', answer['error'])}")
            if "return" in answer:
                return answer["return"]

    def _read(self) -> dict[str, Any]:
        try:
            line = self._stream.readline()
        except OSError as error:
            raise LinkError("QEMU's control socket does not answer") from error
        if not line.endswith(b"\n"):  # an end within a line is one, too: QEMU tells of a shutdown while it goes
            raise LinkError("QEMU closed its control socket")
        answer = json.loads(line)
        return answer if isinstance(answer, dict) else {}

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
