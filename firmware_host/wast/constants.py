"""Constants as scripts write them, to bit patterns. Floats are rounded exactly, with fractions."""

from __future__ import annotations

from fractions import Fraction

from firmware_host.wast.sexpr import List, Node, ScriptError, atom, head
from firmware_host.wast.values import FLOAT_BITS, Either, Nan, Number, Reference, Value, Vector

_REFERENCE_TYPES = {
    "func": "funcref",
    "extern": "externref",
    "any": "anyref",
    "eq": "eqref",
    "i31": "i31ref",
    "struct": "structref",
    "array": "arrayref",
    "none": "nullref",
    "nofunc": "nullfuncref",
    "noextern": "nullexternref",
    "exn": "exnref",
    "noexn": "nullexnref",
    "cont": "contref",
    "nocont": "nullcontref",
}

#: Shape of a vector to the type, number and bits of its lanes.
_LANES = {
    "i8x16": ("i8", 16, 8),
    "i16x8": ("i16", 8, 16),
    "i32x4": ("i32", 4, 32),
    "i64x2": ("i64", 2, 64),
    "f32x4": ("f32", 4, 32),
    "f64x2": ("f64", 2, 64),
}


def parse_integer(text: str, bits: int) -> int:
    """An integer literal as an unsigned bit pattern."""
    text = text.replace("_", "")
    digits = text.lstrip("+-")
    value = int(digits, 16) if digits[:2].lower() == "0x" else int(digits)
    if text.startswith("-"):
        value = -value
    if not -(1 << (bits - 1)) <= value < (1 << bits):
        raise ScriptError(f"integer out of range: {text}")
    return value & ((1 << bits) - 1)


def _fraction(digits: str) -> Fraction:
    """The exact value of an unsigned decimal or hexadecimal float literal."""
    digits = digits.lower()
    if digits.startswith("0x"):
        mantissa, _, exponent = digits[2:].partition("p")
        whole, _, part = mantissa.partition(".")
        value = Fraction(int((whole + part) or "0", 16)) * Fraction(16) ** -len(part)
        return value * Fraction(2) ** int(exponent or 0)
    mantissa, _, exponent = digits.partition("e")
    whole, _, part = mantissa.partition(".")
    return Fraction(int((whole + part) or "0")) * Fraction(10) ** (int(exponent or 0) - len(part))


def _round(value: Fraction, bits: int) -> int:
    """Bit pattern of a non-negative value, rounded to nearest, ties to even."""
    mantissa_bits, exponent_bits = FLOAT_BITS[bits]
    if value == 0:
        return 0
    bias = (1 << (exponent_bits - 1)) - 1
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if Fraction(2) ** exponent > value:
        exponent -= 1
    elif Fraction(2) ** (exponent + 1) <= value:
        exponent += 1
    exponent = max(exponent, 1 - bias)
    scaled = value / Fraction(2) ** (exponent - mantissa_bits)
    significand = int(scaled)
    rest = scaled - significand
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and significand & 1):
        significand += 1
    if significand >= 1 << (mantissa_bits + 1):
        significand >>= 1
        exponent += 1
    if exponent > bias:
        raise ScriptError("float out of range")
    if significand < 1 << mantissa_bits:
        return significand  # subnormal
    return ((exponent + bias) << mantissa_bits) | (significand - (1 << mantissa_bits))


def parse_float(text: str, bits: int) -> int | str:
    """A float literal as a bit pattern, or the kind of NaN: "canonical" or "arithmetic"."""
    mantissa_bits, exponent_bits = FLOAT_BITS[bits]
    text = text.replace("_", "")
    digits = text.lstrip("+-")
    sign = 1 << (bits - 1) if text.startswith("-") else 0
    infinity = ((1 << exponent_bits) - 1) << mantissa_bits
    if digits in ("nan:canonical", "nan:arithmetic"):
        return digits.removeprefix("nan:")
    if digits == "inf":
        return sign | infinity
    if digits == "nan":
        return sign | infinity | (1 << (mantissa_bits - 1))
    if digits.startswith("nan:0x"):
        return sign | infinity | int(digits[6:], 16)
    return sign | _round(_fraction(digits), bits)


def _number(type_: str, text: str, bits: int) -> Number | Nan:
    if not type_.startswith("f"):
        return Number(type_, parse_integer(text, bits))
    parsed = parse_float(text, bits)
    return Nan(type_, parsed) if isinstance(parsed, str) else Number(type_, parsed)


def _vector(node: List) -> Vector:
    type_, count, bits = _LANES[atom(node[1])]
    lanes = node[2:]
    if len(lanes) != count:
        raise ScriptError("wrong number of v128 lanes")
    return Vector(type_, tuple(_number(type_, atom(lane), bits) for lane in lanes))


def _null(node: List) -> Reference:
    if len(node) == 1:
        return Reference("ref", "null")
    heap = node[1]
    name = atom(heap[1] if isinstance(heap, List) else heap)  # (ref.null (shared any))
    return Reference(_REFERENCE_TYPES.get(name, "ref"), "null")


def constant(node: Node) -> Value:
    """An argument or an expected result."""
    keyword = head(node).decode()
    if not isinstance(node, List) or not keyword:
        raise ScriptError(f"constant {node!r}")
    if keyword in ("i32.const", "i64.const", "f32.const", "f64.const"):
        return _number(keyword[:3], atom(node[1]), int(keyword[1:3]))
    if keyword == "v128.const":
        return _vector(node)
    if keyword == "ref.null":
        return _null(node)
    if keyword in ("ref.extern", "ref.host"):
        type_ = "externref" if keyword == "ref.extern" else "anyref"
        return Reference(type_, parse_integer(atom(node[1]), 32) if len(node) > 1 else None)
    if keyword.startswith("ref."):
        name = keyword[4:].removesuffix("_shared")
        if name in _REFERENCE_TYPES:
            return Reference(_REFERENCE_TYPES[name], None)
    if keyword == "either":
        return Either(tuple(constant(child) for child in node[1:]))
    raise ScriptError(f"constant {node!r}")
