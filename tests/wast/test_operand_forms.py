"""Every operation in every form of operand gives what wasmtime gives.

Lowering folds constants, retargets results and fuses comparisons with what uses them; each such form is another piece
of code. Functions are made for all of them, and their results compared with a VM that does none of this.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import pytest

from firmware_host import Board
from firmware_host.cli.wast import ARENA_SIZE
from firmware_host.errors import TrapError
from firmware_host.inprocess import InProcessBoard
from firmware_host.inprocess.board import InProcessInstance
from firmware_host.instance import Instance
from firmware_host.wast.assemble import assemble
from firmware_host.wast.values import is_nan_of
from tests.wast.reference_board import ReferenceBoard, ReferenceInstance

DIVISIONS = ("div_s", "div_u", "rem_s", "rem_u")
SHIFTS = ("shl", "shr_s", "shr_u", "rotl", "rotr")
INTEGER = ("add", "sub", "mul", *DIVISIONS, "and", "or", "xor", *SHIFTS)
INTEGER_COMPARISONS = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
FLOAT = ("add", "sub", "mul", "div", "min", "max", "copysign")
FLOAT_COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")

Call = tuple[str, list[int]]


def _bits(type_: str, value: float) -> int:
    pack, unpack = ("<f", "<I") if type_ == "f32" else ("<d", "<Q")
    return int(struct.unpack(unpack, struct.pack(pack, value))[0])


def _constants(type_: str) -> list[int]:
    """Bit patterns that constants are made of: those that fit 16 bits, just do not, and are wide."""
    if type_.startswith("f"):
        return [_bits(type_, value) for value in (1.0, -2.5, 1e10, -0.0, float("inf"))]
    width = int(type_[1:])
    ones = (1 << width) - 1
    return [
        0,
        1,
        7,
        31,
        0x7FFF,
        0x8000,
        0xFFFF,
        ones - 0x7FFF,
        ones - 0x8000,
        ones,
        1 << (width - 1),
        0x12345678 % ones,
    ]


def _arguments(type_: str) -> list[int]:
    if type_.startswith("f"):
        return [_bits(type_, value) for value in (1.0, -2.5, 0.0, float("inf"), float("nan"), 3e-39)]
    width = int(type_[1:])
    return [0, 5, (1 << (width - 1)) - 1, 1 << (width - 1), (1 << width) - 1, 0x123456789ABCDEF0 >> (64 - width)]


def _const(type_: str, bits: int) -> str:
    if type_.startswith("i"):
        return f"({type_}.const {bits})"
    return f"({type_}.reinterpret_i{type_[1:]} (i{type_[1:]}.const {bits}))"


def _literal(type_: str, bits: int) -> str:
    """A constant that is one in the code, too."""
    if type_.startswith("i"):
        return f"({type_}.const {bits})"
    value = struct.unpack("<f" if type_ == "f32" else "<d", bits.to_bytes(4 if type_ == "f32" else 8, "little"))[0]
    return f"({type_}.const {value.hex()})"


def _cells(type_: str, bits: int) -> list[int]:
    return [bits & 0xFFFFFFFF] if type_.endswith("32") else [bits & 0xFFFFFFFF, bits >> 32]


def _forms(type_: str, operation: str, is_comparison: bool) -> dict[str, tuple[int, str]]:
    """Functions by name: how many parameters they have, and result and body."""
    result = "i32" if is_comparison else type_
    x, y = "(local.get 0)", "(local.get 1)"

    def op(left: str, right: str) -> str:
        return f"({type_}.{operation} {left} {right})"

    forms = {
        "x y": (2, f"(result {result}) {op(x, y)}"),
        "y x": (2, f"(result {result}) {op(y, x)}"),
        "x x": (1, f"(result {result}) {op(x, x)}"),
        "set": (2, f"(result {result}) (local {result}) (local.set 2 {op(x, y)}) (local.set 0 {y}) (local.get 2)"),
        "tee": (2, f"(result {result}) (local {result}) (drop (local.tee 2 {op(x, y)})) (local.get 2)"),
        "over itself": (2, f"(result {type_}) (local.set 0 {_as(type_, result, op(x, y))}) {x}"),
        "chained left": (2, f"(result {result}) {op(_as(type_, result, op(x, y)), y)}"),
        "chained right": (2, f"(result {result}) {op(x, _as(type_, result, op(x, y)))}"),
        "both": (2, f"(result {result}) {op(_as(type_, result, op(x, y)), _as(type_, result, op(y, x)))}"),
        "held": (2, f"(result {result}) {op(x, y)} (local.set 0 {y}) (local.set 1 {y})"),
    }
    for i, constant in enumerate(_constants(type_)):
        forms[f"x k{i}"] = (1, f"(result {result}) {op(x, _literal(type_, constant))}")
        forms[f"k{i} x"] = (1, f"(result {result}) {op(_literal(type_, constant), x)}")
        forms[f"k{i} k1"] = (
            0,
            f"(result {result}) {op(_literal(type_, constant), _literal(type_, _constants(type_)[1]))}",
        )
        forms[f"x computed k{i}"] = (1, f"(result {result}) {op(x, _const(type_, constant))}")
    if is_comparison:
        compared = {"": op(x, y), " k": op(x, _literal(type_, _constants(type_)[2])), " 0": op(x, _literal(type_, 0))}
        for suffix, test in compared.items():
            count = 2 if not suffix else 1
            for negations in range(3):
                negated = "(i32.eqz " * negations + test + ")" * negations
                forms.update({f"{name}{suffix} not{negations}": (count, body) for name, body in _uses(negated).items()})
    return forms


def _as(type_: str, result: str, expression: str) -> str:
    """A result brought back to the operand type, so that it can go in again."""
    if type_ == result:
        return expression
    return f"({type_}.{'extend' if type_ == 'i64' else 'convert'}_i32_u {expression})"


def _uses(test: str) -> dict[str, str]:
    return {
        "br_if": f"(result i32) (block (br_if 0 {test}) (return (i32.const 10))) (i32.const 20)",
        "br_if with value": f"(result i32) (block (result i32) (i32.add (i32.const 1) (br_if 0 (i32.const 3) {test})))",
        "if": f"(result i32) (if (result i32) {test} (then (i32.const 1)) (else (i32.const 2)))",
        "if alone": f"(result i32) (local i32) (if {test} (then (local.set 2 (i32.const 9)))) (local.get 2)"
        if "local.get 1" in test
        else f"(result i32) (local i32) (if {test} (then (local.set 1 (i32.const 9)))) (local.get 1)",
        "select": f"(result i32) (select (i32.const 3) (i32.const 4) {test})",
        "value": f"(result i32) {test}",
    }


def _behind(padding: int, type_: str, count: int, body: str) -> str:
    """The body with all its variables behind `padding` others, where their numbers do not fit a byte any more."""
    moved = re.sub(r"(local\.\w+) (\d+)", lambda found: f"{found[1]} {count + padding + int(found[2])}", body)
    result, rest = re.split(r"(?<=\)) ?", moved, maxsplit=1)
    declared = re.match(r"(\(local \w+\))? ?(.*)", rest, re.DOTALL)
    assert declared is not None
    locals_ = f"(local {'i32 ' * padding}) (local {f'{type_} ' * count}) {declared[1] or ''}"
    copies = "".join(f"(local.set {count + padding + i} (local.get {i}))" for i in range(count))
    return f"{result} {locals_} {copies} {declared[2]}"


def _module(type_: str, operation: str, is_comparison: bool, padding: int = 0) -> tuple[bytes, list[Call]]:
    functions: list[str] = []
    calls: list[Call] = []
    arguments = _arguments(type_) if padding == 0 else _arguments(type_)[1:6:3]
    for name, (count, plain) in _forms(type_, operation, is_comparison).items():
        body = plain if padding == 0 else _behind(padding, type_, count, plain)
        parameters = f"(param {' '.join([type_] * count)})" if count else ""
        functions.append(f'(func (export "{name}") {parameters} {body})')
        if count == 2:
            calls += [(name, _cells(type_, a) + _cells(type_, b)) for a in arguments for b in arguments]
        else:
            calls += [(name, _cells(type_, a) * count) for a in arguments[: len(arguments) if count else 1]]
    return assemble(("(module " + "\n".join(functions) + ")").encode()), calls


def _outcome(instance: Instance | InProcessInstance | ReferenceInstance, call: Call) -> list[int] | int:
    """Result cells, NaNs as one value; or the trap's code."""
    try:
        cells = instance.invoke(*call)
    except TrapError as error:
        return error.code
    width = 32 * len(cells)
    bits = sum(cell << 32 * i for i, cell in enumerate(cells))
    return [-1] if is_nan_of("arithmetic", bits, width) else cells


