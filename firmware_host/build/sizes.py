"""Reads sizes out of a built firmware: flash and RAM of the whole, flash of the VM and of each of its files.

Sizes come from the ELF file alone and mean the same for every toolchain: sections and segments for the whole, the
symbols __wirq_vm_start and __wirq_vm_end for the VM, and each object file's symbols for its parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_host.build.image import Image
from firmware_host.errors import BuildError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

_SHF_WRITE, _SHF_ALLOC = 1, 2


@dataclass(frozen=True)
class Memory:
    """Use of one memory, in bytes; `size` is None where the memory has no limit of its own (hosted boards)."""

    used: int
    size: int | None


@dataclass(frozen=True)
class FirmwareSize:
    """Flash and RAM of a firmware. `static` is .data and .bss with the arena, `c_stack` the room for the C stack."""

    flash: Memory
    ram: Memory
    static: int
    arena: int
    c_stack: int


@dataclass(frozen=True)
class VmSize:
    """Flash of the VM in bytes: text and read-only data.

    `files` has each source file's share by symbols; `rest` is what no symbol covers (string literals, jump tables,
    alignment). `handler_table_ram` is the table of handlers in RAM, which belongs to the VM, not to a module (R62).
    """

    flash: int
    files: dict[str, int]
    rest: int
    handler_table_ram: int
    operations: int


def firmware_size(image: Image) -> FirmwareSize:
    """What the firmware takes of the board's flash and RAM."""
    from elftools.elf.elffile import ELFFile

    board = image.board
    with image.elf.open("rb") as stream:
        elf = ELFFile(stream)
        sections = [s for s in elf.iter_sections() if s["sh_flags"] & _SHF_ALLOC and s["sh_size"]]
        symbols = _symbols(elf)
        if board.ram is None or board.flash is None:
            static = sum(s["sh_size"] for s in sections if s["sh_flags"] & _SHF_WRITE)
            flash = Memory(sum(s["sh_size"] for s in sections) - static, None)
            return FirmwareSize(flash, Memory(static, None), static, board.vm.arena_size, 0)
        loaded = (s for s in elf.iter_segments("PT_LOAD") if s["p_paddr"] in board.flash)
        flash = Memory(sum(s["p_filesz"] for s in loaded), board.flash.size)
        in_ram = [s for s in sections if s["sh_addr"] in board.ram]
        bottom, top = symbols.get("__stack_bottom", 0), symbols.get("__stack_top", 0)
        stack_sections = [s for s in in_ram if bottom <= s["sh_addr"] < top]
    c_stack = top - bottom
    static = sum(s["sh_size"] for s in in_ram) - sum(s["sh_size"] for s in stack_sections)
    return FirmwareSize(flash, Memory(static + c_stack, board.ram.size), static, board.vm.arena_size, c_stack)


def vm_size(image: Image) -> VmSize:
    """What the VM takes of the flash, and which of its files takes how much."""
    from elftools.elf.elffile import ELFFile

    owners = _owners(sorted(image.objects.glob("vm-*.o")))
    with image.elf.open("rb") as stream:
        elf = ELFFile(stream)
        writable = {i for i, s in enumerate(elf.iter_sections()) if s["sh_flags"] & _SHF_WRITE}
        files = _by_file(elf, owners, writable)
        symbols = _symbols(elf)
        pointer = elf.elfclass // 8
    start, end = symbols.get("__wirq_vm_start"), symbols.get("__wirq_vm_end")
    covered = sum(files.values())
    flash = end - start if start is not None and end is not None else covered
    operations = _operations(image.headers)
    return VmSize(
        flash=flash,
        files=dict(sorted(files.items(), key=lambda item: -item[1])),
        rest=max(0, flash - covered),
        handler_table_ram=operations * pointer,
        operations=operations,
    )


def symbol_address(elf_file: Path, name: str) -> int:
    """Address of a symbol, without the Thumb bit of Arm code. Raises BuildError if the image has none of that name."""
    from elftools.elf.elffile import ELFFile

    with elf_file.open("rb") as stream:
        elf = ELFFile(stream)
        address = _symbols(elf).get(name)
        thumb = elf["e_machine"] == "EM_ARM"
    if address is None:
        raise BuildError(f"{elf_file.name} has no symbol {name}")
    return address & ~1 if thumb else address


def _symbols(elf: ELFFile) -> dict[str, int]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return {}
    return {s.name: s["st_value"] for s in table.iter_symbols() if s.name and s["st_shndx"] != "SHN_UNDEF"}


def _owners(objects: list[Path]) -> dict[tuple[str, str], str]:
    """Which object defines a symbol: by (source file, name) for local symbols, by ("", name) for global ones."""
    from elftools.elf.elffile import ELFFile

    owners: dict[tuple[str, str], str] = {}
    for path in objects:
        part = path.stem.removeprefix("vm-") + ".c"
        with path.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".symtab")
            file = ""
            for symbol in table.iter_symbols() if table else ():
                kind, shndx = symbol["st_info"]["type"], symbol["st_shndx"]
                if kind == "STT_FILE":
                    file = symbol.name
                elif kind in ("STT_FUNC", "STT_OBJECT") and shndx != "SHN_UNDEF":
                    local = symbol["st_info"]["bind"] == "STB_LOCAL"
                    owners[file if local else "", symbol.name] = part
    return owners


def _by_file(elf: ELFFile, owners: dict[tuple[str, str], str], writable: set[int]) -> dict[str, int]:
    """Bytes of functions and constants per source file. Aliases of one address count once."""
    sizes: dict[str, int] = {}
    counted: set[int] = set()
    table = elf.get_section_by_name(".symtab")
    file = ""
    for symbol in table.iter_symbols() if table else ():
        kind = symbol["st_info"]["type"]
        if kind == "STT_FILE":
            file = symbol.name
            continue
        if kind not in ("STT_FUNC", "STT_OBJECT") or symbol["st_shndx"] in writable or not symbol["st_size"]:
            continue
        local = symbol["st_info"]["bind"] == "STB_LOCAL"
        # Linkers make hidden symbols local ones.
        part = owners.get((file if local else "", symbol.name)) or owners.get(("", symbol.name))
        if part is None or symbol["st_value"] in counted or symbol["st_shndx"] == "SHN_UNDEF":
            continue
        counted.add(symbol["st_value"])
        sizes[part] = sizes.get(part, 0) + symbol["st_size"]
    return sizes


def _operations(headers: Path) -> int:
    """Entries of the handler table, from the header that the VM's generator wrote."""
    found = re.search(r"#define WIRQ_OPERATIONS (\d+)", (headers / "wirq_ops.h").read_text())
    return int(found[1]) if found else 0
