"""Tail calls: any number of them in one frame, whatever is called, with an interrupt before each."""

from __future__ import annotations

import pytest

from firmware_host.wast.assemble import assemble
from tests.vm.machine import Machine, Refusal, Trap

MILLION = 1_000_000

COUNTING = """(module
  (type $step (func (param i32 i64) (result i64)))
  (table 2 2 funcref)
  (elem (i32.const 0) $even $odd)
  (func $self (export "self") (param i32 i64) (result i64)
    (if (result i64) (i32.eqz (local.get 0)) (then (local.get 1))
      (else (return_call $self (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3))))))
  (func $even (export "mutual") (type $step)
    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1))))
  (func $odd (type $step)
    (local i64 i64 f64)
    (if (i32.eqz (local.get 0)) (then (return (i64.const -1))))
    (return_call_indirect (type $step)
      (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1))
      (i32.and (local.get 0) (i32.const 0)))))"""


@pytest.mark.parametrize(("name", "total"), [("self", 3 * MILLION), ("mutual", MILLION)])
def test_a_million_tail_calls_take_no_stack(machine: Machine, name: str, total: int) -> None:
    machine.open(1 << 18, 100)
    instance = machine.instantiate(COUNTING)
    assert machine.call(instance, name, MILLION, 0, 0) == [total, 0]


def test_a_million_tail_calls_between_instances_take_no_stack(machine: Machine) -> None:
    machine.open(1 << 18, 128)
    first = machine.instantiate("""(module
      (type $step (func (param i32 i32) (result i32)))
      (table (export "table") 2 2 funcref)
      (global $own (export "own") (mut i32) (i32.const 0))
      (elem (i32.const 0) $ping)
      (func $ping (export "ping") (type $step)
        (global.set $own (i32.add (global.get $own) (i32.const 1)))
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call_indirect (type $step)
          (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 2)) (i32.const 1)))
      (func (export "run") (param i32) (result i32)
        (i32.add (call $ping (local.get 0) (i32.const 5)) (global.get $own))))""")
    machine.register(first, "first")
    second = machine.instantiate("""(module
      (type $step (func (param i32 i32) (result i32)))
      (import "first" "table" (table 2 2 funcref))
      (import "first" "ping" (func $ping (type $step)))
      (global $own (export "own") (mut i32) (i32.const 0))
      (elem (i32.const 1) $pong)
      (func $pong (type $step)
        (global.set $own (i32.sub (global.get $own) (i32.const 1)))
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call $ping (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 3)))))""")
    rounds = MILLION // 2
    assert machine.call(first, "run", MILLION) == [5 + 5 * rounds + rounds + 1]
    assert machine.value(first, "own") == [rounds + 1]
    assert machine.value(second, "own") == [-rounds & 0xFFFFFFFF]


def test_a_host_function_is_called_in_place_of_a_return(machine: Machine) -> None:
    machine.open(1 << 18, 100)
    instance = machine.instantiate("""(module
      (type $log (func (param i32)))
      (import "test" "log" (func $log (type $log)))
      (import "test" "add64" (func $add64 (param i64 i64) (result i64)))
      (import "test" "slow" (func $slow (param i32) (result i32)))
      (table 1 1 funcref)
      (elem (i32.const 0) $log)
      (func (export "add") (param i32 i64) (result i64) (local i64)
        (local.set 2 (i64.const 40))
        (return_call $add64 (local.get 1) (local.get 2)))
      (func $one (param i32) (return_call $log (local.get 0)))
      (func $two (param i32) (return_call_indirect (type $log) (i32.add (local.get 0) (i32.const 1)) (i32.const 0)))
      (func $wait (param i32) (result i32) (return_call $slow (i32.mul (local.get 0) (i32.const 2))))
      (func (export "wait") (param i32) (result i32) (i32.add (call $wait (local.get 0)) (i32.const 100)))
      (func (export "log") (param i32)
        (loop $again
          (call $one (local.get 0))
          (call $two (local.get 0))
          (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))""")
    assert machine.call(instance, "add", 0, 2, 1) == [42, 1]
    machine.call(instance, "log", 3)
    assert machine.log() == [3, 4, 2, 3, 1, 2]
    assert machine.call(instance, "wait", 2) == [104]


