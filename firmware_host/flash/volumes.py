"""Boards that show a drive and take firmware as a file copied to it: DAPLink, J-Link OB, UF2 boot loaders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from firmware_host.board_facts import BoardFacts, FlasherFacts
from firmware_host.errors import FlashError, ToolMissing
from firmware_host.flash.firmware import Firmware

#: Directories in which systems mount drives by their names: …/LABEL or …/USER/LABEL.
ROOTS = (Path("/media"), Path("/run/media"), Path("/Volumes"), Path("/mnt"))

#: DAPLink and J-Link leave this on the drive when they refused a file.
_FAILURE = "FAIL.TXT"

#: Seconds in which a drive goes away to flash what it was given, and then those in which it comes back.
_LEAVE_TIMEOUT = 5.0
_RETURN_TIMEOUT = 20.0


def mounted(label: str) -> list[Path]:
    """Where drives of that name are mounted; a second one of a name has a number behind it."""
    found = []
    for root in ROOTS:
        for directory in (root, *sorted(one for one in root.glob("*") if one.is_dir())):
            for path in (directory / label, *sorted(directory.glob(f"{label}[0-9]"))):
                if path.is_dir() and path not in found:
                    found.append(path)
    return found


class VolumeFlasher:
    """Copies firmware to the board's drive: as UF2, or as Intel HEX."""

    def __init__(self, board: BoardFacts, facts: FlasherFacts, firmware: Firmware, probe: str | None = None) -> None:
        self._facts = facts
        self._firmware = firmware
        self._name = f"wirq-{board.name}.{'uf2' if facts.driver == 'uf2' else 'hex'}"

    def missing(self) -> ToolMissing | None:
        """Why it cannot be done now."""
        if mounted(self._facts.volume):
            return None
        if self._facts.driver == "uf2":
            hint = "hold BOOTSEL while you plug the board in"
        else:
            hint = "is the board plugged in, and its drive mounted?"
        return ToolMissing(f"no drive {self._facts.volume} is mounted", hint=hint)

    def plan(self) -> list[str]:
        volumes = mounted(self._facts.volume)
        where = volumes[0] if volumes else Path(f"…/{self._facts.volume}")
        return [f"copy {self._name} ({self._firmware.size:,} bytes of {self._firmware.name}) to {where}"]

    def run(self) -> str:
        """Copies the file; returns how it was verified. Raises FlashError, also if several boards show the drive."""
        volumes = mounted(self._facts.volume)
        if len(volumes) != 1:
            listing = "".join(f"\n  {volume}" for volume in volumes)
            raise FlashError(
                f"{len(volumes)} drives are called {self._facts.volume}, so nothing was flashed{listing}",
                hint="unplug all boards but one",
            )
        volume = volumes[0]
        uf2 = self._facts.driver == "uf2"
        data = self._firmware.uf2(self._facts.family) if uf2 else self._firmware.hex().encode()
        refused_before = _refusal(volume)
        try:
            with (volume / self._name).open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            if not uf2:
                raise FlashError(f"copying to {volume} failed: {error.strerror}", hint="plug it in again") from error
            # An RP2040 restarts the moment its last block has arrived, and the drive is gone under our hands.
        if uf2 or self._judged(volume, refused_before):
            return "by the board's own check of the file"
        return "by nothing yet, for its drive did not come back"

    def _judged(self, volume: Path, before: str) -> bool:
        """The board takes its drive away, flashes, and brings it back with its judgement: True if it has done so and
        has nothing against the file, FlashError if it refused it. A refusal that was there `before` says nothing about
        this file as long as the drive has not come anew."""
        came_back = _wait(lambda: not _there(volume), _LEAVE_TIMEOUT) and _wait(lambda: _there(volume), _RETURN_TIMEOUT)
        said = _refusal(volume)
        if said and (came_back or said != before):
            raise FlashError(f"{volume.name} refused the file: {said}")
        return came_back


def _there(volume: Path) -> bool:
    try:
        return volume.is_dir()
    except OSError:  # it is just being taken away
        return False


def _refusal(volume: Path) -> str:
    """What the drive says of a file that it refused; empty if there is no such word on it."""
    try:
        return " ".join((volume / _FAILURE).read_text(errors="replace").split())
    except OSError:
        return ""


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
