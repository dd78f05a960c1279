"""What `wirq inspect` says of stacks and lowered code is what the VM does."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import Board, resources
from firmware_host.errors import BadModule
from firmware_host.guest import AppFile, load, of_bytes
from firmware_host.inspection import Inspection
from firmware_host.symbols import operations
from firmware_host.symbols.disassemble import disassemble
from firmware_host.symbols.stacks import RECORD_CELLS, stack_slack
from firmware_host.wast.assemble import assemble

#: All but `embed`, which is no guest but a program around the VM.
EXAMPLES = sorted(path for path in resources.path("examples").glob("*/*.c") if path.stem != "embed")
KERNELS = sorted(resources.path("benchmarks").glob("*.c"))


def of_text(text: str) -> AppFile:
    return of_bytes(assemble(text.encode()))


#: A chain of three calls; each passes one argument, so the callee's frame begins behind what the caller keeps.
CHAIN = """(module
  (func $c (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $b (param i32) (result i32) (i32.add (call $c (local.get 0)) (local.get 0)))
  (func (export "irq:soft0") (param i32 i32 i32) (drop (call $b (local.get 0))))
  (func (export "round") (param i32) (result i32) (call 3 (local.get 0)))
  (table 1 funcref)
  (func (export "anywhere") (param i32) (call_indirect (i32.const 0))))"""


def test_a_chain_of_calls_takes_the_sum_of_its_frames() -> None:
    c, b, handler, around, anywhere = Inspection(of_text(CHAIN)).functions()
    slack = stack_slack()
    assert c.stack == RECORD_CELLS + slack
    assert b.stack is not None
    assert handler.stack is not None
    assert c.stack < b.stack < handler.stack <= 3 * (RECORD_CELLS + slack)
    assert (around.stack, around.why_not) == (None, "it recurses")
    assert (anywhere.stack, anywhere.why_not) == (None, "it calls through a table or a reference")


def test_a_handler_is_refused_on_a_stack_of_less_than_what_is_told_and_not_of_more() -> None:
    """R32: the board computes the same need; declaring a stack is the way to ask it."""
    from firmware_host.wasm import HandlerSettings, write_settings

    file = of_text(CHAIN)
    need = Inspection(file).functions()[2].stack
    assert need is not None
    pointers = 2  # a record is two pointers, and here they take two cells each
    told = 4 * (need + 3 * RECORD_CELLS * (pointers - 1))
    with Board.connect("host") as board:
        for size, fits in ((told - 8, False), (told, True)):
            board.put(write_settings(file.stripped, [HandlerSettings(3, stack_bytes=size)]), replace=True)
            if fits:
                board.instantiate()
            else:
                with pytest.raises(BadModule, match="stack"):
                    board.instantiate()


@pytest.mark.parametrize("source", [*EXAMPLES, *KERNELS], ids=lambda path: path.stem)
def test_lowered_code_is_read_to_its_end(source: Path) -> None:
    inspection = Inspection(load(source))
    assert inspection.lowered is not None
    names = {one.name for one in (*operations.operations(), *operations.extended())} | set(operations.objects())
    for function in inspection.lowered.functions.values():
        lines = list(disassemble(function.units))
        assert 2 * sum(line.units for line in lines) == function.size
        starts = {line.offset for line in lines}
        for line in lines:
            assert line.name in names
            targets = [int(one[3:], 16) for one in line.operands if one.startswith("-> ")]
            assert starts.issuperset(targets), line.text


def test_operands_are_shown_as_what_they_are() -> None:
    text = """(module (memory 1)
      (func (export "f") (param i32 i64) (result i32)
        (local i32)
        (block $out
         (loop $again
          (local.set 2 (i32.add (local.get 2) (i32.const -3)))
          (i64.store (i32.const 8) (i64.rotl (local.get 1) (local.get 1)))
          (memory.fill (local.get 0) (i32.const 0) (i32.const 4))
          (br_table $again $out (local.get 0))))
        (local.get 2)))"""
    inspection = Inspection(of_text(text))
    assert inspection.lowered is not None
    shown = [line.text for line in disassemble(inspection.lowered.functions[0].units)]
    assert any(line.startswith("add_DC s3, #-3") for line in shown), shown
    assert any(line.startswith("i64_rotl s1:2, s1:2") or "rotl" in line for line in shown), shown
    assert any(line.startswith("memory_fill s") for line in shown), shown
    assert any(line.startswith("br_table_S s0, 1, -> ") for line in shown), shown


def test_a_module_that_the_vm_refuses_is_shown_all_the_same() -> None:
    inspection = Inspection(of_text("(module (func (drop (v128.const i32x4 0 0 0 0))))"))
    assert "simd" in inspection.refusal or "cannot be lowered" in inspection.refusal
    assert [one.name for one in inspection.sections()] == ["type", "function", "code"]
    assert inspection.functions() == []
    assert inspection.features() == ["simd"]
