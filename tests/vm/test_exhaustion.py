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
            try:
                answers.append(("done", tuple(machine.call(instance, call.name, *cells))))
            except Trap as trap:
                answers.append((trap.status, ()))
        return answers

    return use


#: Seeds whose modules do not trap in their start function.
USES = {
    "everything": everything,
    "growing": growing,
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
