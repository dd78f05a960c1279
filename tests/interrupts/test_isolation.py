"""T8: a handler that traps, overruns its budget or calls what it may not hurts nobody but its own instance."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.interrupts.guest_modules import (
    BUTTON,
    DEPTH,
    FAULTS,
    NEED,
    OPEN_BLOCK,
    SOFT,
    STEP,
    TIMER,
    UART,
    function,
    handler,
    log,
    log_word,
    module,
    raise_,
    set_word,
)
from tests.vm.machine import Machine, Refusal, Trap

#: Ends only by a budget. The loop's branch is a control operation.
SPIN = "(loop (br 0))"
#: Bodies of handlers that do what a handler must not, and the trap that it is.
HOSTILE = {
    "trap": ("unreachable", "TRAP_UNREACHABLE"),
    "memory": ("(drop (i32.load (i32.const -4)))", "TRAP_MEMORY"),
    "endless": (SPIN, "TRAP_BUDGET"),
    "recursion": ("(call $deep)", "TRAP_STACK_EXHAUSTED"),
    "wait": ("(drop (call $wait (i64.const -1)))", "TRAP_FORBIDDEN_IN_HANDLER"),
    "slow": ("(drop (call $slow (i32.const 3)))", "TRAP_FORBIDDEN_IN_HANDLER"),
    "budget": ("(drop (call $budget (i32.const 0) (i32.const 0) (i32.const 0)))", "TRAP_FORBIDDEN_IN_HANDLER"),
}
#: A computation whose result and memory tell whether it was disturbed.
COMPUTE = """(func (export "compute") (result i32) (local $i i32) (local $sum i32)
  (loop $again
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (call $square (local.get $i))))
    (i32.store (i32.add (i32.const 4096) (i32.shl (local.get $i) (i32.const 2))) (local.get $sum))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
  (local.get $sum))
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))"""


def hostile(body: str) -> str:
    return module("(func $deep (call $deep))" + handler("uart:0", body) + COMPUTE)


def undisturbed(machine: Machine) -> tuple[list[int], list[int]]:
    instance = machine.instantiate(module("(func $deep (call $deep))" + COMPUTE))
    result = machine.call(instance, "compute"), machine.digest(instance)
    machine.reset()
    return result


@pytest.mark.parametrize("kind", HOSTILE)
def test_r44_contain_drops_the_handler_at_any_point_and_the_interrupted_code_goes_on(
    machine: Machine, kind: str
) -> None:
    body, status = HOSTILE[kind]
    expected = undisturbed(machine)
    instance = machine.instantiate(hostile(body))
    machine.inject(UART, 0, False)
    machine.call(instance, "compute")
    points = machine.injected()
    assert points > 40
    for point in range(1, points + 1, 3):
        machine.reset()
        instance = machine.instantiate(hostile(body))
        machine.policy(UART, "contain")
        machine.budget(UART, fuel=500)
        machine.inject(UART, point, False)
        assert (machine.call(instance, "compute"), machine.digest(instance)) == expected, point
        assert machine.faults() == [(UART, status)], point
        source = machine.source(UART)
        assert (source.faults, source.enabled, source.active) == (1, False, False), point


@pytest.mark.parametrize("kind", HOSTILE)
def test_r44_fatal_ends_the_run_with_the_handlers_trap_and_faults_the_instance(machine: Machine, kind: str) -> None:
    body, status = HOSTILE[kind]
    instance = machine.instantiate(hostile(body))
    machine.budget(UART, fuel=500)
    machine.inject(UART, 5, False)
    with pytest.raises(Trap) as caught:
        machine.call(instance, "compute")
    assert (caught.value.status, caught.value.source) == (status, UART)  # R45: named as the handler's
    with pytest.raises(Refusal, match="FAULTED"):
        machine.call(instance, "compute")


@pytest.mark.parametrize(("answer", "ends"), [(True, False), (False, True)])
def test_r44_host_lets_the_embedder_decide(machine: Machine, answer: bool, ends: bool) -> None:
    instance = machine.instantiate(hostile("unreachable"))
    machine.policy(UART, "host", answer)
    machine.inject(UART, 5, False)
    if ends:
        with pytest.raises(Trap):
            machine.call(instance, "compute")
    else:
        machine.call(instance, "compute")
    assert machine.faults() == [(UART, "TRAP_UNREACHABLE")]


def test_r44_a_fatal_fault_ends_no_run_of_another_guest(machine: Machine) -> None:
    """The handler's instance is FAULTED; the guest that was interrupted has nothing of it in progress and goes on."""
    bad = machine.instantiate(module(handler("button", "unreachable") + function("go", STEP)))
    good = machine.instantiate(module(function("go", f"{raise_(BUTTON)} {STEP} {raise_(BUTTON)} {STEP} {log(9)}")))
    machine.call(good, "go")
    assert machine.log() == [2001, 9]
    assert machine.faults() == [(BUTTON, "TRAP_UNREACHABLE")]
    assert machine.source(BUTTON).pending  # R7: nothing is delivered to a FAULTED instance
    with pytest.raises(Refusal, match="FAULTED"):
        machine.call(bad, "go")


