"""A store on simulated flash, as the tests speak of it."""

from __future__ import annotations

import ctypes
import hashlib
from dataclasses import dataclass

from firmware_host import status
from tests.store.building import load

FILE, SETTING = 1, 2

_PROGRAM = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32), ctypes.c_uint32)
_ERASE = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_uint32)


class _Flash(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_void_p),
        ("size", ctypes.c_uint32),
        ("sector_size", ctypes.c_uint32),
        ("block_size", ctypes.c_uint32),
        ("salt", ctypes.c_uint32),
        ("program", _PROGRAM),
        ("erase", _ERASE),
    )


class _File(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_void_p),
        ("size", ctypes.c_uint32),
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("sha256", ctypes.c_void_p),
    )


class _Space(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint32), ("used", ctypes.c_uint32), ("largest", ctypes.c_uint32))


@dataclass(frozen=True)
class Space:
    size: int
    used: int
    largest: int


class Refused(Exception):
    """The store's status was not 0."""

    def __init__(self, code: int) -> None:
        super().__init__(status.status(code).name)
        self.name = status.status(code).name


def _checked(code: int) -> None:
    if code & 0xFF:
        raise Refused(code & 0xFF)


class Store:
    """Sizes in bytes. `erases` counts by sector."""

    def __init__(self, *, block: int = 256, sector: int = 256, sectors: int = 32, fill: int = 0xFF) -> None:
        self._c = load()
        self.memory = ctypes.create_string_buffer(bytes([fill]) * (sector * sectors), sector * sectors)
        self.erases = [0] * sectors
        self.broken = False  #: the flash takes nothing any more
        functions = (_PROGRAM(self._program), _ERASE(self._erase))
        self._flash = _Flash(ctypes.addressof(self.memory), sector * sectors, sector, block, 77, *functions)
        self.open()

    def _program(self, offset: int, words: ctypes._Pointer[ctypes.c_uint32], count: int) -> bool:
        if self.broken:
            return False
        old = int.from_bytes(self.memory.raw[offset : offset + 4 * count], "little")
        new = int.from_bytes(b"".join(int(words[i]).to_bytes(4, "little") for i in range(count)), "little")
        ctypes.memmove(ctypes.addressof(self.memory) + offset, (old & new).to_bytes(4 * count, "little"), 4 * count)
        return True

    def _erase(self, offset: int) -> bool:
        if self.broken:
            return False
        self.erases[offset // self._flash.sector_size] += 1
        ctypes.memset(ctypes.addressof(self.memory) + offset, 0xFF, self._flash.sector_size)
        return True

    def open(self) -> None:
        """As at a boot."""
        self._c.store_open(ctypes.byref(self._flash))

    def begin(self, name: str, data: bytes, kind: int = FILE, digest: bytes | None = None) -> int:
        encoded, offset = name.encode(), ctypes.c_uint32()
        digest = hashlib.sha256(data).digest() if digest is None else digest
        _checked(self._c.store_begin(kind, encoded, len(encoded), len(data), digest, ctypes.byref(offset)))
        return offset.value

    def write(self, offset: int, data: bytes) -> int:
        after = ctypes.c_uint32()
        _checked(self._c.store_write(offset, data, len(data), ctypes.byref(after)))
        return after.value

    def commit(self) -> None:
        _checked(self._c.store_commit())

    def put(self, name: str, data: bytes, kind: int = FILE) -> None:
        offset = self.begin(name, data, kind)
        if offset < len(data) or not self.is_there(name, data, kind):
            self.write(offset, data[offset:])
            self.commit()

    def is_there(self, name: str, data: bytes, kind: int = FILE) -> bool:
        try:
            return self.get(name, kind) == data
        except Refused:
            return False

    def _found(self, name: str, kind: int) -> _File:
        encoded, file = name.encode(), _File()
        _checked(self._c.store_find(kind, encoded, len(encoded), ctypes.byref(file)))
        return file

    def get(self, name: str, kind: int = FILE) -> bytes:
        file = self._found(name, kind)
        return ctypes.string_at(file.bytes, file.size)

    def place(self, name: str) -> int:
        """Where its bytes lie."""
        return int(self._found(name, FILE).bytes or 0) - ctypes.addressof(self.memory)

    def remove(self, name: str, kind: int = FILE) -> None:
        encoded = name.encode()
        _checked(self._c.store_remove(kind, encoded, len(encoded)))

    def names(self, kind: int = FILE) -> list[str]:
        position, file, found = ctypes.c_uint32(0), _File(), []
        self._c.store_next.restype = ctypes.c_bool
        while self._c.store_next(kind, ctypes.byref(position), ctypes.byref(file)):
            found.append(ctypes.string_at(file.name, file.name_length).decode())
        return found

    def pin(self, name: str) -> None:
        self._c.store_pin(ctypes.byref(self._found(name, FILE)))

    def unpin(self) -> None:
        self._c.store_unpin(0)

    def space(self) -> Space:
        space = _Space()
        self._c.store_space(ctypes.byref(space))
        return Space(space.size, space.used, space.largest)
