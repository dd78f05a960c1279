"""The gdb stub of an emulator: the machine stopped at an exact instruction, its memory and registers read.

Only what QEMU's stub needs is spoken: one processor, nothing but packets that are acknowledged.
"""

from __future__ import annotations

import socket

from firmware_host.errors import LinkError

#: Number of the program counter among the registers of a Cortex-M.
PC = 15

_STOP_REPLIES = (b"T", b"S")
_NO_INTERRUPTS, _INTERRUPTS = 7, 1  # bits of QEMU's qqemu.sstep: step; keep interrupts; keep timers off


class GdbStub:
    """A connected gdb stub; the machine is stopped. Takes over the socket."""

    def __init__(self, connected: socket.socket, timeout: float = 10.0) -> None:
        self._socket = connected
        self._socket.settimeout(timeout)
        self._received = b""
        self._breakpoints: set[int] = set()
        self.ask("qXfer:features:read:target.xml:0,fff")  # without it QEMU tells no single register

    # ---- running ----

    def set_breakpoint(self, address: int, size: int = 2) -> None:
        self._expect_ok(f"Z0,{address:x},{size}")
        self._breakpoints.add(address)

    def clear_breakpoint(self, address: int, size: int = 2) -> None:
        self._expect_ok(f"z0,{address:x},{size}")
        self._breakpoints.discard(address)

    def go_on(self, timeout: float) -> bool:
        """Lets the machine run until a breakpoint. False if none was met in time: then it was stopped where it is."""
        if self.pc() in self._breakpoints:
            self.step()
            if self.pc() in self._breakpoints:
                return True
        self.let_go()
        return self.wait(timeout)

    def let_go(self) -> None:
        """Lets the machine run; `wait` waits for it to stop again."""
        self._send("c")

    def wait(self, timeout: float) -> bool:
        """As go_on, of a machine that runs."""
        before = self._socket.gettimeout()
        self._socket.settimeout(timeout)
        try:
            self._stopped(self._receive())
            return True
        except TimeoutError:
            self._socket.settimeout(before)
            self._socket.sendall(b"\x03")
            self._stopped(self._receive())
            return False
        finally:
            self._socket.settimeout(before)

    def step(self, count: int = 1) -> None:
        """Executes so many instructions."""
        for _ in range(count):
            self._send("s")
            self._stopped(self._receive())

    def step_into_interrupts(self, into: bool) -> None:
        """Whether interrupts that are pending are taken, and time goes on, while stepping."""
        self._expect_ok(f"Qqemu.sstep={_INTERRUPTS if into else _NO_INTERRUPTS:x}")

    # ---- looking ----

    def register(self, number: int) -> int:
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def pc(self) -> int:
        return self.register(PC)

    def memory(self, address: int, length: int) -> bytes:
        """Raises LinkError where there is none."""
        found = b""
        while len(found) < length:
            piece = min(length - len(found), 0x400)
            answer = self.ask(f"m{address + len(found):x},{piece:x}")
            if answer.startswith("E"):
                raise LinkError(f"the emulator has no memory at {address + len(found):#x}")
            found += bytes.fromhex(answer)
        return found

    # ---- packets ----

    def ask(self, command: str) -> str:
        self._send(command)
        return self._receive().decode("ascii")

    def _expect_ok(self, command: str) -> None:
        answer = self.ask(command)
        if answer != "OK":
            raise LinkError(f"the emulator's gdb stub answers {answer!r} to {command!r}")

    def _send(self, command: str) -> None:
        data = command.encode("ascii")
        try:
            self._socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))
        except OSError as error:
            raise LinkError(f"the emulator's gdb stub is gone: {error.strerror}") from error

    def _receive(self) -> bytes:
        """The next packet. Raises TimeoutError, LinkError."""
        while True:
            begin = self._received.find(b"$")
            end = self._received.find(b"#", begin + 1)
            if begin >= 0 and 0 <= end <= len(self._received) - 3:
                packet, self._received = self._received[begin + 1 : end], self._received[end + 3 :]
                self._socket.sendall(b"+")
                return packet
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                raise
            except OSError as error:
                raise LinkError(f"the emulator's gdb stub is gone: {error.strerror}") from error
            if not data:
                raise LinkError("the emulator closed its gdb stub")
            self._received += data

    @staticmethod
    def _stopped(reply: bytes) -> None:
        if not reply.startswith(_STOP_REPLIES):
            raise LinkError(f"the emulator's gdb stub answers {reply!r} instead of stopping")

    def close(self) -> None:
        self._socket.close()
