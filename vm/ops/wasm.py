"""The WebAssembly instructions: encoding, types, and what lowering makes of them. WebAssembly spec 5.4 and appendix A.7.

Control, variable and memory instructions have code of their own in vm/src/lower_*.c; numeric instructions are rows only.
"""

from __future__ import annotations

from dataclasses import dataclass

from .internal import BINARY32, BINARY64


@dataclass(frozen=True)
class Instruction:
    """A numeric instruction: opcode (prefix 0xFC in the high byte), parameters and result as value types, and its lowering.

    `how` is one of HOW; `argument` names what it needs: an entry of BINARY32, a relation, an operation.
    """

    opcode: int
    name: str
    parameters: tuple[str, ...]
    result: str
    how: str
    argument: str = ""
    swap: bool = False


#: Ways of lowering a numeric instruction (enum lower_how in vm/src/lower_numeric.c).
HOW = (
    "INVALID",
    "BINARY32",  # operand forms of BINARY32
    "COMPARE32",  # fuses with branches
    "EQZ32",
    "DIVIDE32",  # SS and SC forms
    "SLOTS32",  # the operand in its slot, result to slot or accumulator
    "SIGN_F32",  # xor or and with a constant
    "UNARY32",  # S and A forms, result to slot or accumulator
    "BINARY64",  # SS and SC forms
    "SHIFT64",  # forms for constants; else an operation for shl, extended operations for the others
    "COMPARE64",  # operands in slots, and the relation
    "COMPARE_F32",  # the same
    "EQZ64",
    "EXTEND64",  # i32 to i64, S and A forms
    "EXTENDED",  # operands in slots, an extended operation
    "ALIAS",  # the same bits: no operation
)

INTEGER_RELATIONS = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
#: Relations that are others with their operands swapped.
SWAPPED = {"gt": "lt", "ge": "le"}
SWAPPED64 = {"gt_s": "lt_s", "le_s": "ge_s", "gt_u": "lt_u", "le_u": "ge_u"}
ORDER_FLOAT = ("eq", "ne", "lt", "gt", "le", "ge")
SHIFTS64 = ("shl", "shr_s", "shr_u", "rotl", "rotr")
FLOAT_UNARY = ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt")
FLOAT_BINARY = ("add", "sub", "mul", "div", "min", "max", "copysign")
ORDER32 = (
    "add",
    "sub",
    "mul",
    "div_s",
    "div_u",
    "rem_s",
    "rem_u",
    "and",
    "or",
    "xor",
    "shl",
    "shr_s",
    "shr_u",
    "rotl",
    "rotr",
)