def test_r44_a_fatal_fault_ends_a_run_that_has_called_into_the_faulted_guest(machine: Machine) -> None:
    bad = machine.instantiate(
        module(
            handler("button", "unreachable")
            + function("through", f"(call $there) {log(7)}").replace("(func ", "(func $through ", 1)
            + f"(func $there {raise_(BUTTON)} {STEP} {log(8)})"
        )
    )
    machine.register(bad, "bad")
    good = machine.instantiate('(module (import "bad" "through" (func $f)) (func (export "go") (call $f)))')
    with pytest.raises(Trap) as caught:
        machine.call(good, "go")
    assert (caught.value.status, caught.value.source) == ("TRAP_UNREACHABLE", BUTTON)
    assert machine.log() == [2001]


@pytest.mark.parametrize("passes_through", [True, False])
def test_r44_a_fault_ends_the_run_if_the_faulted_instance_is_in_the_midst_of_it(
    machine: Machine, passes_through: bool
) -> None:
    """The interrupted function and the caller are others'. The faulted one lies between them, or does not."""
    leaf = machine.instantiate(module(function("work", f"{raise_(UART)} {STEP}")))
    machine.register(leaf, "leaf")
    middle = machine.instantiate(
        module(
            handler("uart:0", "unreachable") + function("through", f"(call $work) {log(8)}"),
            '(import "leaf" "work" (func $work))',
        )
    )
    machine.register(middle, "middle")
    called = '"middle" "through"' if passes_through else '"leaf" "work"'
    outer = machine.instantiate(module(function("go", f"(call $call) {log(9)}"), f"(import {called} (func $call))"))
    if passes_through:
        with pytest.raises(Trap, match="UNREACHABLE"):
            machine.call(outer, "go")
        assert machine.log() == [1]
    else:
        machine.call(outer, "go")
        assert machine.log() == [1, 9]


def test_r43_fuel_is_exact(machine: Machine) -> None:
    """R65: a handler of n iterations has n branches, a call of the host, a return, and what it returns to."""
    iterate = """(local.set $i (i32.const 10))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"""
    least = None
    for fuel in range(1, 30):
        instance = machine.instantiate(
            module(handler("uart:0", iterate, "(local $i i32)") + function("go", f"{raise_(UART)} {STEP} {log(9)}"))
        )
        machine.policy(UART, "contain")
        machine.budget(UART, fuel=fuel)
        machine.call(instance, "go")
        if not machine.faults():
            least = fuel
            break
        machine.reset()
    assert least == 1 + 10 + 1 + 1