CASES = [
    (type_, operation, is_comparison)
    for type_, operations, comparisons in (
        ("i32", INTEGER, INTEGER_COMPARISONS),
        ("i64", INTEGER, INTEGER_COMPARISONS),
        ("f32", FLOAT, FLOAT_COMPARISONS),
        ("f64", FLOAT, FLOAT_COMPARISONS),
    )
    for is_comparison, names in ((False, operations), (True, comparisons))
    for operation in names
]


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host", 10.0, arena_size=ARENA_SIZE) as connected:
        yield connected


@pytest.mark.parametrize(("type_", "operation", "is_comparison"), CASES)
def test_all_forms_agree_with_the_reference(board: Board, type_: str, operation: str, is_comparison: bool) -> None:
    _check(board, *_module(type_, operation, is_comparison))


@pytest.mark.parametrize("padding", [251, 252, 253, 254, 255, 600])
@pytest.mark.parametrize("type_", ["i32", "f32", "i64"])
def test_all_forms_agree_where_slots_are_more_than_a_byte_names(board: Board, type_: str, padding: int) -> None:
    for _, operation, is_comparison in (case for case in CASES if case[0] == type_):
        _check(board, *_module(type_, operation, is_comparison, padding))


@pytest.mark.parametrize("padding", [1, 59, 60, 61, 62, 63, 250])
def test_all_forms_agree_where_slots_are_distances_and_more_than_a_byte_names(padding: int) -> None:
    define = {"WIRQ_PORTABLE_DISPATCH": "1", "WIRQ_SCALED_UNITS": "1"}
    with InProcessBoard(ARENA_SIZE, define=define) as board:
        for case in CASES:
            if case[0] in ("i32", "f32"):
                _check(board, *_module(*case, padding))


def _check(board: Board | InProcessBoard, binary: bytes, calls: list[Call]) -> None:
    """Every call gives what the reference gives."""
    reference = ReferenceBoard()
    reference.put(binary)
    right = reference.instantiate()
    board.put(binary, replace=True)
    ours = board.instantiate()
    wrong = [
        f"{name} {cells}: {got}, expected {expected}"
        for name, cells in calls
        if (got := _outcome(ours, (name, cells))) != (expected := _outcome(right, (name, cells)))
    ]
    assert wrong == []
