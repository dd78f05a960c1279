"""Every allocation of loading, instantiating and running fails once: a clean answer, nothing lost, the VM usable."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.differential.generator import Program, generate
from tests.vm.machine import Machine, Refusal, Trap, wat
from tests.vm.samples import EVERYTHING

SPACE = {"NO_MEMORY", "LINEAR_MEMORY_TOO_LARGE"}
ARENA, STACK, HANDLER_STACK = 8 << 20, 1 << 16, 1024

GROWING = """(module
  (memory (export "m") 1 9)
  (func (export "grow") (result i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 65536))
    (drop (memory.grow (i32.const 1)))
    (drop (memory.grow (i32.const 2)))
    (i32.add (i32.load8_u (i32.const 65535)) (memory.size))))"""

THROWING = """(module
  (tag $t (export "t") (param i32 i64))
  (func (export "throw") (param i32) (throw $t (local.get 0) (i64.const 5))))"""

CATCHING = """(module
  (import "throwing" "t" (tag $t (param i32 i64)))
  (import "throwing" "throw" (func $throw (param i32)))
  (tag $own (param exnref))
  (table $kept 2 exnref)
  (func (export "keep") (param i32) (result i32) (local exnref)
    (block $h (result i32 i64 exnref)
      (try_table (catch_ref $t $h) (call $throw (local.get 0)))
      unreachable)
    (local.set 1) drop (table.set $kept (i32.const 1) (local.get 1)))
  (func (export "again") (result i32)
    (block $h (result exnref)
      (try_table (catch $own $h) (throw $own (table.get $kept (i32.const 1))))
      unreachable)
    (drop (block $v (param exnref) (result i32 i64) (try_table (param exnref) (catch $t $v) throw_ref) unreachable)))
  (func (export "nobody") (throw_ref (table.get $kept (i32.const 1)))))"""

MEMORIES = """(module
  (memory $wide (export "wide") 1 2)
  (memory $bytes (export "bytes") 40 90 (pagesize 1))
  (memory $empty 0)
  (data (memory $bytes) (i32.const 30) "0123456789")
  (data $later "abc")
  (func (export "grow") (result i32 i32 i32)
    (drop (memory.grow $bytes (i32.const 50)))
    (drop (memory.grow $empty (i32.const 1)))
    (memory.init $bytes $later (i32.const 0) (i32.const 0) (i32.const 3))
    (memory.copy $wide $bytes (i32.const 8) (i32.const 0) (i32.const 40))
    (memory.size $bytes) (memory.size $empty) (i32.load8_u $wide (i32.const 38))))"""

Answer = tuple[str, tuple[int, ...]]


def everything(machine: Machine, piece: int) -> list[Answer]:
    """The sample with all sections: several instances, one of which another imports from."""
    loaded = machine.load(EVERYTHING, piece)
    (first,) = machine.numbers(f"instantiate {loaded.handle}")
    machine.command(f"start {first}")
    machine.register(first, "first")
    user = machine.instantiate(
        """(module (import "first" "sum" (func $sum (param i32) (result i32))) (import "first" "memory" (memory 1))
          (import "first" "table" (table 8 funcref)) (import "first" "counter" (global (mut i32)))
          (elem (i32.const 0) $use)
          (func $use (export "use") (param i32) (result i32) (call $sum (local.get 0))))""",
        piece,
    )
    (second,) = machine.numbers(f"instantiate {loaded.handle}")
    return [
        ("done", tuple(machine.call(user, "use", 10))),
        ("done", tuple(machine.call(second, "sum", 4))),
        ("done", tuple(machine.call(first, "pick", 1))),
    ]


def growing(machine: Machine, piece: int) -> list[Answer]:
    instance = machine.instantiate(wat(GROWING), piece)
    return [("done", tuple(machine.call(instance, "grow")))]


def answer(machine: Machine, instance: int, name: str, *cells: int) -> Answer:
    try:
        return "done", tuple(machine.call(instance, name, *cells))
    except Trap as trap:
        return trap.status, ()


def catching(machine: Machine, piece: int) -> list[Answer]:
    """Exceptions of another instance's tag, kept and thrown again, the last of which nobody catches."""
    machine.register(machine.instantiate(wat(THROWING), piece), "throwing")
    instance = machine.instantiate(wat(CATCHING), piece)
    kept = [answer(machine, instance, "keep", number) for number in (7, 8)]
    return [*kept, answer(machine, instance, "again"), answer(machine, instance, "nobody")]


def memories(machine: Machine, piece: int) -> list[Answer]:
    """Several memories of two instances of one module."""
    loaded = machine.load(wat(MEMORIES), piece)
    instances = [machine.numbers(f"instantiate {loaded.handle}")[0] for _ in range(2)]
    return [answer(machine, instance, "grow") for instance in instances]


def generated(seed: int) -> Callable[[Machine, int], list[Answer]]:
    """A random module with all that the build has."""
    programs: dict[tuple[str, ...], Program] = {}

    def use(machine: Machine, piece: int) -> list[Answer]:
        features = tuple(sorted(machine.features()))
        program = programs.setdefault(features, generate(seed, features))
        instance = machine.instantiate(program.module, piece)
        answers: list[Answer] = []
        for call in program.calls[:4]:
            cells = [
                cell
                for t, bits in call.arguments
                for cell in ([bits] if t == "i32" else [bits & 0xFFFFFFFF, bits >> 32])
            ]
            answers.append(answer(machine, instance, call.name, *cells))
        return answers

    return use


#: Seeds whose modules do not trap in their start function.
USES = {
    "everything": everything,
    "growing": growing,
    "catching": catching,
    "memories": memories,
    **{f"generated {seed}": generated(seed) for seed in (1, 2, 3, 5, 8, 23)},
}


@pytest.mark.parametrize("piece", [0, 11])
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_any_allocation_may_fail(
    new_machine: Callable[..., Machine], use: Callable[[Machine, int], list[Answer]], piece: int
) -> None:
    with new_machine(arena=ARENA, stack=STACK, handler_stack=HANDLER_STACK) as machine:
        before = machine.used()
        expected = use(machine, piece)
        assert any(how == "done" for how, _ in expected)
        machine.reset()
        assert machine.used() == before
        refusals = 0
        for n in range(1, 400):
            machine.fail(n)
            try:
                use(machine, piece)
            except Refusal as refusal:
                assert refusal.status in SPACE, n
                refusals += 1
            finally:
                left = machine.fail(0)
            machine.reset()
            assert machine.used() == before, n
            if left:
                break  # there are not that many
            assert use(machine, piece) == expected, n
            machine.reset()
        else:
            pytest.fail("more allocations than this test goes through")
        assert refusals >= 5


def test_a_failed_growth_leaves_memory_as_it_was(machine: Machine) -> None:
    instance = machine.instantiate(wat(GROWING))
    machine.instantiate("(module (memory 1))")  # so that the first cannot grow in place
    for n in (1, 2):
        machine.fail(n)
        size_and_byte = machine.call(instance, "grow")
        machine.fail(0)
        assert size_and_byte[0] >= 7 + 1
        assert machine.read(instance, 0, 16) == bytes([7]) * 16
