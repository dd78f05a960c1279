"""References: to whom they belong, what is left when that is gone, and those that somebody made up."""

from __future__ import annotations

import pytest

from tests.vm.machine import Machine, Refusal, Trap

OWNER = """(module (table (export "t") 4 funcref) (global (export "g") (mut funcref) (ref.null func))
  (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
  (func (export "held") (result i32) (ref.is_null (global.get 0))))"""
GUEST = """(module (import "owner" "t" (table 4 funcref)) (import "owner" "g" (global (mut funcref)))
  (func $seven (result i32) (i32.const 7)) (elem declare func $seven)
  (func (export "put") (table.set (i32.const 2) (ref.func $seven)) (global.set 0 (ref.func $seven)))
  (func (export "give") (result funcref) (ref.func $seven)))"""
TYPED = """(module (type $t (func (result i32)))
  (func $one (export "one") (type $t) (i32.const 1)) (func $two (result i64) (i64.const 2))
  (elem declare func $one $two)
  (func (export "give") (result (ref $t)) (ref.func $one))
  (func (export "other") (result funcref) (ref.func $two))
  (func (export "take") (param (ref $t)) (result i32) (call_ref $t (local.get 0)))
  (func (export "any") (param funcref externref) (result i32)
    (i32.add (ref.is_null (local.get 0)) (ref.is_null (local.get 1)))))"""


def test_no_table_or_global_names_a_function_of_an_instance_that_is_gone(machine: Machine) -> None:
    owner = machine.instantiate(OWNER)
    machine.register(owner, "owner")
    guest = machine.instantiate(GUEST)
    machine.call(guest, "put")
    assert machine.call(owner, "call", 2) == [7]
    assert machine.call(owner, "held") == [0]
    machine.release(guest)
    with pytest.raises(Trap) as caught:
        machine.call(owner, "call", 2)
    assert caught.value.status == "TRAP_UNINITIALIZED_ELEMENT"
    assert machine.call(owner, "held") == [1]


def test_a_reference_that_was_given_out_may_come_back(machine: Machine) -> None:
    instance = machine.instantiate(TYPED)
    (one,) = machine.call(instance, "give")
    assert machine.call(instance, "take", one) == [1]


@pytest.mark.parametrize("reference", [0, 1, 0x10007, 0x00FF0000, 0xFFFFFFFF])
def test_references_that_were_made_up_are_no_arguments(machine: Machine, reference: int) -> None:
    instance = machine.instantiate(TYPED)
    with pytest.raises(Refusal) as caught:
        machine.call(instance, "take", reference)
    assert caught.value.status == "ARGUMENT_TYPES"
    assert machine.call(instance, "any", 0, reference) == [1 + (reference == 0)]  # the host's are the host's affair


def test_a_reference_of_another_type_is_no_argument(machine: Machine) -> None:
    instance = machine.instantiate(TYPED)
    (two,) = machine.call(instance, "other")
    with pytest.raises(Refusal) as caught:
        machine.call(instance, "take", two)
    assert caught.value.status == "ARGUMENT_TYPES"
    assert machine.call(instance, "any", two, 0) == [1]


def test_everything_is_given_back(machine: Machine) -> None:
    def used() -> int:
        return machine.used()

    machine.reset()
    before = used()
    text = """(module (global $g i32 (i32.const 1)) (global i32 (i32.add (global.get $g) (i32.const 2)))
      (table $t 5 100 funcref) (table 3 externref) (memory 0) (data "passive") (func $f) (elem func $f $f)
      (elem funcref (ref.null func) (ref.func $f))
      (func (export "grow") (result i32) (table.grow $t (ref.null func) (i32.const 50))))"""
    assert machine.call(machine.instantiate(text), "grow") == [5]
    machine.reset()
    assert used() == before


def test_the_first_element_of_a_table_declares_its_function(machine: Machine) -> None:
    instance = machine.instantiate("""(module (table 1 funcref (ref.func $seven))
      (func $seven (result i32) (i32.const 7))
      (func (export "is_null") (result i32) (ref.is_null (ref.func $seven)))
      (func (export "call") (result i32) (call_indirect (result i32) (i32.const 0))))""")
    assert machine.call(instance, "is_null") == [0]
    assert machine.call(instance, "call") == [7]
