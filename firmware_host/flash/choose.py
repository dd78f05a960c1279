"""Which way of flashing is taken: the first of the board's that is there, or the one that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from firmware_host import plugins
from firmware_host.board_facts import FLASH_DRIVERS, BoardFacts, FlasherFacts
from firmware_host.errors import FlashError, ToolMissing
from firmware_host.flash.firmware import Firmware
from firmware_host.flash.programs import ProgramFlasher
from firmware_host.flash.pyocd import PyocdFlasher
from firmware_host.flash.volumes import VolumeFlasher


class Flasher(Protocol):
    """One way to flash one board with one firmware."""

    def missing(self) -> ToolMissing | None:
        """What it lacks; None if it can be done."""

    def plan(self) -> list[str]:
        """What `run` would do, one step a line."""

    def run(self) -> str:
        """Flashes, and says how it was verified. Raises FlashError."""


@dataclass(frozen=True)
class Choice:
    """The way that was chosen."""

    driver: str
    flasher: Flasher


def _flasher(board: BoardFacts, facts: FlasherFacts, firmware: Firmware, probe: str | None) -> Flasher:
    if facts.driver not in FLASH_DRIVERS:
        added: Flasher = plugins.find(plugins.FLASHERS, facts.driver)(board, facts, firmware, probe)
        return added
    kinds: dict[str, type[VolumeFlasher] | type[PyocdFlasher] | type[ProgramFlasher]] = {
        "uf2": VolumeFlasher,
        "copy": VolumeFlasher,
        "pyocd": PyocdFlasher,
    }
    return kinds.get(facts.driver, ProgramFlasher)(board, facts, firmware, probe)


def choose(
    board: BoardFacts, firmware: Firmware, driver: str | None = None, probe: str | None = None, *, planned: bool = False
) -> Choice:
    """The driver of that name, or the first that can do it. `planned`: what it lacks does not matter, for nothing will
    be done. Raises FlashError if the board has no such way, ToolMissing telling what each way lacks."""
    _check_room(board, firmware)
    rows = [row for row in board.flashers if driver in (None, row.driver)]
    if not rows and driver in plugins.names(plugins.FLASHERS):
        rows = [FlasherFacts(driver, "", "", 0, ())]  # a board need not know of it: `missing` tells whether it can
    if not rows:
        there = ", ".join(row.driver for row in board.flashers)
        raise FlashError(f"{board.name} is not flashed by {driver}", hint=f"ways it has: {there}")
    lacks = []
    for row in rows:
        flasher = _flasher(board, row, firmware, probe)
        missing = flasher.missing()
        if missing is None:
            return Choice(row.driver, flasher)
        lacks.append(f"{row.driver}: {missing}: {missing.hint}")
    if planned:
        return Choice(rows[0].driver, _flasher(board, rows[0], firmware, probe))
    if len(lacks) == 1:
        raise ToolMissing(f"{board.name} was not flashed: {lacks[0].partition(': ')[2]}")
    raise ToolMissing(f"{board.name} was not flashed: none of its ways is there", hint="\n".join(lacks))


def _check_room(board: BoardFacts, firmware: Firmware) -> None:
    flash = board.flash
    for address, data in firmware.parts:
        if flash is None or address not in flash or address + len(data) > flash.origin + flash.size:
            where = f"{flash.origin:#x} to {flash.origin + flash.size:#x}" if flash else "nowhere"
            raise FlashError(
                f"{firmware.name} has {len(data):,} bytes at {address:#x}; the flash of {board.name} is {where}",
                hint="is it the firmware of another board?",
            )
