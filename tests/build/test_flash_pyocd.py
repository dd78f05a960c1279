"""Flashing with pyOCD's real classes: session, target, memory map and loader are its own, the flash is simulated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("pyocd")

from pyocd.board.board import Board
from pyocd.core.exceptions import FlashEraseFailure
from pyocd.core.session import Session
from pyocd.flash.flash import Flash
from pyocd.probe.debug_probe import DebugProbe

from firmware_host import FlashError, ToolMissing
from firmware_host.boards import load_board
from firmware_host.flash import Firmware
from firmware_host.flash.pyocd import PyocdFlasher

SIZE = 0x40000
#: What of pyOCD would run code on the core.
NO_ALGORITHM = {"chip_erase": "sector", "smart_flash": False, "keep_unwritten": False, "fast_program": False}
FIRMWARE = Firmware(((0, bytes(range(256)) * 8), (0x1000, b"behind a gap")), "test.elf")


class Chip:
    """256 KiB of flash that programs ones to zeroes only, as flash does."""

    def __init__(self) -> None:
        self.memory = bytearray(b"\x55" * SIZE)
        self.stuck: int | None = None
        self.fails = False
        self.resets = 0


def simulated_flash(chip: Chip) -> type[Flash]:
    """pyOCD's Flash with its algorithm, which would run on the core, replaced."""

    class SimulatedFlash(Flash):  # type: ignore[misc]
        def init(self, operation: Any, address: Any = None, clock: int = 0, reset: bool = False) -> None:
            self._active_operation = operation

        def uninit(self) -> None:
            self._active_operation = None

        def cleanup(self) -> None:
            pass

        def erase_sector(self, address: int) -> None:
            if chip.fails:
                raise FlashEraseFailure("erase failed", address)
            size = self.get_sector_info(address).size
            chip.memory[address : address + size] = b"\xff" * size

        def program_page(self, address: int, data: Any) -> None:
            for i, byte in enumerate(data):
                chip.memory[address + i] &= byte
            if chip.stuck is not None:
                chip.memory[chip.stuck] = 0

        def start_program_page_with_buffer(self, buffer: int, address: int) -> None:
            self.program_page(address, self._buffers[buffer])

        def load_page_buffer(self, buffer: int, address: int, data: Any) -> None:
            self._buffers = {**getattr(self, "_buffers", {}), buffer: bytes(data)}

        def wait_for_completion(self, timeout: Any = None) -> int:
            return 0

    return SimulatedFlash


class FakeProbe(DebugProbe):  # type: ignore[misc]
    """A probe that is never opened."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    unique_id = property(lambda self: f"9900{self._number}")
    description = property(lambda self: "a simulated probe")
    capabilities = property(lambda self: set())
    associated_board_info = None


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> Chip:
    """A session with pyOCD's own nRF51 target whose memory is simulated."""
    chip = Chip()

    class SimulatedSession:
        def __init__(self) -> None:
            options = {"target_override": "nrf51822", "no_config": True, "hide_programming_progress": True}
            self.session = Session(FakeProbe(1), auto_open=False, options={**options, **NO_ALGORITHM})
            self.session._board = Board(self.session, "nrf51822")
            target = self.session.board.target
            core = SimpleNamespace(node_name=None)
            monkeypatch.setattr(type(target), "selected_core", property(lambda self: core))
            region = target.memory_map.get_boot_memory()
            region.flash = simulated_flash(chip)(target, region.algo)
            region.flash.region = region
            monkeypatch.setattr(target, "read_memory_block8", lambda a, n: list(chip.memory[a : a + n]))
            monkeypatch.setattr(target, "reset", lambda *a, **k: setattr(chip, "resets", chip.resets + 1))

        def __enter__(self) -> Session:
            return self.session

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(PyocdFlasher, "_probes", lambda self: [FakeProbe(1)])
    monkeypatch.setattr(PyocdFlasher, "_session", lambda self, probe: SimulatedSession())
    return chip


def flasher() -> PyocdFlasher:
    board = load_board("microbit")
    return PyocdFlasher(board, next(row for row in board.flashers if row.driver == "pyocd"), FIRMWARE)


def test_what_is_programmed_is_read_back_and_the_chip_is_reset(chip: Chip) -> None:
    assert flasher().run() == "by reading back"
    for address, data in FIRMWARE.parts:
        assert chip.memory[address : address + len(data)] == data
    assert chip.resets > 0


def test_a_bit_that_stays_wrong_is_told_with_its_address(chip: Chip) -> None:
    chip.stuck = 0x105
    with pytest.raises(FlashError, match="verify failed: the chip has 0x00 at 0x105"):
        flasher().run()


def test_what_pyocd_complains_about_becomes_a_flash_error(chip: Chip) -> None:
    chip.fails = True
    with pytest.raises(FlashError, match=r"pyOCD: .*erase failed"):
        flasher().run()


def test_several_probes_are_refused_and_listed(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PyocdFlasher, "_probes", lambda self: [FakeProbe(1), FakeProbe(2)])
    with pytest.raises(FlashError, match=r"2 debug probes are attached, so nothing was flashed\n  99001") as caught:
        flasher().run()
    assert "wirq -b id:SERIAL flash" in caught.value.hint
    assert chip.memory == b"\x55" * SIZE


def test_without_a_probe_it_says_so() -> None:
    missing = flasher().missing()
    assert isinstance(missing, ToolMissing)
    assert "no debug probe is attached" in str(missing)


@pytest.mark.parametrize("name", ["microbit"])
def test_pyocd_knows_the_targets_that_boards_name(name: str) -> None:
    from pyocd.target import BUILTIN_TARGETS

    for row in load_board(name).flashers:
        if row.driver == "pyocd":
            assert row.target in BUILTIN_TARGETS
