"""WebAssembly values as people type and read them, and as the 32-bit cells that travel."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from firmware_host.wasm.types import FunctionType

NULL_REFERENCE = 0

_INTEGER_BITS = {"i32": 32, "i64": 64}
_FLOATS = {"f32": ("<f", "<I", 23), "f64": ("<d", "<Q", 52)}  # struct codes and bits of the payload


def counted(number: int, noun: str) -> str:
    """A number of things: 1 argument, 2 arguments."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def check_count(name: str, type_: FunctionType, given: int) -> None:
    """Raises ValueError telling the function's type if that is not how many arguments it takes."""
    taken = len(type_.parameters)
    if given != taken:
        raise ValueError(f"{name} has type {type_}: {counted(taken, 'argument')}, not {given}")


def cell_count(kind: str) -> int:
    """How many cells a value of this type takes."""
    return 2 if kind in ("i64", "f64") else 1


def parse_value(kind: str, text: str) -> list[int]:
    """Cells of a value. Raises ValueError saying what is wrong with the text."""
    if kind in _INTEGER_BITS:
        return _cells(_integer(kind, text), cell_count(kind))
    if kind in _FLOATS:
        return _cells(_float_bits(kind, text), cell_count(kind))
    if kind in ("funcref", "externref"):
        if text == "null":
            return [NULL_REFERENCE]
        if kind == "externref" and text.isdecimal() and 0 < int(text) <= 0xFFFFFFFF:
            return [int(text)]
    raise ValueError(f"{text!r} cannot be given as {kind}")


def format_value(kind: str, cells: list[int]) -> str:
    """The value as people read it: integers signed and decimal, floats as short as they are exact."""
    bits = sum(cell << 32 * i for i, cell in enumerate(cells))
    if kind in _INTEGER_BITS:
        return str(bits - (bits >> _INTEGER_BITS[kind] - 1 << _INTEGER_BITS[kind]))
    if kind in _FLOATS:
        return _format_float(kind, bits)
    return "null" if cells == [NULL_REFERENCE] else str(bits)


def to_python(kind: str, cells: list[int]) -> int | float | None:
    """The value as Python has it: integers signed; references as numbers, null as None."""
    bits = sum(cell << 32 * i for i, cell in enumerate(cells))
    if kind in _INTEGER_BITS:
        return bits - (bits >> _INTEGER_BITS[kind] - 1 << _INTEGER_BITS[kind])
    if kind in _FLOATS:
        float_code, bits_code, _ = _FLOATS[kind]
        return float(struct.unpack(float_code, struct.pack(bits_code, bits))[0])
    return None if cells == [NULL_REFERENCE] else bits


def from_python(kind: str, value: float | str | None) -> list[int]:
    """Cells of a value, which may also be text as people type it. Raises ValueError saying what is wrong with it."""
    if isinstance(value, str):
        return parse_value(kind, value)
    if kind in _FLOATS and isinstance(value, (int, float)):
        float_code, bits_code, _ = _FLOATS[kind]
        try:
            return _cells(struct.unpack(bits_code, struct.pack(float_code, value))[0], cell_count(kind))
        except OverflowError:
            raise ValueError(f"{value} does not fit {kind}") from None
    if isinstance(value, int):
        return parse_value(kind, str(int(value)))
    if value is None:
        return parse_value(kind, "null")
    raise ValueError(f"{value!r} cannot be given as {kind}")


def split_results(kinds: Sequence[str], cells: Sequence[int]) -> list[list[int]]:
    """Cells of several values, by value."""
    parts, at = [], 0
    for kind in kinds:
        parts.append(list(cells[at : at + cell_count(kind)]))
        at += cell_count(kind)
    return parts


def _cells(bits: int, count: int) -> list[int]:
    return [bits >> 32 * i & 0xFFFFFFFF for i in range(count)]


def _integer(kind: str, text: str) -> int:
    bits = _INTEGER_BITS[kind]
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no {kind}: write a decimal number, or 0x… in hexadecimal") from None
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise ValueError(f"{text} does not fit {kind}")
    return value & (1 << bits) - 1


def _float_bits(kind: str, text: str) -> int:
    float_code, bits_code, payload_bits = _FLOATS[kind]
    sign, plain = text.startswith("-"), text.lstrip("+-")
    if plain.startswith("nan"):
        payload = 1 << payload_bits - 1
        if plain.startswith("nan:0x"):
            payload = int(plain[6:], 16)
        elif plain != "nan":
            raise ValueError(f"{text!r} is no {kind}: a NaN is nan or nan:0x…")
        if not 0 < payload < 1 << payload_bits:
            raise ValueError(f"{text!r}: the payload of a {kind} NaN is 1 to {(1 << payload_bits) - 1:#x}")
        exponent = 0xFF << payload_bits if kind == "f32" else 0x7FF << payload_bits
        size = 32 if kind == "f32" else 64
        return sign << size - 1 | exponent | payload
    try:
        value = float.fromhex(text) if "0x" in text else float(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no {kind}") from None
    try:
        return int(struct.unpack(bits_code, struct.pack(float_code, value))[0])
    except OverflowError:
        raise ValueError(f"{text} does not fit {kind}") from None


def _format_float(kind: str, bits: int) -> str:
    float_code, bits_code, payload_bits = _FLOATS[kind]
    value = float(struct.unpack(float_code, struct.pack(bits_code, bits))[0])
    if math.isnan(value):
        size = 32 if kind == "f32" else 64
        sign = "-" if bits >> size - 1 else ""
        payload = bits & (1 << payload_bits) - 1
        return f"{sign}nan" if payload == 1 << payload_bits - 1 else f"{sign}nan:{payload:#x}"
    if kind == "f64" or math.isinf(value):
        return repr(value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            return repr(float(text))
    return repr(value)
