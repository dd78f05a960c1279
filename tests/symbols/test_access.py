"""A trap for an access to memory names the address that the program computed, whatever lowering made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, product

import pytest

from firmware_host import Board, TrapError
from firmware_host.cli.traps import of_report, trap_of_error
from firmware_host.instance import Instance
from firmware_host.symbols import operations
from firmware_host.symbols.disassemble import disassemble
from firmware_host.symbols.report import Operands, Report
from firmware_host.symbols.symbols import Access, Symbols
from firmware_host.wasm import Module
from firmware_host.wast.assemble import assemble
from tests import needs

LOADS = (
    "i32.load",
    "i32.load8_u",
    "i32.load8_s",
    "i32.load16_u",
    "i32.load16_s",
    "i64.load",
    "i64.load32_u",
    "f64.load",
)
STORES = ("i32.store", "i32.store8", "i32.store16", "i64.store", "f32.store")
OFFSETS = (0, 1, 3, 4, 1000, 0x12345, 0xFFFF_FFFF)
#: Ways to an address, and what they make of the first argument.
WAYS: dict[str, Callable[[int], int]] = {
    "(local.get $p)": lambda p: p,
    "(i32.add (local.get $p) (i32.const 12))": lambda p: (p + 12) & 0xFFFF_FFFF,
    "(i32.add (local.get $p) (i32.const -8))": lambda p: (p - 8) & 0xFFFF_FFFF,
    "(i32.add (local.get $p) (i32.mul (local.get $q) (i32.const 3)))": lambda p: (p + 21) & 0xFFFF_FFFF,
    "(i32.add (i32.mul (local.get $q) (i32.const 3)) (local.get $p))": lambda p: (p + 21) & 0xFFFF_FFFF,
    "(i32.xor (local.get $p) (local.get $q))": lambda p: p ^ 7,
}
POINTERS = (0x8000, 0x1FFFC, 0xFFFF_FFF0)
MEMORY = 1024
Case = tuple[str, int, str]
CASES: list[Case] = list(product((*LOADS, *STORES), OFFSETS, WAYS))


def function(number: int, case: Case) -> str:
    instruction, offset, way = case
    kind = instruction.split(".")[0]
    operation = f"{instruction} offset={offset} {way}"
    body = f"({operation} ({kind}.const 5))" if "store" in instruction else f"(drop ({operation}))"
    return f'(func (export "f{number}") (param $p i32) (param $q i32) {body})'


def assembled(cases: Sequence[Case]) -> bytes:
    functions = "\n".join(function(number, case) for number, case in enumerate(cases))
    return assemble(f"(module (memory {MEMORY} (pagesize 1)) {functions})".encode())


def trap(board: Board, instance: Instance, export: str, *arguments: int) -> Report:
    with pytest.raises(TrapError, match="out of bounds memory access") as caught:
        instance.call(export, *arguments)
    return board.report(trap_of_error(caught.value), instance)


def accesses(symbols: Symbols) -> set[str]:
    """The operations that lowering made of them."""
    lines = chain.from_iterable(disassemble(function.units) for function in symbols.map.functions.values())
    return {line.name for line in lines if line.name.startswith(("load", "store", "address_"))}


def check(board: Board, cases: Sequence[Case]) -> set[str]:
    """Lets every case trap; returns the operations that it was by."""
    module = assembled(cases)
    symbols = Symbols(Module.parse(module))
    instance = board.load(module)
    for (number, case), pointer in product(enumerate(cases), POINTERS):
        expected = WAYS[case[2]](pointer) + case[1]
        if expected + 8 > MEMORY:
            report = trap(board, instance, f"f{number}", pointer, 7)
            assert symbols.access(report) == Access(expected, MEMORY), (case, pointer)
    return accesses(symbols)


def checked() -> set[str]:
    """All operations that check an address."""
    rows = operations.operations()
    return {one.name for one in rows if "BOUNDS" in one.code or one.name.startswith("address_")}


def forms(names: Iterable[str]) -> set[str]:
    """How addresses are made in these operations: the first letters behind what the access is."""
    return {re.sub(r"_[SAC]$|^(load|store)(?!64)\d+(_[us])?", "", name) for name in names}


def test_every_access_names_its_address() -> None:
    seen: set[str] = set()
    with Board.connect("host") as board:
        for first in range(0, len(CASES), 91):
            seen |= check(board, CASES[first : first + 91])
    assert forms(seen) == forms(checked())
    assert len(forms(seen)) == 9


@pytest.mark.parametrize("name", ["microbit", "hifive1"])
def test_slots_that_a_processor_names_by_their_distance_are_the_same(name: str) -> None:
    needs.program("qemu-system-arm" if name == "microbit" else "qemu-system-riscv32", "the address of a trap there")
    with Board.connect(f"qemu:{name}") as board:
        check(board, CASES[::31])


HANDLER = b"""(module (memory 1) (memory 2)
  (func (export "irq:soft0") (param i32 i32 i32) (drop (i32.load8_u offset=3 (i32.const 0x20000))))
  (func (export "fill") (memory.fill (i32.const 0x20000) (i32.const 0) (i32.const 1)))
  (func (export "_start") (loop (br 0))))"""


def test_of_several_memories_no_size_is_told_and_of_bulk_operations_no_address() -> None:
    with Board.connect("host") as board:
        instance = board.load(assemble(HANDLER))
        symbols = Symbols(Module.parse(assemble(HANDLER)))
        assert symbols.access(trap(board, instance, "fill")) is None
        with board.run(instance) as app:
            board.irq("soft0").raise_()
            result = app.wait()
        assert result.trap is not None
        report = board.report(result.trap, instance)
        assert report.source is not None
        assert symbols.access(report) == Access(0x20003, None)


def test_a_report_keeps_what_the_address_is_made_from_and_earlier_ones_lack_it() -> None:
    module = assembled(CASES[:1])
    with Board.connect("host") as board:
        report = trap(board, board.load(module), "f0", 0x8000, 0)
    symbols = Symbols(Module.parse(module))
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    explained = of_report(report, symbols, "app.wasm")
    assert explained.stack[0].endswith("   address 0x8000, memory 1 KiB")
    assert explained.fields["access"] == {"address": 0x8000, "memory_size": MEMORY}
    earlier = {key: value for key, value in report.to_json().items() if key != "operands"}
    assert symbols.access(Report.from_json(earlier)) is None


def test_cells_that_are_alike_to_the_end_are_kept_once() -> None:
    had = Operands.of(0, 0, [1, 2, 2, 2])
    assert had.cells == (1, 2)
    assert [had.cell(number) for number in range(5)] == [1, 2, 2, 2, None]
