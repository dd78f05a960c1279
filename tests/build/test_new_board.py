"""A board made from boards/template builds with both toolchains and runs; images suit the loaders of their parts."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import Board, resources
from firmware_host.boards import known_boards, load_board
from firmware_host.build import Options, build, firmware
from firmware_host.build.boot_checksum import crc32_mpeg2
from firmware_host.selector import Target
from firmware_host.sim.qemu import Qemu
from tests.boards.machines import TIMEOUT
from tests.cli import guest_modules


@pytest.fixture
def new_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A copy of the sources in which somebody added a board."""
    root = tmp_path / "checkout"
    for part in ("vm", "boards", "guests"):
        shutil.copytree(resources.path(part), root / part, ignore=shutil.ignore_patterns("__pycache__"))
    directory = root / "boards" / "bench-kit"
    shutil.copytree(root / "boards" / "template", directory)
    facts = directory / "board.toml"
    (directory / "board.toml.template").rename(facts)
    facts.write_text(facts.read_text().replace('name = "template"', 'name = "bench-kit"'))
    monkeypatch.setattr(resources, "root", lambda: root)
    monkeypatch.setenv("WIRQ_CACHE", str(tmp_path / "cache"))
    yield "bench-kit"


def test_the_template_is_no_board() -> None:
    assert "template" not in known_boards()


@pytest.mark.slow
def test_a_board_made_from_the_template_builds_and_runs(new_board: str) -> None:
    assert new_board in known_boards()
    for toolchain in ("gcc", "zig"):
        assert build(Options(new_board, toolchain)).elf.is_file()
    with (
        Qemu(load_board(new_board), firmware(new_board)) as qemu,
        Board(Target(f"qemu:{new_board}", qemu.transport, qemu.tick_hz), timeout=TIMEOUT) as board,
    ):
        assert board.info.name == new_board
        assert board.call(guest_modules.add(), "add", 20, 22) == 42


def test_the_checksum_of_the_rp2040s_boot_is_the_crc_that_the_data_sheet_names() -> None:
    assert crc32_mpeg2(b"123456789") == 0x0376E6E7


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_the_pico_boots_the_image(toolchain: str) -> None:
    """The boot ROM checks 256 bytes and runs them; they go to the vectors behind; the UF2 file holds the same bytes."""
    elf = build(Options("pico", toolchain)).elf
    blocks = [
        elf.with_suffix(".uf2").read_bytes()[at : at + 512]
        for at in range(0, elf.with_suffix(".uf2").stat().st_size, 512)
    ]
    flash = {}
    for block in blocks:
        begin, begin2, flags, address, size, _, count, family = struct.unpack_from("<8I", block)
        assert (begin, begin2, flags & 0x2000, family) == (0x0A324655, 0x9E5D5157, 0x2000, 0xE48BFF56)
        assert count == len(blocks)
        flash[address] = block[32 : 32 + size]
    boot = flash[0x10000000]
    assert len(boot) == 256
    assert struct.unpack("<I", boot[252:])[0] == crc32_mpeg2(boot[:252])
    stack, reset = struct.unpack_from("<2I", flash[0x10000100])
    facts = load_board("pico")
    assert facts.ram is not None
    assert facts.flash is not None
    assert facts.ram.origin < stack <= facts.ram.origin + facts.ram.size
    assert reset & 1
    assert reset in facts.flash
