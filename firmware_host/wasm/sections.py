"""Splits a module into its sections and takes custom sections out, whatever else the module contains."""

from __future__ import annotations

from collections.abc import Callable

from firmware_host.wasm.reader import Reader, malformed
from firmware_host.wasm.types import Section, SectionId

MAGIC = b"\0asm"
VERSION = b"\x01\0\0\0"
#: The custom section that boards read (firmware_host.wasm.settings).
SETTINGS = "wirq.cfg"


def split(data: bytes) -> tuple[Section, ...]:
    """The sections of a module in their order. Raises BadModule if the bytes are no module or a section is cut off."""
    if data[:4] != MAGIC:
        raise malformed("it does not begin with the magic number of WebAssembly", 0)
    if data[4:8] != VERSION:
        raise malformed("its version is not 1: a component, or made by a newer tool", 4)
    sections = []
    reader = Reader(data, 8)
    while reader:
        start = reader.position
        number = reader.byte()
        size = reader.unsigned()
        body = reader.position
        reader.bytes(size)
        name = Reader(data, body, body + size).name() if number == SectionId.CUSTOM else ""
        sections.append(Section(number, start, body, body + size, name))
    return tuple(sections)


def strip(data: bytes, keep: Callable[[str], bool] = lambda name: name == SETTINGS) -> bytes:
    """The module without its custom sections, but for those whose name `keep` accepts: by default what boards read.
    Nothing else is touched.

    Names and debug information are often larger than the code, and a board has no use for them.
    """
    kept = bytearray(data[:8])
    for section in split(data):
        if section.id != SectionId.CUSTOM or keep(section.name):
            kept += data[section.start : section.end]
    return bytes(kept)


def unstripped(data: bytes, offset: int, keep: Callable[[str], bool] = lambda name: name == SETTINGS) -> int:
    """Where in the module lies what has this offset in what `strip` makes of it."""
    for section in split(data):
        if section.start > offset:
            break
        if section.id == SectionId.CUSTOM and not keep(section.name):
            offset += section.end - section.start
    return offset
