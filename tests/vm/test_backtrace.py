"""After a trap: who called whom, through other instances, and what the handler had interrupted."""

from __future__ import annotations

import pytest

from tests.vm.machine import Machine, Trap

BUTTON = 2

CALLS = """(module
  (func $trap unreachable)
  (func $inner (call $trap))
  (func $again (export "outer") (call $inner))
  (func (export "deep") (param i32)
    (if (local.get 0) (then (call 3 (i32.sub (local.get 0) (i32.const 1)))) (else (call $trap))))
  (func (export "tail") (return_call $inner))
  (func (export "works")))"""

THROWS = """(module
  (tag $t)
  (func (export "irq:button") (param i32 i32 i32) unreachable)
  (func $throws (param i32) (if (local.get 0) (then (throw $t))))
  (func $passes (param i32) (call $throws (local.get 0)) (call $throws (i32.const 0)))
  (func (export "run") (param i32)
    (block $h (try_table (catch_all $h) (call $passes (local.get 0))))))"""


def test_callers_are_told_from_the_trap_outwards(machine: Machine) -> None:
    instance = machine.instantiate(CALLS)
    with pytest.raises(Trap) as caught:
        machine.call(instance, "outer")
    assert (caught.value.function, caught.value.depth) == (0, 3)
    assert machine.callers() == [(1, False), (2, False)]


def test_every_call_of_a_recursion_is_told(machine: Machine) -> None:
    instance = machine.instantiate(CALLS)
    with pytest.raises(Trap):
        machine.call(instance, "deep", 5)
    assert machine.callers() == [(3, False)] * 6


def test_a_function_that_left_by_a_tail_call_is_not_among_them(machine: Machine) -> None:
    instance = machine.instantiate(CALLS)
    with pytest.raises(Trap):
        machine.call(instance, "tail")
    assert machine.callers() == [(1, False)]


def test_a_caller_in_another_instance_is_told_by_its_own_index(machine: Machine) -> None:
    machine.register(machine.instantiate(CALLS), "calls")
    user = machine.instantiate(
        """(module (import "calls" "outer" (func $outer)) (func) (func) (func) (func) (func) (func) (func)
             (func (export "through") (call $outer)))"""
    )
    with pytest.raises(Trap):
        machine.call(user, "through")
    assert machine.callers() == [(1, False), (2, False), (8, False)]


def test_behind_a_handler_comes_what_it_interrupted(machine: Machine) -> None:
    instance = machine.instantiate(
        """(module
             (func $trap unreachable)
             (func (export "irq:button") (param i32 i32 i32) (call $trap))
             (func $busy (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
             (func (export "run") (call $busy (i32.const 100))))"""
    )
    machine.inject(BUTTON, 10, False)
    with pytest.raises(Trap) as caught:
        machine.call(instance, "run")
    assert caught.value.source == BUTTON
    assert machine.callers() == [(1, False), (2, True), (3, False)]


def test_a_frame_that_an_exception_was_leaving_is_not_named(machine: Machine) -> None:
    """A handler traps between any two operations of a throw, those that leave frames included."""
    chains = set()
    for n in range(1, 100):
        instance = machine.instantiate(THROWS)
        machine.inject(BUTTON, n, True)
        try:
            machine.call(instance, "run", 1)
            break
        except Trap as trap:
            assert (trap.source, trap.function) == (BUTTON, 0)
        chains.add(tuple(machine.callers()))
        machine.reset()
    # In each frame, and between two of them: before the first is left, and before the second.
    assert ((1, True), (2, False), (3, False)) in chains
    assert ((2, True), (3, False)) in chains
    assert ((3, True),) in chains
    assert all(function in (1, 2, 3) for chain in chains for function, _ in chain)


def test_there_are_none_while_something_runs(machine: Machine) -> None:
    instance = machine.instantiate(CALLS)
    with pytest.raises(Trap):
        machine.call(instance, "outer")
    machine.begin(instance, "works")
    machine.yield_soon()
    assert machine.turn() == "suspended"
    assert machine.callers() == []
    assert machine.turn() == "done"


def test_there_are_none_where_nothing_has_trapped(machine: Machine) -> None:
    instance = machine.instantiate(CALLS)
    assert machine.callers() == []
    machine.call(instance, "works")
    assert machine.callers() == []
