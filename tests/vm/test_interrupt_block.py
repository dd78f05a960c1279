"""Polled mode: the interrupt block, and what a guest asks without one."""

from __future__ import annotations

import pytest

from tests.interrupts.guest_modules import (
    DELIVERED,
    FAULTS,
    LEVEL,
    MINUS_ONE,
    OPEN_BLOCK,
    STEP,
    TIMER,
    UART,
    bare,
    function,
    handler,
    log,
    log_word,
    module,
    raise_,
    set_word,
    slot,
)
from tests.vm.machine import Machine, Refusal, Trap


def test_the_block_is_published_at_safe_points_and_host_calls(machine: Machine) -> None:
    """R28, R30: level C2."""
    poll = (
        f"(loop $poll (br_if $poll (i32.eqz (i32.load (i32.const 8))))) {log_word(slot(2, 0))} {log_word(slot(2, 8))}"
    )
    body = f"{OPEN_BLOCK} (call $raise (i32.const 2) (i32.const 4242)) {poll}"
    machine.call(machine.instantiate(module(function("go", body))), "go")
    assert machine.log() == [1, 4242]


def test_the_stamp_is_that_of_the_first_raise_not_yet_acknowledged(machine: Machine) -> None:
    raise_button = "(call $raise (i32.const 2) (i32.const 0))"
    pause = "(drop (call $wait (i64.const 100)))"  # wakes at once, for the raise: then again, to its end
    acknowledge = f"(i32.store (i32.const {slot(2, 4)}) (i32.load (i32.const {slot(2, 0)})))"
    body = f"""{OPEN_BLOCK} {pause} {raise_button} {pause} {pause} {raise_button} {log_word(slot(2, 12))} {acknowledge}
      {pause} {pause} {raise_button} {log_word(slot(2, 12))} {log_word(slot(2, 0))}"""
    machine.call(machine.instantiate(module(function("go", body))), "go")
    assert machine.log() == [100, 300, 3]


def test_counters_of_the_block_are_right_across_the_wrap(machine: Machine) -> None:
    preset = set_word(slot(0, 0), -16) + set_word(slot(0, 4), -16)
    body = f"""{preset} {OPEN_BLOCK} {raise_(UART) * 20} (call $poll)
      (call $log (i32.sub (i32.load (i32.const {slot(0, 0)})) (i32.load (i32.const {slot(0, 4)}))))"""
    instance = machine.instantiate(module(function("go", body)))
    machine.command(f"preset {0xFFFFFFF0}")
    machine.call(instance, "go")
    assert machine.log() == [20]


def test_raises_before_the_registration_are_in_the_block(machine: Machine) -> None:
    machine.raise_(TIMER)
    machine.raise_(TIMER)
    instance = machine.instantiate(module(function("go", OPEN_BLOCK)))
    machine.call(instance, "go")
    assert machine.word(instance, slot(TIMER, 0)) == 2
    assert machine.word(instance, 8) == 1
    assert machine.source(TIMER).pending


def test_the_block_tells_level_deliveries_and_faults(machine: Machine) -> None:
    raised = f"{raise_(UART)} {STEP}"
    body = f"{OPEN_BLOCK} {log_word(LEVEL)} {raised} {log_word(LEVEL)} {log_word(DELIVERED)} {raised}"
    trap_second = f"{log_word(LEVEL)} (if (i32.eq (i32.load (i32.const {DELIVERED})) (i32.const 2)) (then unreachable))"
    instance = machine.instantiate(module(handler("uart", trap_second) + function("go", body)))
    with pytest.raises(Trap):
        machine.call(instance, "go")
    assert machine.log() == [2, 1, 0, 2, 1, 1, 0]  # 2: ordinary code
    assert machine.word(instance, FAULTS) == 1


def test_the_doorbell_rings_only_when_something_is_new(machine: Machine) -> None:
    """R15."""
    clear = set_word(8, 0)
    look = f"(call $poll) {log_word(8)}"
    body = f"{OPEN_BLOCK} {clear} {look} {raise_(UART)} {look} {clear} {look}"
    machine.call(machine.instantiate(module(function("go", body))), "go")
    assert machine.log() == [0, 1, 0]


