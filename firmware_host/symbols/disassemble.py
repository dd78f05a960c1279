"""Lowered code for people: one operation a line, as vm/ops names it, with where its branches go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firmware_host.symbols import operations

#: Operands that are distances, and the units they take.
_BRANCHES = {"b": 1, "l": 2}


@dataclass(frozen=True)
class Line:
    """One operation: at which byte of the function's lowered code, its name and operands, and how many units it has.
    `calls` is the defined function that it calls directly, `frame` where its frame begins in the caller's, in cells."""

    offset: int
    name: str
    operands: tuple[str, ...]
    units: int
    calls: int | None = None
    frame: int = 0

    @property
    def text(self) -> str:
        return f"{self.name} {', '.join(self.operands)}".rstrip()


def disassemble(units: Sequence[int]) -> Iterator[Line]:
    """The operations of one function."""
    at = 0
    while at < len(units):
        line = _operation(units, at)
        yield line
        at += line.units


def _operation(units: Sequence[int], at: int) -> Line:
    row = operations.operations()[units[at] - operations.bias()]
    name, position = row.name, at + 1
    operands: list[str] = []
    if name.startswith("extended"):
        row = operations.extended()[units[position]]
        name = row.name
        position += 1
    elif name == "object":
        name = operations.objects()[units[position]]
        operands.append(f"s{units[position + 1]}")
        operands += [str(unit) for unit in units[position + 2 : at + row.length]]
        return Line(2 * at, name, tuple(operands), row.length)
    for kind in row.operands:
        operands.append(_operand(units, position, kind))
        position += operations.width(kind)
    if name.startswith("br_table"):
        return _table(units, at, position, name, operands)
    calls = units[at + 1] if name in ("call", "return_call") else None
    frame = units[at + 2] if name == "call" else 0
    return Line(2 * at, name, tuple(operands), position - at, calls, frame)


def _table(units: Sequence[int], at: int, position: int, name: str, operands: list[str]) -> Line:
    """The entries of a branch table follow the operation, the default last; each is a distance from itself."""
    kind = "l" if "long" in name else "b"
    entries = 1 + (_number(units, at + 2, 2) if kind == "l" else units[at + 2])
    for _ in range(entries):
        operands.append(_operand(units, position, kind))
        position += _BRANCHES[kind]
    return Line(2 * at, name, tuple(operands), position - at)


def _number(units: Sequence[int], at: int, count: int) -> int:
    return sum(unit << 16 * i for i, unit in enumerate(units[at : at + count]))


def _signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


def _operand(units: Sequence[int], at: int, kind: str) -> str:
    count = operations.width(kind)
    value = _number(units, at, count)
    match kind:
        case "s" | "d":
            return f"s{value}"
        case "w" | "D":
            return f"s{value}:{value + 1}"
        case "p":
            return f"s{value & 0xFF}, s{value >> 8}"
        case "h":
            return f"#{value & 0xFF}, s{value >> 8}"
        case "c":
            return f"#{_signed(value, 16)}"
        case "k" | "q":
            return f"#{value:#x}"
        case "f":
            return f"frame s{value}"
        case "b" | "l":
            return f"-> {2 * (at + _signed(value, 16 * count)):04x}"
        case _:
            return str(value)
