"""Nothing but memory bounds nesting, branch tables, locals, operands, parameters and functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from firmware_host import Board
from firmware_host.cli.wast import ARENA_SIZE
from firmware_host.wasm import FunctionType, Kind
from firmware_host.wasm.encode import END, ModuleWriter, signed, unsigned

I32_TO_I32 = FunctionType(("i32",), ("i32",))


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host", 10.0, arena_size=ARENA_SIZE) as connected:
        yield connected


def _call(board: Board, code: bytes, argument: int, locals_: tuple[str, ...] = ()) -> list[int]:
    writer = ModuleWriter()
    writer.export("f", Kind.FUNCTION, writer.function(I32_TO_I32, code, locals_))
    board.put(writer.finish(), replace=True)
    return board.instantiate().invoke("f", [argument])


def _get(index: int) -> bytes:
    return b"\x20" + unsigned(index)


def _const(value: int) -> bytes:
    return b"\x41" + signed(value)


ADD_ONE_TO_0 = _get(0) + _const(1) + b"\x6a\x21\x00"


@pytest.mark.parametrize("depth", [300, 5000])
@pytest.mark.parametrize("opcode", [0x02, 0x03])
def test_blocks_and_loops_nest_as_deep_as_memory_allows(board: Board, depth: int, opcode: int) -> None:
    code = (bytes([opcode]) + b"\x40") * depth + ADD_ONE_TO_0 + b"\x0b" * depth + _get(0) + END
    assert _call(board, code, 41) == [42]


def test_ifs_nest_deep_and_hold_their_values(board: Board) -> None:
    depth = 2000
    code = (
        (_get(0) + b"\x04\x7f") * depth
        + _const(1)
        + (b"\x05" + _const(0) + b"\x0b" + _const(1) + b"\x6a") * depth
        + END
    )
    assert _call(board, code, 1) == [depth + 1]
    assert _call(board, code, 0) == [1]


@pytest.mark.parametrize("size", [255, 600, 5000])
def test_a_branch_table_is_as_long_as_memory_allows(board: Board, size: int) -> None:
    # Leaving `n` blocks by the table leads past `size - n` additions.
    table = b"\x0e" + unsigned(size - 1) + b"".join(unsigned(i) for i in range(size))
    code = (
        b"\x02\x40" * size + _get(0) + table + (b"\x0b" + _get(1) + _const(1) + b"\x6a\x21\x01") * size + _get(1) + END
    )
    for index in (0, 1, size // 2, size - 2, size - 1, size, 0xFFFFFFFF):
        assert _call(board, code, index, ("i32",)) == [size - min(index, size - 1)]


@pytest.mark.parametrize("size", [3500, 5600])
def test_a_branch_table_carries_values_to_labels_in_turn(board: Board, size: int) -> None:
    # Both labels want their two values elsewhere than where they are, so each target of the table comes with moves.
    wide = FunctionType((), ("i64", "i64"))
    writer = ModuleWriter()
    block = b"\x02" + signed(writer.type(wide))
    values = _get(0) + b"\xad\x42\x05"
    table = b"\x0e" + unsigned(size - 1) + b"".join(unsigned(i % 2) for i in range(size))
    code = (
        _const(0) + block + _const(0) + block + _const(0) + values + _get(0) + table + b"\x0b"
        + b"\x1a\x1a\x1a\x42\x07\x42\x08\x0b" + b"\xa7\x21\x00\xa7" + _get(0) + b"\x6a\x6a" + END
    )  # fmt: skip
    writer.export("f", Kind.FUNCTION, writer.function(I32_TO_I32, code))
    board.put(writer.finish(), replace=True)
    instance = board.instantiate()
    assert [instance.invoke("f", [i]) for i in (0, 1, 2, 3, size - 1)] == [[15], [6], [15], [8], [size + 4]]


def test_a_branch_leaves_thousands_of_blocks_at_once(board: Board) -> None:
    depth = 3000
    code = (
        b"\x02\x7f"
        + b"\x02\x40" * depth
        + _get(0)
        + b"\x0c"
        + unsigned(depth)
        + b"\x0b" * depth
        + _const(0)
        + b"\x0b"
        + END
    )
    assert _call(board, code, 77) == [77]


@pytest.mark.parametrize("count", [100, 1000])
def test_locals_are_as_many_as_the_stack_holds(board: Board, count: int) -> None:
    kinds = tuple(("i32", "i64", "f32", "f64")[i % 4] for i in range(count))
    last = count - count % 4 - 3  # an i32, counting the parameter
    code = _get(0) + b"\x21" + unsigned(last) + _get(last) + _get(last) + b"\x6a" + END
    assert _call(board, code, 21, kinds) == [42]


def test_operands_pile_up_on_the_stack(board: Board) -> None:
    count = 1000
    pushed = b"".join(_get(0) + _const(i) + b"\x6a" for i in range(count))
    assert _call(board, pushed + b"\x6a" * (count - 1) + END, 1) == [count + count * (count - 1) // 2]


def test_functions_are_as_many_as_memory_allows(board: Board) -> None:
    writer = ModuleWriter()
    for i in range(3000):
        writer.function(I32_TO_I32, _get(0) + _const(1) + b"\x6a" + (b"\x10" + unsigned(i - 1) if i else b"") + END)
    writer.export("f", Kind.FUNCTION, 199)
    board.put(writer.finish(), replace=True)
    assert board.instantiate().invoke("f", [0]) == [200]


def test_parameters_and_results_are_many(board: Board) -> None:
    kinds = ("i32",) * 100
    writer = ModuleWriter()
    reverse = writer.function(FunctionType(kinds, kinds), b"".join(_get(99 - i) for i in range(100)) + END)
    writer.export("reverse", Kind.FUNCTION, reverse)
    twice = b"".join(_get(i) for i in range(100)) + (b"\x10" + unsigned(reverse)) * 2 + END
    writer.export("twice", Kind.FUNCTION, writer.function(FunctionType(kinds, kinds), twice))
    board.put(writer.finish(), replace=True)
    instance = board.instantiate()
    assert instance.invoke("reverse", list(range(100))) == list(range(99, -1, -1))
    assert instance.invoke("twice", list(range(100))) == list(range(100))
