"""What goes into a chip's flash: bytes by address, read from ELF, Intel HEX, UF2 and binary files, and written."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from firmware_host.build import hexfile
from firmware_host.errors import FlashError

#: One block of a UF2 file: https://github.com/microsoft/uf2
_UF2_BLOCK = struct.Struct("<IIIIIIII476sI")
_UF2_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_UF2_PAYLOAD = 256
_UF2_HAS_FAMILY = 0x2000

SUFFIXES = (".elf", ".hex", ".uf2", ".bin")


@dataclass(frozen=True)
class Firmware:
    """Bytes by their addresses, in ascending order and without overlap."""

    parts: tuple[tuple[int, bytes], ...]
    name: str = "firmware"

    @property
    def size(self) -> int:
        return sum(len(data) for _, data in self.parts)

    @classmethod
    def read(cls, path: Path, origin: int = 0) -> Firmware:
        """Reads a file by its suffix; a plain binary lies at `origin`. Raises FlashError if it is none of these."""
        try:
            match path.suffix:
                case ".hex":
                    parts = _parse_hex(path.read_text())
                case ".uf2":
                    parts = _parse_uf2(path.read_bytes())
                case ".bin":
                    parts = [(origin, path.read_bytes())]
                case ".elf":
                    parts = hexfile.contents(path)
                case _:
                    raise FlashError(f"{path.name} is no firmware", hint=f"give one of {', '.join(SUFFIXES)}")
        except OSError as error:
            raise FlashError(f"cannot read {path}: {error.strerror}; nothing was flashed") from error
        except FlashError:
            raise
        except Exception as error:  # pyelftools has many
            raise FlashError(f"{path.name} is no {path.suffix[1:]} file: {error}; nothing was flashed") from error
        whole = _joined(parts)
        if not whole:
            raise FlashError(f"{path.name} holds nothing to flash")
        return cls(whole, path.name)

    def binary(self) -> tuple[int, bytes]:
        """The first address, and all bytes from there on; gaps are filled with 0xFF, as erased flash reads."""
        start = self.parts[0][0]
        image = bytearray()
        for address, data in self.parts:
            image += b"\xff" * (address - start - len(image)) + data
        return start, bytes(image)

    def hex(self) -> str:
        return "\n".join(hexfile.records(list(self.parts))) + "\n"

    def uf2(self, family: int) -> bytes:
        """UF2 blocks of 256 bytes, each on a boundary of 256 as the RP2040 wants them."""
        start, image = self.binary()
        lead = start % _UF2_PAYLOAD
        image = b"\xff" * lead + image
        start -= lead
        image += b"\xff" * (-len(image) % _UF2_PAYLOAD)
        count = len(image) // _UF2_PAYLOAD
        blocks = []
        for i in range(count):
            data = image[i * _UF2_PAYLOAD : (i + 1) * _UF2_PAYLOAD]
            address = start + i * _UF2_PAYLOAD
            first, second, end = _UF2_MAGIC
            blocks.append(
                _UF2_BLOCK.pack(first, second, _UF2_HAS_FAMILY, address, _UF2_PAYLOAD, i, count, family, data, end)
            )
        return b"".join(blocks)


def _joined(parts: list[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    joined: list[tuple[int, bytes]] = []
    for address, data in sorted(part for part in parts if part[1]):
        if joined and address < joined[-1][0] + len(joined[-1][1]):
            raise FlashError(f"address {address:#x} is given twice; nothing was flashed")
        if joined and address == joined[-1][0] + len(joined[-1][1]):
            joined[-1] = (joined[-1][0], joined[-1][1] + data)
        else:
            joined.append((address, data))
    return tuple(joined)


def _parse_hex(text: str) -> list[tuple[int, bytes]]:
    parts, upper = [], 0
    for number, line in enumerate(text.split(), 1):
        record = bytes.fromhex(line.removeprefix(":"))
        if not line.startswith(":") or len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise ValueError(f"line {number} is no record")
        kind, data = record[3], record[4:-1]
        match kind:
            case 0:
                parts.append(((upper << 16 | record[1] << 8 | record[2]), data))
            case 1:
                break
            case 2:
                raise ValueError(f"line {number}: segment addresses are not read")
            case 4:
                upper = int.from_bytes(data, "big")
            case _:
                pass  # start addresses: the reset vector decides
    return parts


def _parse_uf2(data: bytes) -> list[tuple[int, bytes]]:
    if len(data) % _UF2_BLOCK.size:
        raise ValueError(f"its {len(data)} bytes are not whole blocks of {_UF2_BLOCK.size}")
    parts = []
    for at in range(0, len(data), _UF2_BLOCK.size):
        first, second, _, address, size, _, _, _, payload, end = _UF2_BLOCK.unpack_from(data, at)
        if (first, second, end) != _UF2_MAGIC or size > len(payload):
            raise ValueError(f"block {at // _UF2_BLOCK.size} has no magic numbers")
        parts.append((address, payload[:size]))
    return parts
