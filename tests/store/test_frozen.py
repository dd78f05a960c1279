"""Modules frozen into the firmware: run in place at boot, without a tool and without flash for files."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import Board, BoardError
from firmware_host.boards import load_board
from firmware_host.build import Options, build
from firmware_host.build.image import FrozenModule
from firmware_host.selector import Target
from firmware_host.sim.qemu import Qemu
from firmware_host.transport.pipe import PipeTransport
from tests import needs
from tests.boards import machines
from tests.cli import guest_modules

TIMEOUT = 20.0


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> tuple[FrozenModule, ...]:
    directory = tmp_path_factory.mktemp("frozen")
    module = machines.compiled(machines.PROGRAMS / "small.c", directory, stack_size=256)
    return FrozenModule.of("small.wasm", module), FrozenModule.of("add.wasm", guest_modules.add())


@pytest.fixture(scope="module")
def host_firmware(frozen: tuple[FrozenModule, ...]) -> Path:
    return build(Options("host", frozen=frozen)).elf


def test_the_first_frozen_module_starts_at_boot(host_firmware: Path) -> None:
    with Board(Target("host", PipeTransport([host_firmware], name="host")), timeout=TIMEOUT) as board:
        board.console.expect("running\n", TIMEOUT)


def test_frozen_modules_are_listed_called_and_cannot_be_removed(host_firmware: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [host_firmware, "--store", tmp_path / "flash"]
    with Board(Target("host", PipeTransport(command, name="host")), timeout=TIMEOUT) as board:
        board.halt()
        assert [(file.name, file.frozen, file.autostart) for file in board.files] == [
            ("small.wasm", True, True),
            ("add.wasm", True, False),
        ]
        assert board.files.get("add.wasm") == guest_modules.add()
        assert board.instantiate(stored="add.wasm").invoke("add", [4, 5]) == [9]
        with pytest.raises(BoardError, match="frozen"):
            board.files.remove("add.wasm")


def test_another_module_or_none_can_be_chosen_instead(host_firmware: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [host_firmware, "--store", tmp_path / "flash"]
    with Board(Target("host", PipeTransport(command, name="host")), timeout=TIMEOUT) as board:
        board.halt()
        board.files.set_autostart(None)
        board.reset()
        board.wait(0.8)
        assert not board.halt()
        assert "running" not in board.console.unread
        board.files.put(guest_modules.add(), "small.wasm")  # stands in front of the frozen one
        assert board.instantiate(stored="small.wasm").invoke("add", [4, 5]) == [9]
        board.files.remove("small.wasm")
        assert [file.frozen for file in board.files if file.name == "small.wasm"] == [True]


@pytest.mark.slow
def test_a_frozen_module_runs_on_a_chip_from_its_image(frozen: tuple[FrozenModule, ...]) -> None:
    needs.program("qemu-system-arm", "a frozen module on an emulated chip")
    image = build(Options("microbit", frozen=frozen))
    assert image.elf != build(Options("microbit")).elf
    with Qemu(load_board("microbit"), image.elf) as qemu:
        terminal = machines.Terminal(qemu.transport, qemu.tick_hz)
        terminal.expect("running")
