"""T12: a run is what its module, its input and its interrupts make it: the log of when they came brings it back."""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from firmware_host.inprocess.virtual import VirtualBoard
from firmware_host.wasm import Kind

#: Raises sources at moments that depend on what it has computed, which depends on what the handlers did and when.
#: NOTHING has the same type and does nothing, so the module with it in place of pend has the same operations.
TEXT = """(module (import "wirq" "RAISE" (func $raise (param i32) (result i32)))
  (memory 1) (global $mix (mut i32) (i32.const SEED))
  (func $stir (param i32) (global.set $mix
    (i32.add (i32.rotl (i32.xor (global.get $mix) (local.get 0)) (i32.const 7)) (i32.const 0x9E3779B1))))
  (func (export "main") (result i32) (local $i i32)
    (loop $again
      (call $stir (local.get $i))
      (i32.store (i32.and (global.get $mix) (i32.const 0xFFFC)) (global.get $mix))
      (if (i32.eqz (i32.and (local.get $i) (i32.const 7)))
        (then (drop (call $raise (i32.and (i32.shr_u (global.get $mix) (i32.const 9)) (i32.const 3))))))
      (memory.fill (i32.and (global.get $mix) (i32.const 0xFFF)) (local.get $i) (i32.const 700))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
    (global.get $mix))
  (func (export "irq:0:1") (param i32 i32 i32) (call $stir (i32.const 3)))
  (func (export "irq:1:0") (param i32 i32 i32) (call $stir (local.get 1))
    (memory.fill (i32.const 900) (i32.const 1) (i32.const 900)))
  (func (export "irq:2:1") (param i32 i32 i32) (call $stir (i32.const 5)) (call $stir (local.get 1)))
  (func (export "irq:3:0") (param i32 i32 i32)
    (i32.store (i32.const 64) (global.get $mix)) (call $stir (i32.const 8))))"""

State = tuple[tuple[int, ...], tuple[bytes, ...], tuple[bytes, ...]]


def run(text: str, schedule: list[tuple[int, int]]) -> tuple[State, list[tuple[int, int]]]:
    """What is left of a run under a schedule, and what it raised by itself."""
    with VirtualBoard(1 << 20) as board:
        board.put(bytes(wat2wasm(text)))
        instance = board.instantiate()
        board.arm(schedule)
        ended = board.call(instance, b"main", [], 60.0)
        assert ended.code == 0
        state = ended.cells, board.state(instance, Kind.MEMORY), board.state(instance, Kind.GLOBAL)
        return state, board.logged()


@pytest.mark.parametrize("seed", range(1, 9))
def test_t12_the_log_of_a_run_brings_it_back_bit_for_bit(seed: int) -> None:
    text = TEXT.replace("SEED", str(seed))
    recorded, log = run(text.replace("RAISE", "pend"), [])
    assert len(log) == 25
    silent = text.replace("RAISE", "take")  # of the same type; it raises nothing
    assert run(silent, log) == (recorded, [])
    late = [(point + 8, source) for point, source in log]
    assert run(silent, late)[0] != recorded