@pytest.mark.parametrize(
    ("prepare", "arguments", "status"),
    [
        ("", "0 192 1", 0),
        ("", "0 1000 1", 0),
        ("", "0 192 2", 115),
        ("", "0 191 1", 115),
        ("", "0 63 1", 115),
        ("", "4 192 1", 115),
        ("", "8 192 1", 115),
        ("", "65536 192 1", 115),
        ("", "65480 192 1", 115),
        ("", "4294967288 192 1", 115),
        (set_word(0, 0), "0 192 1", 115),
        (set_word(4, 0x40002), "0 192 1", 115),
        (set_word(4, 1), "0 192 1", 115),
        (set_word(4, -1), "0 4294967295 1", 115),
        (set_word(slot(1, 24), 256), "0 192 1", 115),
        (set_word(slot(1, 28), 256), "0 192 1", 115),
        (set_word(slot(0, 0), 77), "0 192 1", 0),
    ],
)
def test_a_block_is_checked_when_it_is_registered(machine: Machine, prepare: str, arguments: str, status: int) -> None:
    """R20."""
    numbers = " ".join(f"(i32.const {number})" for number in arguments.split())
    body = f"{prepare} (call $log (call $block {numbers}))"
    machine.call(machine.instantiate(module(function("go", body))), "go")
    assert machine.log() == [status]


def test_what_the_guest_does_to_its_block_later_hurts_only_the_guest(machine: Machine) -> None:
    """R9, R20."""
    spoil = "(memory.fill (i32.const 0) (i32.const 255) (i32.const 192))"
    body = f"{OPEN_BLOCK} {spoil} {raise_(UART)} {STEP} (call $poll) {log(1)}"
    machine.call(machine.instantiate(module(handler("uart") + function("go", body))), "go")
    assert machine.log()[-1] == 1


def test_the_block_stays_right_when_the_memory_moves(machine: Machine) -> None:
    body = f"{OPEN_BLOCK} (drop (memory.grow (i32.const 1))) {raise_(UART)} {STEP} (call $poll) {log_word(slot(0, 0))}"
    instance = machine.instantiate(module(function("go", body)))
    machine.instantiate("(module (memory 1))")  # lies behind the first memory, which has to move to grow
    machine.call(instance, "go")
    assert machine.log() == [1]


def test_an_exported_global_declares_the_block(machine: Machine) -> None:
    """R23."""
    machine.raise_(TIMER)
    instance = machine.instantiate(module('(global (export "wirq_block") i32 (i32.const 0))'))
    assert machine.word(instance, slot(TIMER, 0)) == 1
    machine.reset()
    with pytest.raises(Refusal, match="BAD_BLOCK"):
        machine.instantiate(module('(global (export "wirq_block") i32 (i32.const 8))'))
    machine.reset()
    machine.raise_(TIMER)
    instance = machine.instantiate(module('(global (export "wirq_block") (mut i32) (i32.const 8))'))
    assert machine.word(instance, slot(TIMER, 0)) == 0  # a variable declares nothing


def test_only_one_instance_has_a_block(machine: Machine) -> None:
    text = module(function("go", "(call $log (call $block (i32.const 0) (i32.const 192) (i32.const 1)))"))
    first, second = machine.instantiate(text), machine.instantiate(text)
    for instance in (first, first, second):
        machine.call(instance, "go")
    assert machine.log() == [0, 0, 128]
    machine.release(first)
    machine.call(second, "go")
    assert machine.log() == [0]


def test_a_polled_source_without_block_is_taken(machine: Machine) -> None:
    """R5: counting and waking need no guest code."""
    takes = "".join(f"(call $log (call $take (i32.const {n})))" for n in (1, 1, 9))
    body = "(drop (call $pend (i32.const 1)))" * 2 + takes
    machine.call(machine.instantiate(bare(function("go", body))), "go")
    assert machine.log() == [2, 0, 0]
    assert not machine.source(TIMER).pending


def test_query_and_budget_answer_what_is_wrong(machine: Machine) -> None:
    body = """(call $log (call $budget (i32.const 0) (i32.const 1) (i32.const 1)))
      (call $log (i32.wrap_i64 (call $query (i32.const 0)))) (call $log (i32.wrap_i64 (call $query (i32.const 1))))
      (call $log (i32.wrap_i64 (call $query (i32.const 3)))) (call $log (i32.wrap_i64 (call $query (i32.const 99))))
      (drop (call $wait (i64.const 30))) (call $log (i32.wrap_i64 (call $query (i32.const 2))))"""
    machine.call(machine.instantiate(bare(function("go", body))), "go")
    assert machine.log() == [116, 1, 2, MINUS_ONE, MINUS_ONE, 30]


def test_query_answers_the_latency_bound_of_a_source(machine: Machine) -> None:
    """R68: as the embedder is told; of a source without a handler, or that there is not, none."""
    ask = "".join(f"(call $log (i32.wrap_i64 (call $query (i32.const {3 + 256 * source}))))" for source in (0, 1, 200))
    instance = machine.instantiate(bare(handler("uart") + function("go", ask)))
    machine.call(instance, "go")
    assert machine.log() == [machine.bound(0)["us"], MINUS_ONE, MINUS_ONE]