def test_r43_a_handler_is_not_charged_for_what_preempts_it(machine: Machine) -> None:
    inner = handler(
        "uart:0",
        "(local.set $i (i32.const 60)) (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
        "(local $i i32)",
    )
    outer = handler("timer:1", f"{raise_(UART)} {STEP} {raise_(UART)} {STEP} {log(8)}")
    instance = machine.instantiate(module(inner + outer + function("go", f"{raise_(TIMER)} {STEP} {log(9)}")))
    machine.budget(TIMER, fuel=12)
    machine.call(instance, "go")
    assert machine.log() == [1001, 1, 1, 8, 9]


@pytest.mark.parametrize(("spent", "overruns"), [(90, False), (110, True)])
def test_r43_a_deadline_counts_while_the_handler_runs(machine: Machine, spent: int, overruns: bool) -> None:
    look = "(local.set $i (i32.const 20)) (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"
    inner = handler("uart:0", "(call $spend (i32.const 1000))")
    body = f"(call $spend (i32.const {spent})) {raise_(UART)} {STEP} {look} {log(8)}"
    instance = machine.instantiate(
        module(inner + handler("timer:1", body, "(local $i i32)") + function("go", f"{raise_(TIMER)} {STEP} {log(9)}"))
    )
    machine.policy(TIMER, "contain")
    machine.budget(TIMER, deadline_us=100)
    machine.call(instance, "go")
    assert machine.faults() == ([(TIMER, "TRAP_BUDGET")] if overruns else [])
    assert machine.log()[-1] == 9


def test_r43_the_guest_sets_a_budget_itself(machine: Machine) -> None:
    body = f"""(call $log (call $budget (i32.const 0) (i32.const 20) (i32.const 0)))
      (call $log (call $budget (i32.const 9) (i32.const 20) (i32.const 0)))
      (call $log (call $budget (i32.const 2) (i32.const 20) (i32.const 0))) {raise_(UART)} {STEP} {log(9)}"""
    instance = machine.instantiate(module(handler("uart:0", SPIN) + function("go", body)))
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert caught.value.status == "TRAP_BUDGET"
    assert machine.log() == [0, 112, 116, 1]


def test_r42_raises_within_the_interval_are_delivered_at_its_end_and_counted(machine: Machine) -> None:
    """Nothing calls the host and nothing is raised any more: the VM looks by itself."""
    raises = f"{raise_(UART)} {STEP}" * 5
    spin = """(local.set $i (i32.const 64))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"""
    body = f"{raises} {log(5)} {spin} {log(6)} (call $spend (i32.const 200)) {spin} {log(7)}"
    instance = machine.instantiate(module(handler("uart:0") + function("go", body, "(local $i i32)")))
    machine.budget(UART, interval_us=100)
    machine.call(instance, "go")
    assert machine.log() == [1, 5, 6, 4, 7]


def test_r42_a_sleep_lasts_no_longer_than_the_interval(machine: Machine) -> None:
    wait = "(drop (call $wait (i64.const {})))"
    body = f"{raise_(UART)} {STEP} {raise_(UART)} {STEP} {wait.format(0)} {wait.format(5000)}"
    instance = machine.instantiate(module(handler("uart:0") + function("go", body)))
    machine.budget(UART, interval_us=100)
    machine.call(instance, "go")
    assert machine.log() == [1, 1]


def test_a_handler_that_raises_itself_for_ever_is_slowed_down_by_an_interval(machine: Machine) -> None:
    """R42: without the guard the main program would not advance at all."""
    spin = """(local.set $i (i32.const 400)) (loop $l (call $spend (i32.const 1))
      (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"""
    body = f"{raise_(UART)} {STEP} {spin} {log(9)}"
    instance = machine.instantiate(module(handler("uart:0", raise_(UART)) + function("go", body, "(local $i i32)")))
    machine.budget(UART, interval_us=100)
    machine.call(instance, "go")
    assert machine.log() == [1, 1, 1, 1, 9]


