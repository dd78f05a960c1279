"""Walks the instructions of a function body: where each begins and ends, and where function indices stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_host.wasm.reader import Reader, malformed

BLOCK, LOOP, IF, ELSE, TRY_TABLE, END = 0x02, 0x03, 0x04, 0x05, 0x1F, 0x0B
CALL, RETURN_CALL, REF_FUNC = 0x10, 0x12, 0xD2
PREFIX = 0xFC
MEMORY_INIT, MEMORY_COPY, MEMORY_FILL = 0xFC08, 0xFC0A, 0xFC0B
TABLE_INIT, TABLE_COPY, TABLE_FILL = 0xFC0C, 0xFC0E, 0xFC11

#: Immediates of opcodes: u an index or number, b a block type, s and l a constant of 32 and 64 bits, f and d a float's
#: bytes, h a heap type, v a vector of labels and one more, t a vector of value types, m a memory operand, c catches.
_IMMEDIATES: dict[int, str] = {
    **dict.fromkeys((BLOCK, LOOP, IF), "b"),
    **dict.fromkeys((0x0C, 0x0D, 0x08, CALL, RETURN_CALL, 0x14, 0x15, 0xD5, 0xD6, REF_FUNC), "u"),
    **dict.fromkeys((0x11, 0x13), "uu"),
    0x0E: "v",
    TRY_TABLE: "bc",
    0x1C: "t",
    **dict.fromkeys(range(0x20, 0x27), "u"),
    **dict.fromkeys(range(0x28, 0x3F), "m"),
    **dict.fromkeys((0x3F, 0x40), "u"),
    0x41: "s",
    0x42: "l",
    0x43: "f",
    0x44: "d",
    0xD0: "h",
    **dict.fromkeys((MEMORY_INIT, MEMORY_COPY, TABLE_INIT, TABLE_COPY), "uu"),
    **dict.fromkeys((0xFC09, MEMORY_FILL, 0xFC0D, 0xFC0F, 0xFC10, TABLE_FILL), "u"),
}
#: Opcodes without immediates.
_PLAIN = {0x00, 0x01, ELSE, 0x0A, END, 0x0F, 0x1A, 0x1B, 0xD1, 0xD3, 0xD4, *range(0x45, 0xC5), *range(0xFC00, 0xFC08)}

_MEMORY_INDEX = 0x40  # in the alignment of a memory operand: the index of the memory follows


@dataclass(frozen=True)
class Instruction:
    """One instruction: bytes [start, end) of the module; `operands` where its immediates begin. `depth` counts the
    blocks around it: an `end` of depth 0 is the function's."""

    opcode: int
    start: int
    operands: int
    end: int
    depth: int


def locals_end(data: bytes, start: int, end: int) -> int:
    """Where the instructions of a body begin that lies there."""
    reader = Reader(data, start, end)
    for _ in range(reader.unsigned()):
        reader.unsigned()
        if reader.byte() in (0x63, 0x64):
            reader.signed(33)
    return reader.position


def expression_end(data: bytes, start: int, end: int) -> int:
    """Where a constant expression ends."""
    for one in instructions(data, start, end):
        if one.opcode == END and one.depth == 0:
            return one.end
    raise malformed("an expression does not end", start)


def instructions(data: bytes, start: int, end: int) -> Iterator[Instruction]:
    """The instructions of a body or expression. Raises BadModule at one that is not known."""
    reader = Reader(data, start, end)
    depth = 0
    while reader:
        at = reader.position
        opcode = reader.byte()
        if opcode == PREFIX:
            opcode = PREFIX << 8 | reader.unsigned()
        kinds = _IMMEDIATES.get(opcode, "")
        if not kinds and opcode not in _PLAIN:
            raise malformed(f"the instruction {opcode:#x} is not known to this tool", at)
        operands = reader.position
        for kind in kinds:
            _skip(reader, kind)
        if opcode == END:
            depth -= 1
        yield Instruction(opcode, at, operands, reader.position, depth + (opcode == END))
        if opcode in (BLOCK, LOOP, IF, TRY_TABLE):
            depth += 1
        if depth < 0:
            return


def _skip(reader: Reader, kind: str) -> None:
    match kind:
        case "u":
            reader.unsigned()
        case "b" | "h":
            if reader.signed(33) in (-0x1D, -0x1C):  # (ref null ht), (ref ht)
                reader.signed(33)
        case "s" | "l":
            reader.signed(32 if kind == "s" else 64)
        case "f" | "d":
            reader.bytes(4 if kind == "f" else 8)
        case "v":
            for _ in range(reader.unsigned() + 1):
                reader.unsigned()
        case "t":
            for _ in range(reader.unsigned()):
                if reader.byte() in (0x63, 0x64):
                    reader.signed(33)
        case "m":
            if reader.unsigned() & _MEMORY_INDEX:
                reader.unsigned()
            reader.unsigned(64)
        case "c":
            for _ in range(reader.unsigned()):
                if reader.byte() < 2:
                    reader.unsigned()
                reader.unsigned()
