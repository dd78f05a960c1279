"""Checksums that a part's own loader wants in the image."""

from __future__ import annotations

from pathlib import Path

from firmware_host.errors import BuildError

#: The boot ROM of the RP2040 runs the first 256 bytes of flash if the last four are the CRC-32 of the others:
#: polynomial 0x04C11DB7, not reflected, begun with all ones, not inverted at the end (RP2040 datasheet, 2.8.1.3.1).
_RP2040_SIZE = 256
_POLYNOMIAL = 0x04C11DB7


def crc32_mpeg2(data: bytes) -> int:
    """The CRC-32 of that kind."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (_POLYNOMIAL if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def sign_rp2040(elf: Path) -> None:
    """Writes the checksum into the section .boot of an ELF file. Raises BuildError if that is not of the right size."""
    from elftools.elf.elffile import ELFFile

    with elf.open("r+b") as stream:
        section = ELFFile(stream).get_section_by_name(".boot")
        size = section["sh_size"] if section is not None else 0
        if size != _RP2040_SIZE:
            raise BuildError(f"the second-stage boot has {size} bytes, not {_RP2040_SIZE}")
        code = section.data()[:-4]
        stream.seek(section["sh_offset"] + len(code))
        stream.write(crc32_mpeg2(code).to_bytes(4, "little"))
