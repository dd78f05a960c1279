"""QEMU playing a board, started so that nothing is lost: paused, serial line and control attached, then let go."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from firmware_host.boards import BoardFacts, QemuTarget
from firmware_host.errors import BoardNotFound, LinkError, ToolMissing
from firmware_host.sim.process import SimulatedBoard, SimulatorProcess
from firmware_host.sim.qmp import Qmp
from firmware_host.transport.stream_socket import Listener, SocketTransport

#: The Debian package of each program.
_PACKAGES = {"qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc"}

_START_TIMEOUT = 20.0


@cache
def find_program(binary: str) -> tuple[str, int]:
    """Path and major version of a QEMU program. Raises ToolMissing naming the package to install."""
    program = shutil.which(binary)
    if program is None:
        raise ToolMissing(
            f"{binary} is not installed, so no board was started",
            hint=f"sudo apt-get install --no-install-recommends {_PACKAGES.get(binary, binary)}",
            tool=binary,
        )
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)\.", done.stdout)
    if found is None:
        raise ToolMissing(f"{program} does not tell its version: {(done.stdout + done.stderr).strip()}", tool=binary)
    return program, int(found[1])


def target_of(board: BoardFacts) -> tuple[str, QemuTarget]:
    """The program that plays the board, and its facts for the version that is installed."""
    target = board.qemu()
    if target is None:
        raise BoardNotFound(
            f"QEMU does not play the board {board.name}", hint="wirq boards --known shows what plays each board"
        )
    program, major = find_program(target.binary)
    return program, board.qemu(major) or target


class Qemu(SimulatedBoard):
    """A running QEMU. A context manager; leaving it quits QEMU so that plugins write their totals."""

    def __init__(
        self,
        board: BoardFacts,
        elf: Path,
        extra_args: Sequence[str] = (),
        *,
        icount: str | None = None,
        name: str | None = None,
    ) -> None:
        """Starts `elf` on the machine that board.toml names, with `extra_args` at the end of the command line.

        `icount` replaces the options of -icount: by default virtual time advances with executed instructions, and idle
        time passes as in reality.
        """
        program, target = target_of(board)
        self.tick_hz: int | None = target.tick_hz
        self._qmp: Qmp | None = None
        # We listen and QEMU connects. TCP, not a UNIX socket: QEMU writes byte by byte, of which a UNIX socket buffers
        # a few hundred, and some of its UARTs lose what the socket does not take.
        control, serial = Listener(), Listener()
        try:
            command = [
                *(program, "-M", target.machine, *target.args),
                *("-display", "none", "-monitor", "none", "-S"),
                *("-kernel", str(elf)),
                *("-qmp", f"tcp:127.0.0.1:{control.port},server=off"),
                *(["-serial", "null"] * target.serial),
                *("-serial", f"tcp:127.0.0.1:{serial.port},server=off,nodelay=on"),
                *("-icount", icount or f"shift={target.icount_shift},align=off,sleep=on"),
                *extra_args,
            ]
            self._process = SimulatorProcess(command, Path(program).name)
            line = serial.accept(_START_TIMEOUT, self._process.check)
            self.transport = SocketTransport(line, name or f"qemu:{board.name}")
            self._qmp = Qmp(control.accept(_START_TIMEOUT, self._process.check))
            self._qmp.execute("cont")
        except TimeoutError as error:
            self.close()
            raise LinkError(f"{Path(program).name} did not connect its serial line") from error
        except BaseException:
            self.close()
            raise
        finally:
            control.close()
            serial.close()

    @property
    def pid(self) -> int:
        """Of QEMU's process."""
        return self._process.pid

    @property
    def qmp(self) -> Qmp:
        """The control connection."""
        if self._qmp is None:
            raise LinkError("QEMU has ended")
        return self._qmp

    def _quit(self) -> float:
        if self._qmp is None:
            return 0.0
        qmp, self._qmp = self._qmp, None
        try:
            qmp.execute("quit")
        except LinkError:
            return 0.0
        finally:
            qmp.close()
        return 10.0


def start(name: str, extra_args: Sequence[str] = ()) -> Qemu:
    """Builds the firmware of a board if need be, and starts it, with `extra_args` for QEMU."""
    from firmware_host.boards import load_board
    from firmware_host.build import firmware

    board = load_board(name)
    target_of(board)  # a missing QEMU is told before anything is built
    return Qemu(board, firmware(name), extra_args)