def numeric() -> list[Instruction]:
    """All numeric instructions, in order of opcode."""
    rows: list[Instruction] = []

    def row(
        opcode: int, name: str, parameters: str, result: str, how: str, argument: str = "", swap: bool = False
    ) -> None:
        rows.append(Instruction(opcode, name, tuple(parameters.split()), result, how, argument, swap))

    row(0x45, "i32.eqz", "i32", "i32", "EQZ32")
    for i, relation in enumerate(INTEGER_RELATIONS):
        row(0x46 + i, f"i32.{relation}", "i32 i32", "i32", "COMPARE32", relation)
    row(0x50, "i64.eqz", "i64", "i32", "EQZ64")
    for i, relation in enumerate(INTEGER_RELATIONS):
        plain = SWAPPED64.get(relation, relation)
        row(0x51 + i, f"i64.{relation}", "i64 i64", "i32", "COMPARE64", plain, plain != relation)
    for i, relation in enumerate(ORDER_FLOAT):
        plain = SWAPPED.get(relation, relation)
        row(0x5B + i, f"f32.{relation}", "f32 f32", "i32", "COMPARE_F32", plain, plain != relation)
        row(0x61 + i, f"f64.{relation}", "f64 f64", "i32", "EXTENDED", f"f64_{plain}", plain != relation)
    for base, type_ in ((0x67, "i32"), (0x79, "i64")):
        for i, name in enumerate(("clz", "ctz", "popcnt")):
            row(base + i, f"{type_}.{name}", type_, type_, "EXTENDED", f"{name}{type_[1:]}")
    for i, name in enumerate(ORDER32):
        row(0x6A + i, f"i32.{name}", "i32 i32", "i32", *_how32(name))
        if name in BINARY64:
            row(0x7C + i, f"i64.{name}", "i64 i64", "i64", "BINARY64", name)
        elif name.startswith(("sh", "rot")):
            row(0x7C + i, f"i64.{name}", "i64 i64", "i64", "SHIFT64", name)
        else:
            row(0x7C + i, f"i64.{name}", "i64 i64", "i64", "EXTENDED", f"{name}64")
    for base, type_ in ((0x8B, "f32"), (0x99, "f64")):
        for i, name in enumerate(FLOAT_UNARY):
            how = ("SIGN_F32", name) if type_ == "f32" and name in ("abs", "neg") else ("EXTENDED", f"{type_}_{name}")
            row(base + i, f"{type_}.{name}", type_, type_, *how)
        for i, name in enumerate(FLOAT_BINARY):
            argument = f"{type_}_{name}"
            how = ("BINARY32" if argument in BINARY32 else "EXTENDED", argument)
            row(base + 7 + i, f"{type_}.{name}", f"{type_} {type_}", type_, *how)
    row(0xA7, "i32.wrap_i64", "i64", "i32", "ALIAS")
    for i, (source, sign) in enumerate((s, g) for s in ("f32", "f64") for g in "su"):
        row(0xA8 + i, f"i32.trunc_{source}_{sign}", source, "i32", "EXTENDED", f"i32_trunc_{source}_{sign}")
        row(0xAE + i, f"i64.trunc_{source}_{sign}", source, "i64", "EXTENDED", f"i64_trunc_{source}_{sign}")
        row(0xFC00 + i, f"i32.trunc_sat_{source}_{sign}", source, "i32", "EXTENDED", f"i32_trunc_sat_{source}_{sign}")
        row(0xFC04 + i, f"i64.trunc_sat_{source}_{sign}", source, "i64", "EXTENDED", f"i64_trunc_sat_{source}_{sign}")
    row(0xAC, "i64.extend_i32_s", "i32", "i64", "EXTEND64", "extend_s64_S")
    row(0xAD, "i64.extend_i32_u", "i32", "i64", "EXTEND64", "extend_u64_S")
    for base, type_ in ((0xB2, "f32"), (0xB7, "f64")):
        for i, (source, sign) in enumerate((s, g) for s in ("i32", "i64") for g in "su"):
            argument = f"{type_}_convert_{source}_{sign}"
            inline = (type_, source, sign) == ("f32", "i32", "s")
            how = ("SLOTS32", f"{argument}_S") if inline else ("EXTENDED", argument)
            row(base + i, f"{type_}.convert_{source}_{sign}", source, type_, *how)
    row(0xB6, "f32.demote_f64", "f64", "f32", "EXTENDED", "f32_demote_f64")
    row(0xBB, "f64.promote_f32", "f32", "f64", "EXTENDED", "f64_promote_f32")
    row(0xBC, "i32.reinterpret_f32", "f32", "i32", "ALIAS")
    row(0xBD, "i64.reinterpret_f64", "f64", "i64", "ALIAS")
    row(0xBE, "f32.reinterpret_i32", "i32", "f32", "ALIAS")
    row(0xBF, "f64.reinterpret_i64", "i64", "f64", "ALIAS")
    row(0xC0, "i32.extend8_s", "i32", "i32", "UNARY32", "extend8")
    row(0xC1, "i32.extend16_s", "i32", "i32", "UNARY32", "extend16")
    for i, bits in enumerate((8, 16, 32)):
        row(0xC2 + i, f"i64.extend{bits}_s", "i64", "i64", "EXTENDED", f"extend{bits}_s64")
    rows.sort(key=lambda r: r.opcode)
    return rows


def _how32(name: str) -> tuple[str, str]:
    if name in BINARY32:
        return "BINARY32", name
    return "DIVIDE32", name


#: First and last one-byte opcode of the numeric rows.
NUMERIC_FIRST, NUMERIC_LAST = 0x45, 0xC4
SATURATING_COUNT = 8
