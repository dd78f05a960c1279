"""T7 on an emulated board, in instructions: no interrupt that was seen takes longer than `wirq irq bound` says."""

from __future__ import annotations

import pytest

from firmware_host.bench import latency
from firmware_host.boards import load_board
from firmware_host.build import firmware
from firmware_host.wasm import HandlerSettings, write_settings
from tests.vm.machine import wat

#: Of the handler: its first operation is one that nothing else does, as latency.program has it.
HANDLER = f"""(func (export "irq:button") (param i32 i32 i32) (local {"i32 " * 40})
  (local.set 42 (local.get 1)) (local.set 0 (local.get 42)))"""

#: All that takes time at the entry: a block that is told of every source, and settings of every kind.
BLOCK = f"""(module (memory 1 1) (global (export "wirq_block") i32 (i32.const 64))
  (data (i32.const 64) "WIRQ\\01\\00\\04\\00\\00\\00\\00\\00\\00\\00\\00\\00\\ff\\00\\00\\00")
  (global (export "__stack_pointer") (mut i32) (i32.const 4096))
  {HANDLER}
  (func (export "_start") (loop $l (br $l))))"""
SETTINGS = {"fuel": 1000, "deadline_us": 100_000, "interval_us": 1, "shadow_stack": 8192, "forbidden": 1}

#: An exception that leaves ten frames, in a module of a hundred clauses.
THROWS = f"""(module (tag $thrown) (tag $another)
  {HANDLER}
  (func $throws (param i32)
    (if (i32.eqz (local.get 0)) (then (throw $thrown)))
    (call $throws (i32.sub (local.get 0) (i32.const 1))))
  (func $unused {"(block (try_table (catch $another 0) (nop)))" * 100})
  (func (export "_start")
    (loop $l (block (try_table (catch $thrown 0) (call $throws (i32.const 10)))) (br $l))))"""

PROGRAMS = {
    "loop": latency.program(),
    "straight": latency.program(latency.STRAIGHT),
    "copies": latency.program(latency.COPIES, memory=True),
    "throws": wat(THROWS),
    "block": wat(BLOCK),
    "settings": write_settings(wat(BLOCK), [HandlerSettings(source=2, **SETTINGS)]),
}
COUNT = 30


@pytest.mark.parametrize("name", PROGRAMS)
def test_t7_no_interrupt_takes_more_instructions_than_the_bound(name: str) -> None:
    found = latency.measure(load_board("stm32f4"), firmware("stm32f4"), count=COUNT, module=PROGRAMS[name])
    assert found.raised >= len(found.samples) >= COUNT // 4
    assert found.bound is not None
    assert found.most() <= found.bound
    assert found.bound < 6 * found.most()  # a bound that says something


def test_t7_an_interrupt_of_a_tight_loop_is_handled_within_400_instructions() -> None:
    """From the pended interrupt to the first operation of its handler; the VM's entry and return within 250."""
    found = latency.measure(load_board("stm32f4"), firmware("stm32f4"), count=COUNT)
    assert len(found.samples) >= COUNT // 4
    assert found.most() <= 400
    assert found.entry_and_return <= 250
