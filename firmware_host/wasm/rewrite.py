"""Changes a module without taking all of it apart: items join its vectors, everything else stays as it is."""

from __future__ import annotations

from collections.abc import Callable

from firmware_host.wasm.encode import section, unsigned
from firmware_host.wasm.reader import Reader
from firmware_host.wasm.sections import split
from firmware_host.wasm.types import SectionId

#: The order of sections in a module (5.5.2); not that of their numbers.
_ORDER = (
    SectionId.TYPE,
    SectionId.IMPORT,
    SectionId.FUNCTION,
    SectionId.TABLE,
    SectionId.MEMORY,
    SectionId.TAG,
    SectionId.GLOBAL,
    SectionId.EXPORT,
    SectionId.START,
    SectionId.ELEMENT,
    SectionId.DATA_COUNT,
    SectionId.CODE,
    SectionId.DATA,
)
_PLACE = {int(one): place for place, one in enumerate(_ORDER)}


def count(data: bytes, number: SectionId) -> int:
    """How many items the vector of that section has; 0 if there is no such section."""
    for one in split(data):
        if one.id == number:
            return Reader(data, one.body, one.end).unsigned()
    return 0


def append(data: bytes, number: SectionId, item: bytes) -> bytes:
    """The module with one more item in the vector of that section, which is made if it is not there."""
    return edited(data, number, lambda items, body: (items + 1, body + item))


def prepend(data: bytes, number: SectionId, item: bytes) -> bytes:
    """The same, with the item before all others."""
    return edited(data, number, lambda items, body: (items + 1, item + body))


def edited(data: bytes, number: SectionId, edit: Callable[[int, bytes], tuple[int, bytes]]) -> bytes:
    """The module with another vector in that section: `edit` is given the number of items and their bytes, and answers
    the same. A section that is not there is an empty vector, and so is one that is left out in the result."""
    sections = split(data)
    out = bytearray(data[:8])
    done = False

    def write(items: int, body: bytes) -> None:
        nonlocal out, done
        done = True
        new, rest = edit(items, body)
        if new:
            out += section(number, unsigned(new) + rest)

    for one in sections:
        if one.id == number:
            reader = Reader(data, one.body, one.end)
            items = reader.unsigned()
            write(items, data[reader.position : one.end])
            continue
        if not done and one.id != SectionId.CUSTOM and _PLACE[one.id] > _PLACE[number]:
            write(0, b"")
        out += data[one.start : one.end]
    if not done:
        write(0, b"")
    return bytes(out)