@pytest.mark.parametrize("policy", ["fatal", "contain"])
def test_r33_the_shadow_stack_pointer_comes_back_whatever_the_handler_left(machine: Machine, policy: str) -> None:
    text = f"""(global $sp (export "__stack_pointer") (mut i32) (i32.const 4096))
      {handler("uart:0", "(global.set $sp (i32.const 7)) unreachable")}
      {handler("timer:1", "(global.set $sp (i32.const 9))")}"""
    body = f"{raise_(TIMER)} {STEP} (call $log (global.get $sp)) {raise_(UART)} {STEP}"
    instance = machine.instantiate(module(text + function("go", body)))
    machine.policy(UART, policy)
    if policy == "fatal":
        with pytest.raises(Trap):
            machine.call(instance, "go")
    else:
        machine.call(instance, "go")
    assert machine.log() == [1001, 4096, 1]
    assert machine.value(instance, "__stack_pointer") == [4096]


def test_a_handler_that_grows_memory_does_not_disturb_the_interrupted_access(machine: Machine) -> None:
    expected = undisturbed(machine)[0]
    text = module("(func $deep)" + handler("uart:0", "(drop (memory.grow (i32.const 1)))") + COMPUTE)
    for point in range(1, 60, 4):
        instance = machine.instantiate(text)
        machine.inject(UART, point, False)
        assert machine.call(instance, "compute") == expected
        assert machine.digest(instance)[0] == 131072
        machine.reset()


def test_the_faults_that_the_block_counts(machine: Machine) -> None:
    body = f"{OPEN_BLOCK} {raise_(UART)} {STEP} {log_word(FAULTS)}"
    instance = machine.instantiate(module(handler("uart:0", "unreachable") + function("go", body)))
    machine.policy(UART, "contain")
    machine.call(instance, "go")
    assert machine.log() == [1, 1]


def test_a_guest_that_corrupts_its_block_hurts_only_itself(machine: Machine) -> None:
    """Every word of the block is overwritten with every kind of nonsense; another guest's handler runs all the same."""
    machine.instantiate(
        """(module (import "test" "log" (func $log (param i32)))
          (func (export "irq:button:1") (param i32 i32 i32) (call $log (i32.const 77))))"""
    )
    writes = "".join(
        f"{set_word(address, value)} {raise_(UART)} {STEP} {raise_(BUTTON)} {STEP} (call $poll)"
        for address in range(0, 192, 4)
        for value in (0xFFFFFFFF, 0x80000000, 1)
    )
    instance = machine.instantiate(module(handler("uart:0") + function("go", f"{OPEN_BLOCK} {writes}")))
    machine.call(instance, "go")
    assert machine.log().count(77) == 48 * 3


def test_unloading_while_pending_leaves_the_raises_counted(new_machine: Callable[..., Machine]) -> None:
    with new_machine() as machine:
        instance = machine.instantiate(module(handler("soft0")))
        for _ in range(3):
            machine.raise_(SOFT)
        machine.release(instance)
        source = machine.source(SOFT)
        assert (source.attached, source.pending, source.raised) == (False, True, 3)
        again = machine.instantiate(module(handler("soft0") + function("go", STEP)))
        machine.call(again, "go")
        assert machine.log() == [3003]


def test_a_section_left_without_deliver_is_still_noticed_when_another_source_is_contained(machine: Machine) -> None:
    body = f"""{OPEN_BLOCK} {raise_(TIMER)} {STEP} {set_word(DEPTH, 1)} {raise_(UART)} {STEP} {log_word(NEED)}
      {set_word(DEPTH, 0)} {STEP} (call $poll) {STEP} {log(9)}"""
    instance = machine.instantiate(module(handler("timer:1", "unreachable") + handler("uart:0") + function("go", body)))
    machine.policy(TIMER, "contain")
    machine.call(instance, "go")
    assert machine.log() == [1001, 1, 1, 9]
