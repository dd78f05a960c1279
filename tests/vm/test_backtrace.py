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


def test_there_are_none_where_nothing_has_trapped(machine: Machine) -> None:
    instance = machine.instantiate(CALLS)
    assert machine.callers() == []
    machine.call(instance, "works")
    assert machine.callers() == []
