"""Which address an access to linear memory had: from the lowered operation that trapped, and what it worked with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from firmware_host.symbols import operations

#: Names of operations that check an address, as vm/ops/internal.py makes them: with the form of the address (ADDRESS).
_ACCESS = re.compile(r"(?:load|store)\d+(?:_[us])?_(S|A|SO|AO|SC|AS)(?:_[SAC])?")

#: Its check is of the last four bytes of eight, and so is its offset.
_OF_THE_LAST_FOUR = ("load64_SO", "store64_SO")

_WRAP = 1 << 32


def slot(units: Sequence[int]) -> int | None:
    """The cell of the frame that the address of the operation at `units[0]` is made from; None if it is made from
    none."""
    name = _name(units)
    found = _ACCESS.fullmatch(name)
    form = found[1] if found else "S" if name.startswith("address_") else ""
    return units[1] if "S" in form else None


def address(units: Sequence[int], accumulator: int, cell: int) -> int | None:
    """The address that the operation at `units[0]` had, `cell` being what was in `slot`. It may lie beyond 32 bits.
    None if the operation accesses no single address."""
    name = _name(units)
    if name.startswith("address_"):  # the operation adds a large offset, and traps if the sum is beyond all memory
        return cell + (units[2] | units[3] << 16)
    found = _ACCESS.fullmatch(name)
    match found and found[1]:
        case "S":
            return cell
        case "A":
            return accumulator
        case "SO":
            return cell + units[2] - (4 if name in _OF_THE_LAST_FOUR else 0)
        case "AO":
            return accumulator + units[1]
        case "SC":  # constant and cell were added by the program: the sum wraps
            return (cell + units[2] - (units[2] >> 15 << 16)) % _WRAP
        case "AS":
            return (accumulator + cell) % _WRAP
    return None


def _name(units: Sequence[int]) -> str:
    rows, number = operations.operations(), units[0] - operations.bias()
    return str(rows[number].name) if 0 <= number < len(rows) else ""
