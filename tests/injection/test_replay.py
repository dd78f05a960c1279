"""T12: a run is what its module, its input and its interrupts make it: the log of when they came brings it back."""

from __future__ import annotations

import random

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

#: Timers run on their own, so they come wherever the program is as its time goes on; without them (read has the same
#: type and has nothing to tell) it has the same operations.
TIMED = """(module (import "board" "START" (func $start (param i32 i32) (result i32)))
  (import "board" "clock_us" (func $clock (result i64)))
  (memory 1) (global $mix (mut i32) (i32.const SEED))
  (func $stir (param i32) (global.set $mix
    (i32.add (i32.rotl (i32.xor (global.get $mix) (local.get 0)) (i32.const 7)) (i32.const 0x9E3779B1))))
  (func $wait_long (param i32) (loop $more (drop (call $clock))
    (br_if $more (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "main") (result i32) (local $i i32)
    (drop (call $start (i32.const 1) (i32.const 7))) (drop (call $start (i32.const 3) (i32.const 11)))
    (loop $again
      (call $stir (local.get $i))
      (call $wait_long (i32.add (i32.const 1) (i32.and (global.get $mix) (i32.const 3))))
      (memory.fill (i32.and (global.get $mix) (i32.const 0xFFF)) (local.get $i) (i32.const 700))
      (memory.copy (i32.const 0x2000) (i32.and (global.get $mix) (i32.const 0xFFF)) (i32.const 900))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60))))
    (global.get $mix))
  (func (export "irq:1:0") (param i32 i32 i32) (call $stir (local.get 1))
    (memory.fill (i32.const 900) (i32.const 1) (i32.const 900)))
  (func (export "irq:2:1") (param i32 i32 i32) (call $stir (i32.load (i32.const 0x2100))) (call $stir (local.get 1)))
  (func (export "irq:3:1") (param i32 i32 i32) (call $stir (i32.const 5)) (call $stir (local.get 1))))"""

State = tuple[tuple[int, ...], tuple[bytes, ...], tuple[bytes, ...]]
Raises = list[tuple[int, int]]


def run(text: str, schedule: Raises) -> tuple[State, Raises]:
    """What is left of a run under a schedule, and what was raised by itself."""
    with VirtualBoard(1 << 20) as board:
        board.put(bytes(wat2wasm(text)))
        instance = board.instantiate()
        board.arm(schedule)
        ended = board.call(instance, b"main", [], 60.0)
        assert ended.code == 0
        state = ended.cells, board.state(instance, Kind.MEMORY), board.state(instance, Kind.GLOBAL)
        return state, board.logged()


def amidst_bulk_operations(text: str, among: range) -> list[int]:
    """Safe points at which a bulk operation has been begun: it is the operation of the point before, too."""
    with VirtualBoard(1 << 20) as board:
        board.put(bytes(wat2wasm(text)))
        instance = board.instantiate()
        saved = board.save()
        places = []
        for point in among:
            board.restore(saved)
            board.arm([(point, 0)])  # a source without a handler
            assert board.call(instance, b"main", [], 60.0).code == 0
            places.append(board.place(0))
    return [point for point, place, before in zip(among[1:], places[1:], places, strict=False) if place == before]


@pytest.mark.parametrize("seed", range(1, 9))
def test_t12_the_log_of_a_run_brings_it_back_bit_for_bit(seed: int) -> None:
    text = TEXT.replace("SEED", str(seed))
    recorded, log = run(text.replace("RAISE", "pend"), [])
    assert len(log) == 25
    silent = text.replace("RAISE", "take")  # of the same type; it raises nothing
    assert run(silent, log) == (recorded, [])
    late = [(point + 8, source) for point, source in log]
    assert run(silent, late)[0] != recorded


@pytest.mark.parametrize("seed", range(1, 5))
def test_t12_a_run_that_timers_and_a_device_interrupt_comes_back_from_its_log(seed: int) -> None:
    """A device raises at moments of its own, half of them amidst bulk operations; timers when the time has come."""
    text = TIMED.replace("SEED", str(seed))
    timed, silent = text.replace("START", "timer_start"), text.replace("START", "read")
    amidst = amidst_bulk_operations(silent, range(1, 60))
    assert len(amidst) > 10
    rng = random.Random(seed)
    device = sorted({*rng.sample(amidst, 8), *rng.sample(range(60, 600), 8)})
    external = [(point, 2) for point in device]
    recorded, of_timers = run(timed, external)
    assert len(of_timers) > 20
    assert {source for _, source in of_timers} == {1, 3}
    log = sorted([*external, *of_timers])
    assert run(silent, log) == (recorded, [])
    for changed in (log[1:], log[:-1], [(point + (i == 5), source) for i, (point, source) in enumerate(log)]):
        assert run(silent, changed)[0] != recorded
