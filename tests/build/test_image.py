"""Firmware: every board builds with both toolchains and no warning, and a second build does nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import resources
from firmware_host.boards import known_boards, load_board
from firmware_host.build import Options, build, firmware, sizes
from firmware_host.build.generate import build_id_h
from firmware_host.errors import BuildError

TOOLCHAINS = ("zig", "gcc")


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("board", known_boards())
def test_every_board_builds_without_a_warning(board: str, toolchain: str) -> None:
    image = build(Options(board, toolchain))
    assert image.elf.is_file()
    assert image.toolchain == toolchain


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("board", [name for name in known_boards() if load_board(name).ram is not None])
def test_firmware_for_a_chip_fits_it_and_has_its_symbols(board: str, toolchain: str) -> None:
    image = build(Options(board, toolchain))
    whole, vm = sizes.firmware_size(image), sizes.vm_size(image)
    assert whole.flash.size is not None
    assert whole.ram.size is not None
    assert 0 < whole.flash.used <= whole.flash.size
    assert whole.arena + whole.c_stack <= whole.ram.used <= whole.ram.size
    assert whole.c_stack >= 512
    assert 0 < vm.flash < whole.flash.used
    assert vm.rest < vm.flash / 10, "most of the VM must be told by file"
    assert "interpret.c" in vm.files
    assert vm.handler_table_ram == 4 * vm.operations > 0
    assert image.board.flash is not None
    assert sizes.symbol_address(image.elf, "firmware_main") in image.board.flash
    assert image.elf.with_suffix(".hex").read_text().endswith(":00000001FF\n")


def test_what_is_up_to_date_is_found_so_within_a_twentieth_of_a_second() -> None:
    first = firmware("host")
    before = first.stat().st_mtime_ns
    fastest = 1.0
    for _ in range(5):
        start = time.perf_counter()
        assert firmware("host") == first
        fastest = min(fastest, time.perf_counter() - start)
    assert first.stat().st_mtime_ns == before
    assert fastest < 0.05


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources that may be changed, with a cache of its own."""
    root = tmp_path / "copy with space"
    for part in ("vm", "boards"):
        shutil.copytree(resources.path(part), root / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(resources.path("pyproject.toml"), root) if resources.is_checkout() else None
    monkeypatch.setattr(resources, "root", lambda: root)
    monkeypatch.setenv("WIRQ_CACHE", str(tmp_path / "cache"))
    yield root


def build_id(image_directory: Path) -> str:
    return (image_directory / "generated" / "wirq_build_id.h").read_text()


@pytest.mark.slow
def test_a_change_is_built_and_nothing_else_and_gives_another_build_id(copy: Path) -> None:
    options = Options("host")
    first = build(options)
    assert any(name.startswith("vm-") for name in first.compiled)
    old_id = build_id(first.directory)

    source = copy / "vm" / "src" / "digest.c"
    source.write_text(source.read_text() + "\n/* changed */\n")
    second = build(options)
    with_build_id = {
        f"fw-{c.stem}.o" for c in (copy / "boards" / "firmware").glob("*.c") if "build_id" in c.read_text()
    }
    assert with_build_id
    assert set(second.compiled) == {"vm-digest.o", *with_build_id}
    assert build_id(second.directory) != old_id

    source.write_text(source.read_text().replace("\n/* changed */\n", ""))
    build(options)
    assert build_id(first.directory) == old_id, "the same sources have the same id"


@pytest.mark.slow
def test_a_source_that_does_not_compile_is_named_and_the_old_image_is_not_taken_for_the_new(copy: Path) -> None:
    options = Options("host")
    build(options)
    source = copy / "vm" / "src" / "digest.c"
    good = source.read_text()
    source.write_text(good + "\nint broken(\n")
    for _ in range(2):
        with pytest.raises(BuildError, match=r"vm/src/digest\.c"):
            build(options)
    source.write_text(good)
    assert build(options).elf.is_file()


def test_options_do_not_share_a_directory() -> None:
    names = {
        Options("host").directory_name("zig"),
        Options("host").directory_name("gcc"),
        Options("host", variant="sanitize").directory_name("gcc"),
        Options("host", define={"A": "1"}).directory_name("zig"),
        Options("host", define={"A": "2"}).directory_name("zig"),
    }
    assert len(names) == 5


@pytest.mark.parametrize(("board", "variant"), [("host", "no-such-variant"), ("stm32f4", "sanitize")])
def test_a_variant_that_a_board_does_not_have_is_refused(board: str, variant: str) -> None:
    with pytest.raises(BuildError, match=variant):
        build(Options(board, "gcc", variant))


def test_a_build_id_is_eight_bytes_of_an_initialiser() -> None:
    text = build_id_h(bytes(range(8)))
    assert "#define WIRQ_BUILD_ID_BYTES {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07}" in text
