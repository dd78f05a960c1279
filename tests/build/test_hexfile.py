"""Intel HEX: what is written holds just what the ELF file loads, at the addresses where it loads it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_host.build import hexfile, toolchains

_SCRIPT = """\
ENTRY(reset)
MEMORY { FLASH (rx) : ORIGIN = 0x0800fff0, LENGTH = 64K
         RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 16K }
SECTIONS {
    .text : { *(.text*) *(.rodata*) } >FLASH
    .data : { *(.data*) } >RAM AT>FLASH
    .bss (NOLOAD) : { *(.bss*) } >RAM
    /DISCARD/ : { *(.ARM.exidx*) }
}
"""
_SOURCE = """\
const unsigned char text[40] = {1, 2, 3};
unsigned initialised = 0x11223344;
unsigned zero;
void reset(void);
void reset(void) { *(volatile unsigned *)0x40000000 = text[zero] + initialised; }
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that crosses a 64 KiB border and has data to be copied."""
    directory = tmp_path_factory.mktemp("hex")
    (directory / "a.c").write_text(_SOURCE)
    (directory / "a.ld").write_text(_SCRIPT)
    compiler = toolchains.find("cortex-m0", "zig")
    flags = (*compiler.row.flags, "-Os", "-g", "-ffreestanding", f"-Wl,-T,{directory / 'a.ld'}", "-Wl,--entry=reset")
    command = (*compiler.command, *flags, str(directory / "a.c"), "-o", str(directory / "a.elf"))
    subprocess.run(command, check=True, capture_output=True)
    return directory / "a.elf"


def decode(text: str) -> dict[int, int]:
    """Address and value of every byte; checks each record's checksum and length on the way."""
    memory: dict[int, int] = {}
    upper = 0
    lines = text.splitlines()
    assert lines[-1] == ":00000001FF"
    for line in lines[:-1]:
        record = bytes.fromhex(line.removeprefix(":"))
        assert sum(record) & 0xFF == 0
        length, address, kind, data = record[0], int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        assert length == len(data)
        if kind == 4:
            upper = int.from_bytes(data, "big") << 16
        else:
            assert kind == 0
            assert address + length <= 0x10000, "a row must not run over a 64 KiB border"
            memory |= {upper + address + i: byte for i, byte in enumerate(data)}
    return memory


def test_every_loaded_byte_is_there_once_and_nothing_else(elf: Path) -> None:
    expected = {address + i: byte for address, data in hexfile.contents(elf) for i, byte in enumerate(data)}
    assert decode(hexfile.from_elf(elf)) == expected
    assert {address >> 16 for address in expected} == {0x0800, 0x0801}


def test_data_is_at_its_load_address_in_flash(elf: Path) -> None:
    memory = decode(hexfile.from_elf(elf))
    assert all(0x0800FFF0 <= address < 0x08020000 for address in memory)
    pattern = (0x44, 0x33, 0x22, 0x11)
    assert any(all(memory.get(a + i) == byte for i, byte in enumerate(pattern)) for a in memory)
