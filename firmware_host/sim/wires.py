"""The wires of a machine that QEMU plays: lines set from outside, as a device would."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware_host.boards import BoardFacts
from firmware_host.errors import LinkError
from firmware_host.sim.qemu import Qemu
from firmware_host.transport.stream_socket import Listener

_CONNECT_TIMEOUT = 20.0


class Wires:
    """QEMU's qtest connection: sets lines of the machine, and registers, from outside."""

    def __init__(self, connected: socket.socket) -> None:
        self._stream = connected.makefile("rw", encoding="ascii", newline="\n")
        self._socket = connected

    def command(self, line: str) -> str:
        """Its answer, without the OK. Raises LinkError."""
        self._stream.write(line + "\n")
        self._stream.flush()
        answer = ""
        while not answer.startswith(("OK", "FAIL", "ERR")):  # lines of other kinds tell of interrupts
            answer = self._stream.readline()
            if not answer:
                raise LinkError(f"QEMU ended at {line!r}")
        if not answer.startswith("OK"):
            raise LinkError(f"QEMU answers {answer.strip()!r} to {line!r}")
        return answer[2:].strip()

    def read(self, address: int) -> int:
        """The word of a register of the machine."""
        return int(self.command(f"readl {address:#x}"), 16)

    def trigger(self, facts: Mapping[str, Any], settle: Callable[[], object]) -> None:
        """What [target.qemu.inject] says of one source; after each step `settle` lets the board notice it."""
        for level in facts["levels"]:
            self.command(f"set_irq_in {facts['owner']} unnamed-gpio-in {facts['line']} {level}")
            if "pend" in facts:
                register, bit = 0xE000E200 + 4 * (facts["pend"] // 32), facts["pend"] % 32
                self.command(f"writel {register:#x} {1 << bit:#x}")
            settle()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@contextmanager
def wired(board: BoardFacts, elf: Path, extra_args: tuple[str, ...] = ()) -> Iterator[tuple[Qemu, Wires]]:
    """A running QEMU and its wires."""
    listener = Listener()
    try:
        arguments = ["-qtest", f"tcp:127.0.0.1:{listener.port},server=off", "-qtest-log", os.devnull, *extra_args]
        with Qemu(board, elf, arguments) as qemu:
            wires = Wires(listener.accept(_CONNECT_TIMEOUT, lambda: None))
            try:
                yield qemu, wires
            finally:
                wires.close()
    finally:
        listener.close()
