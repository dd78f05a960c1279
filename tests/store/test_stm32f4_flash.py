"""The driver of the STM32F4's flash, which no emulator at hand has: against a controller that the test plays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_host import resources
from firmware_host.boards import known_boards, load_board
from tests.store.building import HERE, compile_with

BOARDS = [name for name in known_boards() if "STM32F4_FLASH" in load_board(name).define]


@pytest.mark.parametrize("name", BOARDS)
def test_files_are_kept_and_the_controller_is_used_as_its_manual_says(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    store = board.raw["store"]
    facts = {f"BOARD_STORE_{key.upper()}": store[key] for key in ("origin", "size", "sector", "block")}
    facts["BOARD_STM32F4_FLASH"] = board.define["STM32F4_FLASH"]
    assert facts["BOARD_STORE_ORIGIN"] == 0x08020000  # where the 128 KiB sectors begin, with number 5
    assert facts["BOARD_STM32F4_FLASH"] == 5
    played = ["-DCHIP_REGISTER(address)=(*played(address))", "-include", str(HERE / "stm32f4_flash.h")]
    driver = resources.path("boards", "firmware", "stm32f4_flash.c")
    program = tmp_path / "program"
    defines = [f"-D{key}={value:#x}u" for key, value in facts.items()]
    compile_with([*played, *defines, str(driver), str(HERE / "stm32f4_flash.c")], program)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split()[0]) > 10


def test_both_boards_are_tried() -> None:
    assert BOARDS == ["nucleo-f401re", "stm32f4"]
