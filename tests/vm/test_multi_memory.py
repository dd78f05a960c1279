"""Several memories: each keeps its bytes, size and bounds, whatever interrupts; one may be the embedder's buffer."""

from __future__ import annotations

import pytest
import wasmtime

from firmware_host.wast.assemble import assemble
from tests.vm.machine import Machine, Refusal, Trap

#: Every kind of access, to memory 0 and to two others, from operands of all forms.
MIXED = """(module
  (memory $zero (export "memory") 64 (pagesize 1))
  (memory $one 100 200 (pagesize 1))
  (memory $two 40 (pagesize 1))
  (data (memory $two) (i32.const 8) "\\01\\80\\ff\\7f\\02\\03\\04\\05\\06\\07")
  (global $seen (mut i32) (i32.const 0))
  (func (export "irq:soft0") (param i32 i32 i32)
    (i32.store $zero (i32.const 56) (i32.add (i32.load $zero (i32.const 56)) (i32.const 1)))
    (i32.store8 $two (i32.const 39) (i32.load8_u $two (i32.const 8)))
    (global.set $seen (i32.add (global.get $seen) (i32.const 1))))
  (func (export "seen") (result i32) (global.get $seen))
  (func (export "run") (param $a i32) (result i64) (local $sum i64) (local $x i32)
    (memory.fill $one (i32.const 10) (i32.const 0x5A) (i32.const 60))
    (memory.copy $zero $two (i32.const 0) (i32.const 8) (i32.const 10))
    (memory.copy $one $one (i32.const 12) (i32.const 10) (i32.const 40))
    (i32.store $one (i32.add (local.get $a) (i32.const 3)) (i32.load $two offset=1 (local.get $a)))
    (i32.store16 $one (local.get $a) (i32.load16_s $two (i32.const 8)))
    (i64.store $one offset=20 (local.get $a) (i64.load $two (i32.add (local.get $a) (local.get $a))))
    (i32.store $zero (i32.const 20) (i32.load8_s $two (i32.const 9)))
    (i64.store32 $one (i32.const 90) (i64.load8_s $two (i32.const 10)))
    (local.set $x (i32.add (local.get $a) (i32.load8_u $one (i32.const 3))))
    (local.set $x (i32.add (local.get $x) (memory.grow $one (i32.const 7))))
    (local.set $sum (i64.add (i64.load $one (i32.const 84)) (i64.load $zero (i32.const 16))))
    (local.set $sum (i64.mul (local.get $sum) (i64.load $one offset=20 (local.get $a))))
    (i64.add (local.get $sum)
      (i64.extend_i32_u (i32.add (local.get $x)
        (i32.add (memory.size $zero) (i32.mul (memory.size $one) (memory.size $two))))))))"""


def run(machine: Machine) -> tuple[list[int], list[int], int]:
    instance = machine.instantiate(MIXED)
    result = machine.call(instance, "run", 4)
    seen = machine.call(instance, "seen")[0]
    digest = machine.digest(instance)
    machine.release(instance)
    return result, digest, seen


def test_an_interrupt_before_any_operation_leaves_every_access_to_its_memory(machine: Machine) -> None:
    quiet = MIXED.replace("(i32.const 56) (i32.add", "(i32.const 56) (i32.mul").replace(
        "(i32.store8 $two (i32.const 39) (i32.load8_u $two (i32.const 8)))",
        "(i32.store8 $two (i32.const 39) (i32.load8_u $two (i32.const 39)))",
    )
    instance = machine.instantiate(quiet.replace("(global.set $seen (i32.add (global.get $seen) (i32.const 1)))", ""))
    undisturbed = machine.call(instance, "run", 4)
    digest = machine.digest(instance)
    machine.release(instance)
    points = 0
    n = 0
    while n <= points:
        instance = machine.instantiate(quiet)
        machine.inject(3, n, every_dispatch=True)
        assert machine.call(instance, "run", 4) == undisturbed
        points = machine.injected()
        assert machine.call(instance, "seen") == [int(n > 0)]
        after = machine.digest(instance)
        assert (after[0], after[1]) == (digest[0], digest[1]), n
        machine.release(instance)
        n += 1
    assert points > 70


def test_the_oracle_computes_the_same(machine: Machine) -> None:
    config = wasmtime.Config()
    config.wasm_custom_page_sizes = True
    config.wasm_multi_memory = True
    store = wasmtime.Store(wasmtime.Engine(config))
    function = wasmtime.Instance(store, wasmtime.Module(store.engine, MIXED), []).exports(store)["run"]
    assert isinstance(function, wasmtime.Func)
    expected = function(store, 4) & 0xFFFF_FFFF_FFFF_FFFF
    cells, _, _ = run(machine)
    assert cells == [expected & 0xFFFFFFFF, expected >> 32]


