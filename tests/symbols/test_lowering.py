"""Where a board says that a guest trapped is where the instruction stands that trapped, for every kind of trap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import wasmtime

from firmware_host import Board, BoardError, TrapError
from firmware_host.cli.traps import trap_of_error
from firmware_host.symbols.lowering import lowering_map
from firmware_host.symbols.symbols import Symbols
from firmware_host.wasm import Module
from tests.cli import guest_modules

#: Instructions that trap, with what stands around them: fused, folded, behind a branch. `@` marks the one that traps.
TRAPPING = {
    "division of locals": "(i32.const 7) (local.get 0) @ i32.div_s",
    "division, its result in a local": "(i32.const 7) (local.get 0) @ i32.div_s local.tee 0 drop (local.get 0)",
    "division, its result compared": "(i32.const 7) (local.get 0) @ i32.div_u i32.eqz if nop end i32.const 0",
    "remainder of a sum": "(i32.const 7) (i32.add (local.get 0) (local.get 0)) @ i32.rem_s i32.const 1 i32.add",
    "wide division": "(i64.const 7) (i64.extend_i32_u (local.get 0)) @ i64.div_s i32.wrap_i64",
    "load": "(i32.add (local.get 0) (i32.const -4)) @ i32.load",
    "load with offset, then added": "(local.get 0) @ i32.load offset=70000 (local.get 0) i32.add",
    "load of a byte, then a branch": "(i32.const -1) @ i32.load8_u if nop end i32.const 0",
    "store": "(i32.const 65533) (i32.const 1) @ i32.store i32.const 0",
    "wide store after a loop": "(loop nop) (i32.const 65529) (i64.const 1) @ i64.store i32.const 0",
    "unreachable after a branch": "(local.get 0) if i32.const 1 return end @ unreachable",
    "conversion": "(f32.const nan) @ i32.trunc_f32_s",
    "wide conversion": "(f64.const inf) @ i64.trunc_f64_u i32.wrap_i64",
    "indirect call": "(local.get 0) @ call_indirect (result i32)",
    "fill": "(i32.const 65535) (i32.const 0) (i32.const 2) @ memory.fill i32.const 0",
}

_NOP, _MARK = b"\x01", b"\x01" * 7


def module(body: str) -> tuple[bytes, int]:
    """A module, and the offset of the instruction behind the mark: seven nops, of which no code is made."""
    marked = body.replace("@", "nop " * len(_MARK))
    text = f"""(module (memory 1) (table 1 funcref) (type (func (result i32)))
        (func (export "first") (result i32) i32.const 1)
        (func (export "f") (param i32) (local i64 i64) (result i32) {marked}))"""
    text = text.replace("(local i64 i64) (result i32)", "(result i32) (local i64 i64)")
    data = bytes(wasmtime.wat2wasm(text))
    return data, data.rindex(_MARK) + len(_MARK)


@pytest.fixture(scope="module", params=["host", "qemu:stm32f4", "qemu:microbit", "qemu:hifive1"])
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    with Board.connect(request.param, timeout=10.0) as connected:
        yield connected


@pytest.mark.parametrize("name", TRAPPING)
def test_a_trap_is_told_at_the_very_instruction(board: Board, name: str) -> None:
    data, expected = module(TRAPPING[name])
    if board.info.arena_size < 1 << 17:
        data = small_memory(data)
    board.put(data, replace=True)
    instance = board.instantiate()
    with pytest.raises(TrapError) as caught:
        instance.invoke("f", [0])
    report = board.report(trap_of_error(caught.value), instance)
    symbols = Symbols(Module.parse(data), data)
    assert symbols.why_no_lines(report) == ""
    assert symbols.frames(report)[0].module_offset == expected


def small_memory(data: bytes) -> bytes:
    """The module with a memory of no pages, whose accesses trap all the same: small boards have no room for one."""
    assert data.count(b"\x05\x03\x01\x00\x01") == 1
    return data.replace(b"\x05\x03\x01\x00\x01", b"\x05\x03\x01\x00\x00")


def test_the_map_is_of_the_code_that_the_board_made(board: Board) -> None:
    largest = 5000 if board.info.arena_size >= 1 << 17 else 3000  # loading takes RAM beside the module
    for data in (guest_modules.add(), guest_modules.main_never_ends(), guest_modules.code_of(largest)):
        board.put(data, replace=True)
        made = lowering_map(data)
        assert board.instantiate().lowered_code_bytes == made.code_bytes
        assert sum(one.size for one in made.functions.values()) == made.code_bytes


def test_offsets_of_the_map_ascend_and_lie_in_the_function(board: Board) -> None:
    data, _ = module(TRAPPING["load of a byte, then a branch"])
    parsed = Module.parse(data)
    for index, function in lowering_map(data).functions.items():
        body = parsed.code[index]
        assert list(function.lowered) == sorted(set(function.lowered))
        assert all(0 <= offset < function.size for offset in function.lowered)
        assert all(body.start <= offset < body.end for offset in function.wasm)


def test_a_module_that_no_board_takes_has_no_map() -> None:
    with pytest.raises(BoardError, match="cannot be lowered"):
        lowering_map(b"\0asm\1\0\0\0\x0a\x01")
