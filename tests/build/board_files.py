"""A board directory to spoil: the smallest valid board.toml, with one place changed at a time."""

from __future__ import annotations

from pathlib import Path

VALID = """\
name = "demo"
title = "A board for tests"
machine = "cortex-m0"
flash = { origin = 0x0, size = 0x40000 }
ram = { origin = 0x20000000, size = 0x4000 }
sources = ["board.c"]
linker_script = "board.ld"

[vm]
arena_size = 8192
stack_cells = 256
handler_stack_cells = 64
max_frame = 256

[serial]
baud = 115200

[[source]]
number = 0
name = "uart"
vector = 2

[[source]]
number = 1
name = "timer"
vector = 8

[[source]]
number = 2
name = "button"
vector = 6

[[source]]
number = 3
name = "soft0"

[[pin]]
number = 0
name = "led"
pin = "P0.13"

[define]
PIN_LED_ROW = 13
CLOCK = "hfclk"

[target.chip]
tick_hz = 16000000

[target.qemu]
machine = "microbit"
binary = "qemu-system-arm"

[target.qemu.7]
tick_hz = 1000000
"""


def write_board(directory: Path, text: str = VALID) -> Path:
    """Writes a board directory named demo and returns its board.toml."""
    board = directory / "demo"
    board.mkdir(exist_ok=True)
    (board / "board.c").write_text("int board;\n")
    (board / "board.ld").write_text("ENTRY(reset)\n")
    file = board / "board.toml"
    file.write_text(text)
    return file
