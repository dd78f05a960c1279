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
from pyocd.target import BUILTIN_TARGETS

from firmware_host import FlashError, ToolMissing, resources
from firmware_host.boards import known_boards, load_board
from firmware_host.flash import Firmware
from firmware_host.flash.pyocd import PyocdFlasher

#: Boards whose chips pyOCD knows by itself; others need a CMSIS pack of their maker.
BUILT_IN = [
    name
    for name in known_boards()
    if any(row.driver == "pyocd" and row.target in BUILTIN_TARGETS for row in load_board(name).flashers)
]

#: What of pyOCD would run code on the core.
NO_ALGORITHM = {"chip_erase": "sector", "smart_flash": False, "keep_unwritten": False, "fast_program": False}


class Chip:
    """A board's flash that programs ones to zeroes only, as flash does."""

    def __init__(self, name: str) -> None:
        self.board = load_board(name)
        flash = self.board.flash
        assert flash is not None
        self.origin = flash.origin
        self.memory = bytearray(b"\x55" * flash.size)
        self.facts = next(row for row in self.board.flashers if row.driver == "pyocd")
        parts = ((self.origin, bytes(range(256)) * 8), (self.origin + 0x1000, b"behind a gap"))
        self.firmware = Firmware(parts, "test.elf")
        self.stuck: int | None = None
        self.fails = False
        self.resets = 0

    def read(self, address: int, size: int) -> list[int]:
        return list(self.memory[address - self.origin :][:size])

    def flasher(self) -> PyocdFlasher:
        return PyocdFlasher(self.board, self.facts, self.firmware)


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
            at = address - chip.origin
            chip.memory[at : at + size] = b"\xff" * size

        def program_page(self, address: int, data: Any) -> None:
            for i, byte in enumerate(data):
                chip.memory[address - chip.origin + i] &= byte
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


@pytest.fixture(params=["microbit"])
def chip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Chip:
    """A session with pyOCD's own target for a board whose memory is simulated."""
    chip = Chip(request.param)

    class SimulatedSession:
        def __init__(self) -> None:
            options = {"target_override": chip.facts.target, "no_config": True, "hide_programming_progress": True}
            self.session = Session(FakeProbe(1), auto_open=False, options={**options, **NO_ALGORITHM})
            self.session._board = Board(self.session, chip.facts.target)
            target = self.session.board.target
            core = SimpleNamespace(node_name=None)
            monkeypatch.setattr(type(target), "selected_core", property(lambda self: core))
            region = target.memory_map.get_boot_memory()
            region.flash = simulated_flash(chip)(target, region.algo)
            region.flash.region = region
            monkeypatch.setattr(target, "read_memory_block8", chip.read)
            monkeypatch.setattr(target, "reset", lambda *a, **k: setattr(chip, "resets", chip.resets + 1))

        def __enter__(self) -> Session:
            return self.session

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(PyocdFlasher, "_probes", lambda self: [FakeProbe(1)])
    monkeypatch.setattr(PyocdFlasher, "_session", lambda self, probe: SimulatedSession())
    return chip


@pytest.mark.parametrize("chip", BUILT_IN, indirect=True)
def test_what_is_programmed_is_read_back_and_the_chip_is_reset(chip: Chip) -> None:
    assert chip.flasher().run() == "by reading back"
    for address, data in chip.firmware.parts:
        assert bytes(chip.read(address, len(data))) == data
    assert chip.resets > 0


def test_a_bit_that_stays_wrong_is_told_with_its_address(chip: Chip) -> None:
    chip.stuck = 0x105
    with pytest.raises(FlashError, match="verify failed: the chip has 0x00 at 0x105"):
        chip.flasher().run()


def test_what_pyocd_complains_about_becomes_a_flash_error(chip: Chip) -> None:
    chip.fails = True
    with pytest.raises(FlashError, match=r"pyOCD: .*erase failed"):
        chip.flasher().run()


def test_several_probes_are_refused_and_listed(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PyocdFlasher, "_probes", lambda self: [FakeProbe(1), FakeProbe(2)])
    with pytest.raises(FlashError, match=r"2 debug probes are attached, so nothing was flashed\n  99001") as caught:
        chip.flasher().run()
    assert "wirq -b id:SERIAL flash" in caught.value.hint
    assert set(chip.memory) == {0x55}


def test_without_a_probe_it_says_so() -> None:
    missing = Chip("microbit").flasher().missing()
    assert isinstance(missing, ToolMissing)
    assert "no debug probe is attached" in str(missing)


def test_the_targets_that_boards_name_are_built_in_or_said_to_be_of_a_pack() -> None:
    assert set(BUILT_IN) == {"microbit", "microbit-v2", "nrf52840-dk", "pico"}
    for name in set(known_boards()) - set(BUILT_IN):
        for row in load_board(name).flashers:
            if row.driver == "pyocd":
                text = resources.path("boards", name, "board.toml").read_text()
                assert f"pyocd pack install {row.target}" in text


def test_a_target_of_a_pack_that_is_not_installed_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyOCD's own session says so."""
    monkeypatch.setattr(PyocdFlasher, "_probes", lambda self: [FakeProbe(1)])
    with pytest.raises(FlashError, match="stm32f407vg") as caught:
        Chip("stm32f4").flasher().run()
    assert caught.value.hint == "pyocd pack install stm32f407vg"