@pytest.mark.parametrize("access", ["i32.load8_u", "i32.load16_u", "i32.load", "i64.load"])
def test_each_memory_has_its_own_end(machine: Machine, access: str) -> None:
    size = {"i32.load8_u": 1, "i32.load16_u": 2, "i32.load": 4, "i64.load": 8}[access]
    instance = machine.instantiate(f"""(module (memory 100 (pagesize 1)) (memory $m 20 (pagesize 1))
      (func (export "f") (param i32) (drop ({access} $m (local.get 0))))
      (func (export "g") (param i32) (drop ({access} $m offset=10 (local.get 0))))
      (func (export "zero") (param i32) (drop ({access} (local.get 0)))))""")
    machine.call(instance, "f", 20 - size)
    machine.call(instance, "g", 10 - size)
    for name, address in (("f", 21 - size), ("g", 11 - size), ("f", 0xFFFFFFFF), ("g", 0xFFFFFFFF)):
        with pytest.raises(Trap) as caught:
            machine.call(instance, name, address)
        assert caught.value.status == "TRAP_MEMORY"
        machine.call(instance, "zero", 90)  # memory 0 is the current one again


def test_memory_indices_are_checked(machine: Machine) -> None:
    for body in ("(drop (i32.load 2 (i32.const 0)))", "(drop (memory.size 2))", "(drop (memory.grow 3 (i32.const 0)))"):
        with pytest.raises(Refusal) as caught:
            machine.load(assemble(f"(module (memory 1) (memory 1) (func {body}))".encode()))
        assert caught.value.status == "UNKNOWN_MEMORY"


# ---- memory of the embedder

USER = """(module
  (import "test" "buffer" (memory $buffer {limits}))
  (memory $own (export "memory") 64 (pagesize 1))
  (func (export "poke") (param i32 i32) (i32.store8 $buffer (local.get 0) (local.get 1)))
  (func (export "take") (param i32) (memory.copy $own $buffer (i32.const 0) (local.get 0) (i32.const 16)))
  (func (export "size") (result i32) (memory.size $buffer))
  (func (export "grow") (param i32) (result i32) (memory.grow $buffer (local.get 0)))
  (func (export "peek") (param i32) (result i32) (i32.load8_u $buffer (local.get 0)))
  (func (export "own") (param i32) (result i32) (i32.load $own (local.get 0))))"""


def user(limits: str = "64 (pagesize 1)") -> str:
    return USER.format(limits=limits)


def test_a_guest_works_on_the_embedders_buffer_itself(machine: Machine) -> None:
    machine.command("provide 128 1 0")
    instance = machine.instantiate(user())
    assert machine.call(instance, "peek", 100) == [100]
    machine.call(instance, "poke", 2, 0xAB)
    assert machine.command("buffer 4") == ["0001ab03"]
    machine.call(instance, "take", 1)
    assert machine.call(instance, "own", 0) == [0x0403AB01]


def test_the_embedders_buffer_has_a_fixed_size(machine: Machine) -> None:
    machine.command("provide 128 1 0")
    instance = machine.instantiate(user())
    assert machine.call(instance, "size") == [128]
    assert machine.call(instance, "grow", 0) == [128]
    assert machine.call(instance, "grow", 1) == [0xFFFFFFFF]
    with pytest.raises(Trap) as caught:
        machine.call(instance, "peek", 128)
    assert caught.value.status == "TRAP_MEMORY"


def test_the_embedders_buffer_outlives_instances_and_resets(machine: Machine) -> None:
    machine.command("provide 128 1 0")
    before = machine.used()
    for _ in range(2):
        instance = machine.instantiate(user())
        machine.call(instance, "poke", 0, machine.call(instance, "peek", 0)[0] + 1)
        machine.reset()
        assert machine.used() == before
    assert machine.command("buffer 1") == ["02"]


@pytest.mark.parametrize("limits", ["129 (pagesize 1)", "0 127 (pagesize 1)", "0"])
def test_an_import_that_asks_for_another_memory_is_refused(machine: Machine, limits: str) -> None:
    machine.command("provide 128 1 0")
    with pytest.raises(Refusal) as caught:
        machine.instantiate(user(limits))
    assert caught.value.status == "IMPORT_TYPE"


def test_a_name_that_is_not_provided_is_unknown(machine: Machine) -> None:
    with pytest.raises(Refusal) as caught:
        machine.instantiate(user())
    assert caught.value.status == "UNKNOWN_IMPORT"


@pytest.mark.parametrize(
    ("arguments", "status"), [("128 2 0", "BAD_LIMITS"), ("128 65536 0", "BAD_LIMITS"), ("64 1 4", "BAD_REQUEST")]
)
def test_what_is_no_memory_cannot_be_provided(machine: Machine, arguments: str, status: str) -> None:
    with pytest.raises(Refusal) as caught:
        machine.command(f"provide {arguments}")
    assert caught.value.status == status
