"""Intel HEX from an ELF file: what drag-and-drop programmers and most flash tools take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_ROW = 16


_SHF_ALLOC = 2


def contents(elf: Path) -> list[tuple[int, bytes]]:
    """Load address and content of each section that is loaded, in order of address.

    By sections, not segments: a linker may put the ELF header itself into a segment, which is of no use on a chip.
    """
    from elftools.elf.elffile import ELFFile

    parts: list[tuple[int, bytes]] = []
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        segments = [s for s in file.iter_segments("PT_LOAD") if s["p_filesz"]]
        for section in file.iter_sections():
            if section["sh_type"] == "SHT_NOBITS" or not section["sh_flags"] & _SHF_ALLOC or not section["sh_size"]:
                continue
            segment = next(s for s in segments if s.section_in_segment(section))
            parts.append((segment["p_paddr"] + section["sh_addr"] - segment["p_vaddr"], section.data()))
    return sorted(parts)


def _record(kind: int, address: int, data: bytes) -> str:
    body = bytes((len(data), address >> 8 & 0xFF, address & 0xFF, kind)) + data
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"


def records(parts: list[tuple[int, bytes]]) -> Iterator[str]:
    """Lines of an Intel HEX file with these bytes at these addresses."""
    upper = None
    for start, data in parts:
        offset = 0
        while offset < len(data):
            address = start + offset
            if address >> 16 != upper:
                upper = address >> 16
                yield _record(4, 0, upper.to_bytes(2, "big"))
            length = min(_ROW - address % _ROW, len(data) - offset)
            yield _record(0, address & 0xFFFF, data[offset : offset + length])
            offset += length
    yield _record(1, 0, b"")


def from_elf(elf: Path) -> str:
    """What an ELF file loads as Intel HEX, at its load addresses."""
    return "\n".join(records(contents(elf))) + "\n"
