"""Intel HEX from an ELF file: what drag-and-drop programmers and most flash tools take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_ROW = 16


def segments(elf: Path) -> list[tuple[int, bytes]]:
    """Load address and content of each loaded segment that has any, in order of address."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        loaded = [s for s in ELFFile(stream).iter_segments("PT_LOAD") if s["p_filesz"]]
        return sorted((s["p_paddr"], s.data()) for s in loaded)


def _record(kind: int, address: int, data: bytes) -> str:
    body = bytes((len(data), address >> 8 & 0xFF, address & 0xFF, kind)) + data
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"


def _records(parts: list[tuple[int, bytes]]) -> Iterator[str]:
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
    """The loaded segments of an ELF file as Intel HEX, at their load addresses."""
    return "\n".join(_records(segments(elf))) + "\n"
