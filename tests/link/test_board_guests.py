"""The Python API with guests: files, modules and C go in, Python values come out, interrupts are objects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

from firmware_host import BadModule, Board, BoardError, BuildError, TrapError
from tests.cli import guest_modules

TYPES = """(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "nothing"))
  (func (export "both") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0)))"""


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host") as connected:
        yield connected


def test_values_of_every_type_go_in_and_come_out(board: Board) -> None:
    instance = board.load(bytes(wasmtime.wat2wasm(TYPES)))
    assert instance.call("i32", -1) == -1
    assert instance.call("i32", 0xFFFFFFFF) == -1
    assert instance.call("i64", -(1 << 63)) == -(1 << 63)
    assert instance.call("i64", (1 << 64) - 1) == -1
    assert instance.call("f32", 0.5) == 0.5
    assert instance.call("f64", 0.1) == 0.1
    assert instance.call("f64", 3) == 3.0
    assert math.isnan(instance.call("f64", math.nan))
    assert instance.call("f32", "-inf") == -math.inf
    assert instance.call("nothing") is None
    assert instance.call("both", 1 << 40, 1.5) == (1.5, 1 << 40)


@pytest.mark.parametrize(
    ("export", "arguments", "told"),
    [
        ("i32", (1 << 32,), "does not fit i32"),
        ("i32", (0.5,), "cannot be given as i32"),
        ("i32", (), "1 argument, not 0"),
        ("f32", (1e300,), "does not fit f32"),
        ("f64", (None,), "is no f64"),
    ],
)
def test_what_does_not_fit_a_type_is_told_and_not_sent(
    board: Board, export: str, arguments: tuple[float | None, ...], told: str
) -> None:
    instance = board.load(bytes(wasmtime.wat2wasm(TYPES)))
    with pytest.raises(ValueError, match=told):
        instance.call(export, *arguments)


def test_an_export_that_is_not_there_is_told_with_those_that_are(board: Board) -> None:
    with pytest.raises(BadModule, match="exports no function 'sub'") as caught:
        board.call(guest_modules.add(), "sub", 1, 2)
    assert caught.value.hint == "it exports add, fail"


def test_c_is_compiled_and_modules_are_read_from_files(board: Board, tmp_path: Path) -> None:
    source = tmp_path / "guest.c"
    source.write_text('__attribute__((export_name("square"))) int square(int x) {\n    return x * x;\n}\n')
    assert board.call(source, "square", 12) == 144
    assert board.call(str(source), "square", -3) == 9
    module = tmp_path / "guest.wasm"
    module.write_bytes(guest_modules.add())
    assert board.call(module, "add", 40, 2) == 42
    source.write_text("int square(int x) { return y; }\n")
    with pytest.raises(BuildError, match="undeclared"):
        board.call(source, "square", 1)
    with pytest.raises(BadModule, match=r"cannot read .*none\.wasm"):
        board.run(tmp_path / "none.wasm")


def test_a_module_stays_loaded_beside_another_if_that_is_wished(board: Board) -> None:
    first = board.load(guest_modules.add())
    second = board.load(bytes(wasmtime.wat2wasm(TYPES)), keep=True)
    assert (first.call("add", 1, 1), second.call("i32", 7)) == (2, 7)


def test_an_interrupt_source_is_an_object(board: Board) -> None:
    board.load(guest_modules.handler("soft0"))
    soft = board.irq("soft0")
    assert (soft.number, board.irq(3).number) == (3, 3)
    soft.mask()
    before = soft.info
    soft.raise_(count=2)
    assert not soft.info.enabled
    soft.unmask()
    assert soft.info.enabled
    assert soft.info.raised == before.raised + 2
    with pytest.raises(BoardError, match="no interrupt source 'lamp'"):
        board.irq("lamp")


def test_the_stack_of_a_trap_is_told_in_functions(board: Board) -> None:
    instance = board.load(guest_modules.main_traps())
    result = board.run(instance).wait(5.0)
    assert result.trap is not None
    assert [frame.name for frame in board.frames(result.trap, instance)] == ["main"]
    instance = board.load(guest_modules.add())
    with pytest.raises(TrapError):
        instance.call("fail")
