"""Boards as these tests need them: programs for them, lines set from outside, a plain terminal instead of a session."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware_host import Board, resources
from firmware_host.boards import known_boards, load_board
from firmware_host.build import firmware
from firmware_host.build.guest import compile_c
from firmware_host.link import core, messages
from firmware_host.selector import Target
from firmware_host.sim.host import HostBoard
from firmware_host.sim.qemu import Qemu, target_of
from firmware_host.sim.wires import Wires
from firmware_host.sim.wires import wired as opened_with_wires
from firmware_host.transport import Transport
from firmware_host.transport.pipe import PipeTransport
from firmware_host.wasm import Module

PROGRAMS = Path(__file__).parent / "programs"
QEMU_BOARDS = [name for name in known_boards() if load_board(name).qemu() is not None]
SMALL_BOARDS = ["microbit", "hifive1"]

#: For everything that happens on an emulator while the tests of others run, too.
TIMEOUT = 30.0


def compiled(source: Path, directory: Path, **options: Any) -> bytes:
    """The module of a C program as it is sent: without names."""
    module = compile_c(source, directory / f"{source.stem}.wasm", **options).read_bytes()
    return Module.parse(module).strip()


def example(name: str) -> Path:
    return resources.path("examples", name, f"{name}.c")


@contextmanager
def wired(name: str) -> Iterator[tuple[Board, Wires]]:
    """An emulated board with a session and its wires."""
    with (
        opened_with_wires(load_board(name), firmware(name)) as (qemu, wires),
        Board(Target(f"qemu:{name}", qemu.transport, qemu.tick_hz), timeout=TIMEOUT) as board,
    ):
        yield board, wires


def inject_facts(name: str) -> Mapping[str, Mapping[str, Any]]:
    """How to raise the lines of an emulated board from outside."""
    return target_of(load_board(name))[1].inject


class Terminal:
    """A plain terminal at a board's serial line. `load` and `run` open a session for themselves and end it again."""

    def __init__(self, transport: Transport, tick_hz: int | None = None) -> None:
        self._transport = transport
        self._tick_hz = tick_hz
        self.text = ""
        self._position = 0

    def type(self, text: str | bytes) -> None:
        self._transport.write(text.encode() if isinstance(text, str) else text)

    def expect(self, pattern: str, timeout: float = TIMEOUT) -> re.Match[str]:
        deadline = time.monotonic() + timeout
        while not (match := re.compile(pattern, re.MULTILINE).search(self.text, self._position)):
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} did not come; printed: {self.text[self._position :]!r}"
            self.text += self._transport.read(min(left, 0.2)).decode(errors="replace")
        self._position = match.end()
        return match

    def quiet(self, seconds: float) -> str:
        """What comes within that time."""
        deadline = time.monotonic() + seconds
        before = self._position
        while (left := deadline - time.monotonic()) > 0:
            self.text += self._transport.read(left).decode(errors="replace")
        self._position = len(self.text)
        return self.text[before:]

    def start(self, module: bytes) -> None:
        """Loads a module and runs it; the session is over when this returns."""
        import hashlib

        session = _Session(self._transport, self)
        if self._tick_hz is not None:
            session.ask("control.set_tick", hz=self._tick_hz)
        digest = hashlib.sha256(module).digest()
        offset = session.ask("files.begin", size=len(module), sha256=digest, name="")["offset"]
        while offset < len(module):
            piece = module[offset : offset + 64]
            offset = session.ask("files.write", offset=offset, data=piece)["next"]
        session.ask("files.commit")
        session.ask("app.instantiate", flags=0, name="")
        session.ask("app.run", instance=0)
        session.bye()

    def start_timers(self, count: int, every_us: int) -> None:
        """Has soft0 raised for ever by so many timers; the session is over when this returns."""
        session = _Session(self._transport, self)
        for _ in range(count):
            session.ask("irq.raise", source=3, count=0xFFFFFFFF, after_us=0, every_us=every_us)
        session.bye()


class _Session:
    def __init__(self, transport: Transport, terminal: Terminal) -> None:
        self._transport, self._terminal = transport, terminal
        self._session = core.Session(1, time.monotonic())
        self._answers: dict[int, messages.Response] = {}
        self._until(lambda: self._session.open)

    def _until(self, done: Any) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not done():
            assert time.monotonic() < deadline, "the board does not answer"
            self._send()
            for event in self._session.receive(self._transport.read(0.02), time.monotonic()):
                if isinstance(event, core.Answered):
                    self._answers[event.request_id] = event.response
                elif isinstance(event, core.Text):
                    self._terminal.text += event.data.decode(errors="replace")

    def _send(self) -> None:
        if data := self._session.data_to_send(time.monotonic()):
            self._transport.write(data)

    def ask(self, name: str, /, **values: Any) -> messages.Values:
        request = self._session.request(messages.COMMANDS[name], values)
        self._until(lambda: request in self._answers)
        answer = self._answers.pop(request)
        assert answer.status == 0, f"{name}: {answer}"
        return answer.values

    def bye(self) -> None:
        self._session.say_bye()
        self._send()


@contextmanager
def terminal(name: str) -> Iterator[Terminal]:
    """A plain terminal at the `host` board or at an emulated one."""
    if name == "host":
        host = HostBoard()
        try:
            yield Terminal(host.transport)
        finally:
            host.close()
    else:
        with Qemu(load_board(name), firmware(name)) as qemu:
            yield Terminal(qemu.transport, qemu.tick_hz)


@contextmanager
def host_process() -> Iterator[tuple[Board, int]]:
    """The `host` board with a session, and its process id."""
    host = HostBoard()
    assert isinstance(host.transport, PipeTransport)
    with Board(Target("host", host.transport), timeout=TIMEOUT) as board:
        yield board, host.transport.process.pid


@contextmanager
def host_with_line(*options: str) -> Iterator[str]:
    """The `host` board as a program whose serial line is a pseudo terminal or a TCP port, and that line's name."""
    command = [str(firmware("host")), *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process.stderr.readline().strip()
        finally:
            process.terminate()


def press_button(process: int) -> None:
    os.kill(process, signal.SIGUSR2)
