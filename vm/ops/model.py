"""What a row of the internal instruction table is.

An operation is one 16-bit unit followed by operand units, destination last: a unit of its own, or the high byte of the last one. The
letters of a name say where operands come from:

    S   a frame slot (32-bit cell; i64 and f64 take the named slot and the next)
    C   a 16-bit constant, sign-extended
    U   a frame slot, extended without sign to 64 bits
    A   the accumulator: the last 32-bit result, kept in a register
    D   a slot that is operand and destination at once
    K   an address known when lowering, below the memory's declared minimum: needs no bounds check
    O   an unsigned 16-bit offset added to the address before it

`add_SC_A` is: slot plus constant, result in the accumulator only. Where `x_S` and `x_A` both exist they are neighbours, so that
lowering drops a store that nobody needs by adding one to the operation and taking back the destination. Where `x_A` stands alone,
a `mov_A_S` behind it stores its result.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Units that an operand of a kind takes, and what it is. Used by generator, disassembler and documentation.
OPERAND_KINDS = {
    "s": (1, "slot"),
    "w": (1, "wide slot (two cells)"),
    "d": (1, "destination slot"),
    "D": (1, "wide destination slot"),
    "p": (1, "slot, and in the high byte the destination slot"),
    "h": (1, "constant of 8 bits, without sign, and in the high byte the destination slot"),
    "c": (1, "constant, sign-extended"),
    "f": (1, "first slot of the callee's frame"),
    "u": (1, "number, unsigned"),
    "b": (1, "branch distance from this unit, in units"),
    "l": (2, "branch distance from the first of these units, in units"),
    "k": (2, "constant, low unit first"),
    "q": (4, "constant, lowest unit first"),
}

#: Kinds that name a slot: what lowered code for some instruction sets holds as distances in bytes (code_scale in vm/src/code.c).
SLOT_KINDS = "swdDfp"
#: The same of the high byte only.
HIGH_SLOT_KIND = "h"


#: Number of the first operation: the words of the VM before it are its own hot state, so that one register serves as base of both.
OPERATION_BIAS = 32


@dataclass(frozen=True)
class Operation:
    """One internal operation: name, operand kinds in order, and the C statements that are its meaning.

    The statements may use: `A`, `S32(n)`, `S64(n)`, `PUT64(n, value)`, `C16(n)`, `U16(n)` for the operand at unit n, `S32L(n)`,
    `U8L(n)` and `S32H(n)` for those in its low and its high byte, and end by `NEXT(length)` unless they jump. `trap_…` labels leave
    the run.
    """

    name: str
    operands: str
    code: str
    control: bool = False
    feature: str = ""  # name in WIRQ_FEATURES: a build without it has no handler, but the same numbers

    @property
    def slot_units(self) -> list[int]:
        """Units that name slots."""
        units, unit = [], 1
        for kind in self.operands:
            if kind in SLOT_KINDS:
                units.append(unit)
            unit += OPERAND_KINDS[kind][0]
        return units

    @property
    def length(self) -> int:
        return 1 + sum(OPERAND_KINDS[kind][0] for kind in self.operands)
