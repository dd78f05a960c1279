"""Values of scripts: arguments as 32-bit cells, expected results as patterns that cells are held against.

Everything is bits. A float is never compared as a float: NaNs differ in ways that matter here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Cells that a value takes. A reference takes one.
CELLS = {"i32": 1, "f32": 1, "i64": 2, "f64": 2, "v128": 4}

#: Bits of mantissa and exponent.
FLOAT_BITS = {32: (23, 8), 64: (52, 11)}

NULL_REFERENCE = 0


def host_cell(number: int) -> int:
    """The cell of the host's reference of that number: 0 is null, so they are counted from 1."""
    return number + 1


def cell_count(type_: str) -> int:
    return CELLS.get(type_, 1)


def is_nan_of(kind: str, bits: int, width: int) -> bool:
    """Whether `bits` is a NaN of that kind: "canonical" (the top mantissa bit alone), "arithmetic" (at least that)."""
    mantissa_bits, exponent_bits = FLOAT_BITS[width]
    quiet = ((1 << (exponent_bits + 1)) - 1) << (mantissa_bits - 1)
    unsigned = bits & ((1 << (width - 1)) - 1)
    return unsigned == quiet if kind == "canonical" else unsigned & quiet == quiet


@dataclass(frozen=True)
class Number:
    """An integer or float, as a bit pattern."""

    type: str
    bits: int

    def __str__(self) -> str:
        return f"{self.type}:{self.bits:#x}"


@dataclass(frozen=True)
class Nan:
    """Any NaN of a kind. `type` is empty where the script does not say it (scripts of version 1.0)."""

    type: str
    kind: str

    def __str__(self) -> str:
        return f"{self.type or 'float'}:nan:{self.kind}"


@dataclass(frozen=True)
class Vector:
    """Lanes of a v128, each a Number or Nan of the lane's type."""

    lane_type: str
    lanes: tuple[Number | Nan, ...]

    def __str__(self) -> str:
        return f"v128:{self.lane_type}({' '.join(map(str, self.lanes))})"


@dataclass(frozen=True)
class Reference:
    """A reference. `value` is None for any non-null one, "null", or the host's number of it."""

    type: str
    value: str | int | None

    def __str__(self) -> str:
        return f"{self.type}:{'any' if self.value is None else self.value}"


@dataclass(frozen=True)
class Either:
    """One of several results is right."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.values))


Value = Number | Nan | Vector | Reference | Either


def to_cells(values: Sequence[Value]) -> list[int]:
    """Arguments as the board takes them: low word first. Raises ValueError for what cannot be an argument."""
    cells: list[int] = []
    for value in values:
        match value:
            case Number(type_, bits):
                cells += [bits >> 32 * i & 0xFFFFFFFF for i in range(cell_count(type_))]
            case Reference(_, int(number)):
                cells.append(host_cell(number))
            case Reference(_, "null"):
                cells.append(NULL_REFERENCE)
            case Vector(_, lanes):
                bits = _vector_bits(lanes)
                cells += [bits >> 32 * i & 0xFFFFFFFF for i in range(4)]
            case _:
                raise ValueError(f"{value} is no argument")
    return cells


def _lane_width(lanes: Sequence[Number | Nan]) -> int:
    return 128 // len(lanes)


def _vector_bits(lanes: Sequence[Number | Nan]) -> int:
    bits = 0
    for i, lane in enumerate(lanes):
        if not isinstance(lane, Number):
            raise ValueError(f"{lane} is no argument")
        bits |= lane.bits << i * _lane_width(lanes)
    return bits


def _join(cells: Sequence[int]) -> int:
    return sum(cell << 32 * i for i, cell in enumerate(cells))


def _fits(expected: Value, cells: Sequence[int]) -> bool:
    bits = _join(cells)
    match expected:
        case Number():
            return bits == expected.bits
        case Nan(_, kind):
            return len(cells) <= 2 and is_nan_of(kind, bits, 32 * len(cells))
        case Vector(_, lanes):
            width = _lane_width(lanes)
            parts = [bits >> i * width & ((1 << width) - 1) for i in range(len(lanes))]
            return all(
                part == lane.bits if isinstance(lane, Number) else is_nan_of(lane.kind, part, width)
                for part, lane in zip(parts, lanes, strict=True)
            )
        case Reference(_, None):
            return bits != NULL_REFERENCE
        case Reference(_, "null"):
            return bits == NULL_REFERENCE
        case Reference(_, int(number)):
            return bits == host_cell(number)
        case Either(values):
            return any(_fits(one, cells) for one in values)
        case _:
            raise ValueError(f"{expected} is no result")


def _width(expected: Value, left: int) -> int:
    """Cells that an expected value takes, `left` being there; of a NaN without a type, all that are left."""
    if isinstance(expected, Either):
        return _width(expected.values[0], left)
    if isinstance(expected, Vector):
        return CELLS["v128"]
    return cell_count(expected.type) if expected.type else left


def mismatch(expected: Sequence[Value], cells: Sequence[int]) -> str | None:
    """None if the result cells are what was expected, else a sentence that says how they differ."""
    position = 0
    for value in expected:
        width = _width(value, len(cells) - position)
        if position + width > len(cells) or not width:
            break
        if not _fits(value, cells[position : position + width]):
            break
        position += width
    else:
        if position == len(cells):
            return None
    wanted = ", ".join(map(str, expected)) or "nothing"
    got = " ".join(f"{cell:08x}" for cell in cells) or "nothing"
    return f"expected {wanted}, got cells {got}"