def test_arguments_may_be_more_than_the_frame_had(machine: Machine) -> None:
    instance = machine.instantiate("""(module
      (func $many (param i32 i64 f64 i32 i64 i32) (result i64 i32)
        (i64.add (local.get 1) (local.get 4)) (i32.sub (local.get 5) (local.get 0)))
      (func $few (param i32) (result i64 i32)
        (return_call $many (local.get 0) (i64.const 1) (f64.const 0.5) (local.get 0) (i64.const 2) (i32.const 50)))
      (func $swap (export "swap") (param i32 i32 i32) (result i32)
        (if (i32.eqz (local.get 2)) (then (return (i32.sub (local.get 0) (local.get 1)))))
        (return_call $swap (local.get 1) (local.get 0) (i32.sub (local.get 2) (i32.const 1))))
      (func $turn (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
      (func (export "turn") (param i32 i32) (result i32) (return_call $turn (local.get 1) (local.get 0)))
      (func (export "few") (param i32) (result i64 i32) (call $few (local.get 0))))""")
    assert machine.call(instance, "few", 8) == [3, 0, 42]
    assert machine.call(instance, "swap", 7, 4, 10) == [3]
    assert machine.call(instance, "swap", 7, 4, 11) == [-3 & 0xFFFFFFFF]
    assert machine.call(instance, "turn", 1, 5) == [4]


def test_a_tail_call_of_what_needs_more_stack_than_there_is_traps(machine: Machine) -> None:
    machine.open(1 << 18, 100)
    locals_ = "(local " + "i64 " * 40 + ")"
    instance = machine.instantiate(f"""(module
      (func $large (param i32) (result i64) {locals_} (local.get 20))
      (func (export "small") (param i32) (result i64) (return_call $large (local.get 0)))
      (func (export "answer") (result i32) (i32.const 42)))""")
    assert machine.call(instance, "small", 1) == [0, 0]
    machine.open(1 << 18, 64)
    instance = machine.instantiate(f"""(module
      (func $large (param i32) (result i64) {locals_} (local.get 20))
      (func (export "small") (param i32) (result i64) (return_call $large (local.get 0)))
      (func (export "answer") (result i32) (i32.const 42)))""")
    with pytest.raises(Trap) as caught:
        machine.call(instance, "small", 1)
    assert caught.value.status == "TRAP_STACK_EXHAUSTED"
    assert machine.call(instance, "answer") == [42]


@pytest.mark.parametrize(
    ("index", "status"),
    [(0, "TRAP_INDIRECT_CALL_TYPE"), (1, "TRAP_UNINITIALIZED_ELEMENT"), (2, "TRAP_UNDEFINED_ELEMENT")],
)
def test_an_element_that_does_not_fit_traps_in_the_function_that_calls(
    machine: Machine, index: int, status: str
) -> None:
    instance = machine.instantiate("""(module (table 2 2 funcref) (elem (i32.const 0) $f)
      (func $f (param i64))
      (func (export "go") (param i32) (return_call_indirect (local.get 0))))""")
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go", index)
    assert (caught.value.status, caught.value.function) == (status, 1)


@pytest.mark.parametrize(
    "body",
    [
        "(func $f (result i32) (i32.const 0)) (func (return_call $f))",
        "(func $f (result i32) (i32.const 0)) (func (result i64) (return_call $f))",
        "(func $f (param i32)) (func (return_call $f (i64.const 0)))",
        "(func $f (result i32) (i32.const 0)) (func (return_call_indirect (result i32) (i32.const 0)))",
        "(func (result i32) (return_call_indirect (param i32) (result i32) (i32.const 0)))",
    ],
)
def test_results_and_arguments_are_checked(machine: Machine, body: str) -> None:
    with pytest.raises(Refusal) as caught:
        machine.load(assemble(f"(module (table 1 1 funcref) {body})".encode()))
    assert caught.value.status == "TYPE_MISMATCH"


def test_an_interrupt_before_any_operation_changes_nothing(machine: Machine) -> None:
    instance = machine.instantiate(
        COUNTING.removesuffix(")")
        + " (global $seen (mut i32) (i32.const 0))"
        + ' (func (export "irq:soft0") (param i32 i32 i32) (return_call $handler (local.get 1)))'
        + " (func $handler (param i32) (global.set $seen (i32.add (global.get $seen) (local.get 0))))"
        + ' (func (export "seen") (result i32) (global.get $seen)))'
    )
    machine.inject(3, 0, every_dispatch=True)
    assert machine.call(instance, "mutual", 12, 0, 0) == [12, 0]
    points = machine.injected()
    assert points > 80
    for n in range(1, points + 1):
        machine.inject(3, n, every_dispatch=True)
        assert machine.call(instance, "mutual", 12, 0, 0) == [12, 0]
        assert machine.call(instance, "seen") == [n]
