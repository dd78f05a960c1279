"""The properties of interrupt delivery, T1 to T12, each by a test of its name.

Those that need more than this file has lie elsewhere: models in tests/models (T1), whole programs in tests/injection
(T3, T5, T7, T12), red zones in tests/vm/test_red_zone.py (T4), machine code in tests/vm/test_dispatch_code.py (T9).
mutants.toml has, for each, a break of the code that it catches; `make mutants` makes them.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.interrupts.guest_modules import (
    BUTTON,
    OPEN_BLOCK,
    SOFT,
    STEP,
    TIMER,
    UART,
    function,
    handler,
    log,
    module,
    raise_,
)
from tests.interrupts.test_isolation import COMPUTE, HOSTILE
from tests.vm.machine import Machine, Trap

SOURCES = (UART, TIMER, BUTTON, SOFT)
#: Two handlers of each level.
HANDLERS = handler("uart:0") + handler("timer:1") + handler("button:0") + handler("soft0:1")


def counted(log_: list[int]) -> list[int]:
    """Of each source, the sum of the counts that its handler was told."""
    return [sum(word % 1000 for word in log_ if word // 1000 == source) for source in SOURCES]


def test_t1_every_raise_is_counted_by_a_delivery_however_raises_fall(machine: Machine) -> None:
    rng = random.Random(1)
    for _ in range(20):
        body, raised = "", [0, 0, 0, 0]
        for _ in range(60):
            source = rng.choice(SOURCES)
            times = rng.randrange(1, 4)
            raised[source] += times
            body += raise_(source) * times + rng.choice(("", STEP, "(call $soft)", f"(call $soft) {STEP}"))
        instance = machine.instantiate(module(HANDLERS + function("go", body + f"(call $soft) {STEP}")))
        machine.command("hold 1")
        machine.call(instance, "go")
        assert counted(machine.log()) == raised
        for source in SOURCES:
            assert (machine.source(source).raised, machine.source(source).pending) == (raised[source], False)
        machine.command("hold 0")
        machine.reset()


def test_t2_nothing_is_delivered_twice_and_no_operation_is_done_twice(machine: Machine) -> None:
    """Counts add up to raises, not more; the program retires the same number of operations, wherever it is
    interrupted; and what it logs by a host call between them comes once and in order."""
    body = "".join(f"{log(900 + i)} (drop (call $square (i32.const {i}))) {STEP}" for i in range(8))
    text = module(HANDLERS + function("go", f"{OPEN_BLOCK} {body}") + COMPUTE)
    instance = machine.instantiate(text)
    machine.inject(UART, 0, True)
    machine.call(instance, "go")
    points, undisturbed = machine.injected(), machine.log()
    for point in range(1, points + 1):
        machine.inject(UART, point, True)
        machine.call(instance, "go")
        words = machine.log()
        assert machine.injected() == points, point
        assert sorted(words) == sorted([*undisturbed, 1]), point
        assert [word for word in words if word != 1] == undisturbed, point
        assert machine.source(UART).delivered == point == machine.source(UART).raised


LASTING = """(global $mix (mut i32) (i32.const 1)) (global $wide (mut i64) (i64.const 3))
  (table 3 funcref) (elem (i32.const 0) $one $two)
  (func $one (param i32) (result i32) (i32.add (local.get 0) (i32.const 9)))
  (func $two (param i32) (result i32) (i32.xor (local.get 0) (i32.rotl (local.get 0) (i32.const 5))))
  (func (export "go") (result i32) (local $i i32)
    (loop $again
      (global.set $mix (call_indirect (param i32) (result i32)
        (global.get $mix) (i32.and (local.get $i) (i32.const 1))))
      (i32.store (i32.add (i32.const 4096) (i32.shl (local.get $i) (i32.const 2))) (global.get $mix))
      (global.set $wide (i64.mul (global.get $wide) (i64.extend_i32_u (global.get $mix))))
      (memory.fill (i32.add (i32.const 5000) (local.get $i)) (global.get $mix) (i32.const 600))
      (memory.copy (i32.const 5100) (i32.const 5050) (i32.const 500))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))
    (i32.add (global.get $mix) (call $two (i32.const 3))))"""


@pytest.mark.parametrize("every_dispatch", [False, True])
def test_t3_a_handler_that_communicates_nothing_leaves_everything_as_it_was(
    machine: Machine, every_dispatch: bool
) -> None:
    clobber = "(local.set $x (i32.mul (local.get 0) (i32.const 77))) (drop (call $two (local.get $x)))"
    text = module(LASTING + handler("uart", clobber, "(local $x i32)"))

    def run(point: int) -> tuple[list[int], list[int]]:
        machine.reset()
        instance = machine.instantiate(text)
        machine.inject(UART, point, every_dispatch)
        return machine.call(instance, "go"), machine.digest(instance)

    undisturbed = run(0)
    points = machine.injected()
    assert points > 50
    for point in range(1, points + 1):
        assert run(point) == undisturbed, point
        assert machine.log() == [1]


@pytest.mark.parametrize("kind", HOSTILE)
def test_t8_whatever_a_handler_does_the_interrupted_computation_is_whole(machine: Machine, kind: str) -> None:
    body, status = HOSTILE[kind]
    text = module("(func $deep (call $deep))" + handler("uart:1", f"{log(70)} {body} {log(71)}") + COMPUTE)

    def run(point: int) -> tuple[list[int], list[int]]:
        machine.reset()
        instance = machine.instantiate(text)
        machine.policy(UART, "contain")
        machine.budget(UART, fuel=300)
        machine.inject(UART, point, False)
        return machine.call(instance, "compute"), machine.digest(instance)

    undisturbed = run(0)
    for point in range(1, machine.injected() + 1, 5):
        assert run(point) == undisturbed
        assert machine.log() == [1, 70]  # what comes after it in the handler never ran
        assert machine.faults() == [(UART, status)]


def test_t8_a_fatal_handler_does_not_end_another_guests_run(machine: Machine) -> None:
    machine.instantiate("""(module (func (export "irq:uart") (param i32 i32 i32) unreachable))""")
    instance = machine.instantiate(module(COMPUTE))
    machine.inject(UART, 9, False)
    assert machine.call(instance, "compute")
    assert machine.faults() == [(UART, "TRAP_UNREACHABLE")]


WAIT = "(call $log (call $wait (i64.const -1)))"


@pytest.mark.parametrize("moment", ["before", "looked", "before the sleep", "asleep", "in the handler", "twice asleep"])
def test_t10_no_raise_is_slept_through_whenever_it_comes(machine: Machine, moment: str) -> None:
    """The program waits for ever: a raise that is missed shows as the trap "stopped"."""
    before = raise_(UART) if moment in ("before", "looked") else ""
    again = f"(if (i32.eqz (global.get $n)) (then (global.set $n (i32.const 1)) {raise_(TIMER)}))"
    handlers = handler("uart", again if moment == "in the handler" else "") + handler("timer")
    text = module(f"(global $n (mut i32) (i32.const 0)) {handlers}" + function("go", f"{before} {WAIT} {log(9)}"))
    if moment == "looked":  # the soft interrupt comes only after the look
        machine.command("hold 1")
    if moment == "before the sleep":
        machine.command(f"unslept {UART}")
    machine.sleeps({"asleep": [UART], "twice asleep": [-1, -1, UART], "in the handler": [UART]}.get(moment, []))
    machine.call(machine.instantiate(text), "go")
    words = machine.log()
    assert words[0] == 1 and words[-1] == 9
    if moment == "in the handler":
        assert words[1:-1] == [1001, 0b11]
    else:
        assert words[1:-1] == [0b1]
    assert not machine.source(UART).pending


def test_t10_a_wait_that_nothing_ends_is_still_asleep(machine: Machine) -> None:
    instance = machine.instantiate(module(handler("uart") + function("go", f"{WAIT} {log(9)}")))
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert (caught.value.status, machine.log()) == ("TRAP_STOPPED", [])


@pytest.mark.parametrize("preset", [0xFFFFFFF0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_t11_counts_are_right_across_the_wrap(new_machine: Callable[..., Machine], preset: int) -> None:
    with new_machine() as machine:
        body = (raise_(UART) * 7 + f"(call $soft) {STEP}") * 5
        instance = machine.instantiate(module(handler("uart") + function("go", f"{OPEN_BLOCK} {body}")))
        machine.command(f"preset {preset}")
        machine.command("hold 1")
        machine.call(instance, "go")
        assert machine.log() == [7] * 5
        assert machine.source(UART).raised == (preset + 35) & 0xFFFFFFFF
