"""Bit patterns worth computing with: limits, neighbours of powers of two, subnormals, quiet and signalling NaNs."""

from __future__ import annotations

from random import Random

_INTEGERS = (0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000)

_F32 = (
    *(0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x3F800000, 0xBF800000),
    *(0x3F000000, 0x3FC00000, 0xBF000000, 0x40200000, 0x4F000000, 0xCF000000, 0x4EFFFFFF, 0xCF000001),
    *(0x4F800000, 0x5F000000, 0xDF000000, 0x5F800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000),
    *(0x7FC00000, 0xFFC00000, 0x7FA00000, 0xFF800001, 0x7F800001, 0x7FFFFFFF, 0x4B000000, 0x4AFFFFFF, 0x3DCCCCCD),
)
_F64 = (
    *(0, 1 << 63, 1, (1 << 63) | 1, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x3FF0000000000000, 0xBFF0000000000000),
    *(0x3FE0000000000000, 0x3FF8000000000000, 0x4004000000000000, 0x41DFFFFFFFC00000, 0x41E0000000000000),
    *(0xC1E0000000000000, 0xC1E0000000200000, 0xC1E0000000100000, 0x41EFFFFFFFE00000, 0x41F0000000000000),
    *(0x43E0000000000000, 0xC3E0000000000000, 0x43F0000000000000, 0x43DFFFFFFFFFFFFF, 0x43EFFFFFFFFFFFFF),
    *(0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8000000000001),
    *(0x7FF0000000000001, 0xFFF4000000000000, 0x36A0000000000000, 0x3690000000000001, 0x47EFFFFFE0000000),
    *(0x47EFFFFFF0000000, 0x380FFFFFC0000000, 0x4330000000000000, 0x432FFFFFFFFFFFFF, 0x3FB999999999999A),
)


def integer(random: Random, bits: int) -> int:
    """Unsigned."""
    mask = (1 << bits) - 1
    match random.randrange(5):
        case 0:
            return random.getrandbits(bits)
        case 1:
            return (1 << random.randrange(bits)) + random.randrange(-2, 3) & mask
        case 2:
            return -random.choice(_INTEGERS) & mask
        case _:
            return random.choice(_INTEGERS)


def bits_of(random: Random, type_: str) -> int:
    """A bit pattern of a number type."""
    if type_ in ("i32", "i64"):
        return integer(random, int(type_[1:]))
    special = _F32 if type_ == "f32" else _F64
    width = int(type_[1:])
    match random.randrange(4):
        case 0:
            return random.getrandbits(width)
        case 1:  # of moderate size, some of them whole
            exponent = random.randrange(-4, 70)
            return _moderate(random, width, exponent)
        case _:
            return random.choice(special)


def _moderate(random: Random, width: int, exponent: int) -> int:
    mantissa_bits, bias = (23, 127) if width == 32 else (52, 1023)
    mantissa = random.getrandbits(mantissa_bits)
    if random.randrange(2) and exponent >= 0:  # whole, or a half
        mantissa &= -1 << max(0, mantissa_bits - exponent - random.randrange(2))
    return random.getrandbits(1) << (width - 1) | (exponent + bias) << mantissa_bits | mantissa
