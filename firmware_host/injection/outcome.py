"""What a run leaves, and how two of them differ.

Not compared (interrupts.md T3): the interrupt block, which the VM writes; and the bytes below the shadow stack pointer,
which are nobody's: a handler that interrupts a deeper call leaves its remains lower.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firmware_host.wasm import Kind, Module
from firmware_host.wasm.reader import Reader
from firmware_host.wasm.types import SectionId

_BLOCK_HEADER, _BLOCK_SLOT = 64, 32
_BLOCK_MAGIC = b"WIRQ\x01\x00"

STACK_POINTER = "__stack_pointer"

#: Ranges of memory 0, as first and last address plus one.
Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Outcome:
    """How a run ended and all that lasts of it. `text` and `edges` are what the program wrote and did to pins, without
    what its handlers wrote and did; `delivered` counts handler runs of the source that is injected."""

    ending: str
    results: tuple[int, ...]
    place: tuple[int, int, int] | None
    memories: tuple[bytes, ...]
    globals: tuple[bytes, ...]
    tables: tuple[bytes, ...]
    text: bytes = b""
    edges: bytes = b""

    def same_ending(self, other: Outcome) -> bool:
        """Whether they differ in nothing but the state of memory, globals and tables."""
        return (self.ending, self.results, self.place, self.text, self.edges) == (
            other.ending,
            other.results,
            other.place,
            other.text,
            other.edges,
        )


def differences(reference: Outcome, other: Outcome) -> list[str]:
    """What differs, in words."""
    found = []
    if reference.ending != other.ending:
        found.append(f"it {other.ending}, not {reference.ending}")
    elif reference.place != other.place:
        found.append(f"it trapped at another place: {_place(other.place)}, not {_place(reference.place)}")
    if reference.results != other.results:
        found.append(f"its result is {_numbers(other.results)}, not {_numbers(reference.results)}")
    if reference.text != other.text:
        found.append(f"it wrote {_excerpt(other.text, reference.text)}")
    if reference.edges != other.edges:
        found.append("it drove its pins otherwise")
    for i, (one, two) in enumerate(zip(reference.memories, other.memories, strict=True)):
        if one != two:
            found.append(f"memory{f' {i}' if i else ''}: {changes(one, two)}")
    for kind, before, after in (
        ("global", reference.globals, other.globals),
        ("table", reference.tables, other.tables),
    ):
        for i, (one, two) in enumerate(zip(before, after, strict=True)):
            if one != two:
                found.append(f"{kind} {i} is {two[:16].hex(' ', 4)}, not {one[:16].hex(' ', 4)}")
    return found


def changed_ranges(one: bytes, two: bytes) -> list[tuple[int, int]]:
    """Where bytes differ: ranges, first address and last plus one; gaps of up to 3 equal bytes do not end one."""
    found: list[tuple[int, int]] = []
    for at, (a, b) in enumerate(zip(one, two, strict=False)):
        if a != b:
            if found and at - found[-1][1] <= 3:
                found[-1] = (found[-1][0], at + 1)
            else:
                found.append((at, at + 1))
    if len(one) != len(two):
        found.append((min(len(one), len(two)), max(len(one), len(two))))
    return found


def changes(one: bytes, two: bytes) -> str:
    """Where two memories differ, in words."""
    ranges = changed_ranges(one, two)
    total = sum(end - start for start, end in ranges)
    shown = ", ".join(
        f"{start:#x}: {one[start:end][:8].hex(' ')} became {two[start:end][:8].hex(' ')}" for start, end in ranges[:3]
    )
    more = f", and {len(ranges) - 3} ranges more" if len(ranges) > 3 else ""
    return f"{total} byte{' differs' if total == 1 else 's differ'} ({shown}{more})"


def _place(place: tuple[int, int, int] | None) -> str:
    return "none" if place is None else f"function {place[0]}, {place[2]} calls deep"


def _numbers(cells: Iterable[int]) -> str:
    return " ".join(f"{cell:#x}" for cell in cells) or "nothing"


def _excerpt(text: bytes, reference: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(text, reference, strict=False)) if a != b), None)
    at = min(len(text), len(reference)) if at is None else at
    start = max(0, at - 10)
    return f"{text[start : at + 20]!r}, not {reference[start : at + 20]!r}, from byte {start} on"


# ---- what is not compared


def _lowest_data(module: Module) -> int | None:
    """The lowest address that an active data segment writes; None if there is none, or if it cannot be told."""
    lowest: int | None = None
    for section in module.sections:
        if section.id != SectionId.DATA:
            continue
        reader = Reader(module.data, section.body, section.end)
        for _ in range(reader.unsigned()):
            flags = reader.unsigned()
            if flags != 1:
                if flags == 2:
                    reader.unsigned()
                if reader.byte() != 0x41:
                    return 0
                offset = reader.signed(32) & 0xFFFFFFFF
                if reader.byte() != 0x0B:
                    return 0
                lowest = offset if lowest is None else min(lowest, offset)
            reader.bytes(reader.unsigned())
    return lowest


class Masks:
    """What of a module's memory 0 is not compared."""

    def __init__(self, module: Module, ignored: Ranges = (), *, stack_first: bool = False) -> None:
        """`ignored` are ranges that the user names. `stack_first`: the shadow stack is known to begin at address 0;
        else it is if there is data, and all of it lies above."""
        self._ignored = list(ignored)
        export = module.export(STACK_POINTER)
        self._stack_pointer: int | None = None
        if export is not None and export.kind == Kind.GLOBAL:
            self._stack_pointer = export.index
        self._stack_first = stack_first
        self._lowest_data = _lowest_data(module)
        self._block: tuple[int, int] | None = None

    def find_block(self, memory: bytes) -> None:
        """Looks for the interrupt block in a memory where a program has opened it."""
        at = memory.find(_BLOCK_MAGIC)
        while at >= 0 and at % 8:
            at = memory.find(_BLOCK_MAGIC, at + 1)
        if at >= 0:
            (slots,) = struct.unpack_from("<H", memory, at + 6)
            self._block = (at, min(len(memory), at + _BLOCK_HEADER + _BLOCK_SLOT * slots))

    def ranges(self, globals_: Sequence[bytes]) -> list[tuple[int, int]]:
        found = list(self._ignored)
        if self._block is not None:
            found.append(self._block)
        if self._stack_pointer is not None:
            pointer = int.from_bytes(globals_[self._stack_pointer], "little")
            if self._stack_first or (self._lowest_data is not None and self._lowest_data >= pointer):
                found.append((0, pointer))
        return found

    def apply(self, memories: Sequence[bytes], globals_: Sequence[bytes]) -> tuple[bytes, ...]:
        """The memories with zeroes where they are not compared."""
        ranges = self.ranges(globals_) if memories else []
        if not ranges:
            return tuple(memories)
        first = bytearray(memories[0])
        for start, end in ranges:
            stop = min(end, len(first))
            if start < stop:
                first[start:stop] = bytes(stop - start)
        return (bytes(first), *memories[1:])
