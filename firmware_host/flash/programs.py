"""Flash programs that are run as they are: OpenOCD, st-flash, esptool. Each verifies what it has written."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from firmware_host.board_facts import BoardFacts, FlasherFacts
from firmware_host.errors import FlashError, ToolMissing
from firmware_host.flash.firmware import Firmware

#: Programs, and the command that installs each.
_INSTALL = {
    "openocd": "sudo apt-get install --no-install-recommends openocd",
    "st-flash": "sudo apt-get install --no-install-recommends stlink-tools",
    "esptool": "python -m pip install 'esptool>=5'",
}

#: Seconds; a program that waits for a board that is not there does so for ever.
_LONGEST = 180.0

#: Lines of its output that are shown when it fails.
_SHOWN = 12


def _program(name: str) -> str | None:
    """Its path: what pip has installed beside wirq is found without an activated environment, too."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


class ProgramFlasher:
    """Runs one program with the firmware in a file of the kind it takes."""

    def __init__(self, board: BoardFacts, facts: FlasherFacts, firmware: Firmware, probe: str | None = None) -> None:
        self._board = board
        self._facts = facts
        self._firmware = firmware
        self._probe = probe

    def missing(self) -> ToolMissing | None:
        if _program(self._facts.driver):
            return None
        return ToolMissing(
            f"{self._facts.driver} is not installed", hint=_INSTALL[self._facts.driver], tool=self._facts.driver
        )

    def _command(self, directory: Path) -> tuple[list[str], Path, bytes]:
        """The command, and the file that it is given."""
        start, binary = self._firmware.binary()
        arguments = list(self._facts.arguments)
        match self._facts.driver:
            case "openocd":
                file = directory / f"wirq-{self._board.name}.hex"
                serial = ["-c", f"adapter serial {self._probe}"] if self._probe else []
                program = ["-c", f"program {{{file}}} verify reset exit"]
                return ["openocd", *serial, *arguments, *program], file, self._firmware.hex().encode()
            case "st-flash":  # it reads back and compares by itself
                file = directory / f"wirq-{self._board.name}.bin"
                serial = ["--serial", self._probe] if self._probe else []
                return ["st-flash", *serial, "--reset", *arguments, "write", str(file), f"{start:#x}"], file, binary
            case _:  # it compares by itself, too, and counts addresses from the flash's beginning
                file = directory / f"wirq-{self._board.name}.bin"
                port = ["--port-filter", f"serial={self._probe}"] if self._probe else []
                chip = ["--chip", self._facts.target]
                flash = self._board.flash
                offset = start - (flash.origin if flash else 0)
                return ["esptool", *chip, *port, *arguments, "write-flash", f"{offset:#x}", str(file)], file, binary

    def plan(self) -> list[str]:
        command, _, _ = self._command(Path())
        return [shlex.join(command)]

    def run(self) -> str:
        with tempfile.TemporaryDirectory(prefix="wirq-flash-") as name:
            command, file, data = self._command(Path(name))
            file.write_bytes(data)
            try:
                done = subprocess.run(
                    [_program(command[0]) or command[0], *command[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    timeout=_LONGEST,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise FlashError(f"{command[0]} did not end within {_LONGEST:.0f} s") from error
            except OSError as error:
                raise FlashError(f"{command[0]} cannot be run: {error.strerror}") from error
            if done.returncode:
                said = "\n".join(done.stdout.strip().splitlines()[-_SHOWN:])
                raise FlashError(
                    f"{command[0]} failed with exit code {done.returncode}\n{said}",
                    hint=f"it was: {shlex.join(command)}",
                )
        return f"by {self._facts.driver}"
