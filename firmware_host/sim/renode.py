"""Renode playing a board: headless, controlled through its XML-RPC server, the board's UART as a TCP byte pipe."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_host.boards import BoardFacts, load_board
from firmware_host.errors import BoardNotFound, LinkError, ToolMissing
from firmware_host.sim.process import SimulatedBoard, SimulatorProcess
from firmware_host.transport.stream_socket import SocketTransport, connect_when_ready, free_port

_START_TIMEOUT = 60.0
_LOOPBACK = "127.0.0.1"


def find_program() -> str:
    """Path of renode. Raises ToolMissing."""
    program = shutil.which("renode")
    if program is None:
        raise ToolMissing(
            "renode is not on PATH, so no board was started",
            hint="unpack Renode's portable archive (1.16.1, renode.io), put its directory on PATH; or use -b qemu:…",
            tool="renode",
        )
    return program


class RobotServer:
    """Renode's XML-RPC server: runs commands of its monitor."""

    def __init__(self, port: int) -> None:
        self._proxy = xmlrpc.client.ServerProxy(f"http://{_LOOPBACK}:{port}", allow_none=True)
        self._keyword = ""

    def ready(self) -> bool:
        """Does it answer yet? Finds out how this version spells the keyword for monitor commands."""
        try:
            names = self._proxy.get_keyword_names()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        assert isinstance(names, list)
        plain = {str(name).replace(" ", "").replace("_", "").lower(): str(name) for name in names}
        self._keyword = plain.get("executecommand", "ExecuteCommand")
        return True

    def command(self, line: str) -> str:
        """Runs one line of the monitor and returns what it printed. Raises LinkError with Renode's words."""
        try:
            answer: Any = self._proxy.run_keyword(self._keyword, [line])
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise LinkError(f"Renode did not run {line!r}: {error}") from error
        if answer.get("status") != "PASS":
            raise LinkError(f"Renode refused {line!r}: {str(answer.get('error', '')).strip()}")
        return str(answer.get("return") or "")

    def stop(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._proxy.stop_remote_server()


class Renode(SimulatedBoard):
    """A running Renode with one board. A context manager; leaving it ends Renode."""

    def __init__(self, board: BoardFacts, elf: Path, commands: Sequence[str] = (), *, name: str | None = None) -> None:
        """Loads the board's .resc, which is given the firmware as $bin, attaches its UART, runs `commands`, starts."""
        target = board.renode()
        if target is None:
            raise BoardNotFound(
                f"Renode does not play the board {board.name}", hint="wirq boards --known shows what plays each board"
            )
        program = find_program()
        self.tick_hz: int | None = target.tick_hz
        control, uart = free_port(), free_port()
        command = [program, "--robot-server-port", str(control), "--disable-gui", "--hide-log"]
        self._process = SimulatorProcess(command, "renode")
        self._server = RobotServer(control)
        try:
            self._wait_for_server()
            self._server.command(f"$bin=@{elf}")
            self._server.command(f"include @{target.script}")
            # False: no telnet negotiation, the socket carries the UART's bytes and nothing else.
            self._server.command(f'emulation CreateServerSocketTerminal {uart} "link" false')
            self._server.command(f"connector Connect {target.uart} link")
            line = connect_when_ready((_LOOPBACK, uart), _START_TIMEOUT, self._process.check)
            self.transport = SocketTransport(line, name or f"renode:{board.name}")
            for one in commands:
                self._server.command(one)
            self._server.command("start")
        except OSError as error:
            self.close()
            raise LinkError(f"Renode did not open the board's UART: {error}") from error
        except BaseException:
            self.close()
            raise

    def _wait_for_server(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.ready():
            self._process.check()
            if time.monotonic() >= deadline:
                raise LinkError(f"Renode's server did not answer within {_START_TIMEOUT:.0f} s")
            time.sleep(0.1)

    def command(self, line: str) -> str:
        """Runs one line of Renode's monitor."""
        return self._server.command(line)

    def _quit(self) -> float:
        self._server.stop()
        return 5.0


def start(name: str, commands: Sequence[str] = ()) -> Renode:
    """Builds the firmware of a board if need be, and starts it, after `commands` for Renode's monitor."""
    from firmware_host.build import firmware

    find_program()  # a missing Renode is told before anything is built
    return Renode(load_board(name), firmware(name), commands)
