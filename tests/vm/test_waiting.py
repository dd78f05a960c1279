"""Waiting for interrupts; stopping and yielding."""

from __future__ import annotations

import pytest

from tests.interrupts.guest_modules import (
    BUTTON,
    DEPTH,
    FOREVER,
    MINUS_ONE,
    OPEN_BLOCK,
    QUIESCENT,
    SOFT,
    STEP,
    TIMER,
    UART,
    WAIT,
    bare,
    function,
    handler,
    log,
    log_word,
    module,
    raise_,
    set_word,
)
from tests.vm.machine import Machine, Refusal, Trap

# ---- waiting


def test_wait_sleeps_until_a_source_is_raised_and_names_it(machine: Machine) -> None:
    """R50."""
    instance = machine.instantiate(bare(function("go", FOREVER * 2)))
    machine.sleeps([BUTTON, -1, -1, SOFT])
    machine.call(instance, "go")
    assert machine.log() == [1 << BUTTON, 1 << SOFT]


def test_a_raise_before_wait_is_not_slept_through(machine: Machine) -> None:
    instance = machine.instantiate(bare(function("go", f"{raise_(UART)} {FOREVER}")))
    machine.call(instance, "go")
    assert machine.log() == [1]
    assert machine.numbers("clock")[1] == 0  # it has not slept


def test_wait_ends_with_its_time(machine: Machine) -> None:
    instance = machine.instantiate(bare(function("go", WAIT.format(250))))
    machine.call(instance, "go")
    assert machine.log() == [0]
    assert machine.numbers("clock")[0] == 250


def test_a_wait_without_time_only_looks(machine: Machine) -> None:
    look = WAIT.format(0)
    instance = machine.instantiate(bare(function("go", f"{look} {raise_(UART)} {look} {look}")))
    machine.call(instance, "go")
    assert machine.log() == [0, 1, 0]
    assert machine.numbers("clock") == [0, 0]


def test_a_wait_that_is_woken_early_goes_on_with_its_remaining_time(machine: Machine) -> None:
    instance = machine.instantiate(bare(function("go", WAIT.format(100) + WAIT.format(50))))
    machine.sleeps([-1, -1])
    machine.call(instance, "go")
    assert machine.log() == [0, 0]
    assert machine.numbers("clock")[0] == 150


def test_handlers_run_while_the_guest_waits_and_before_wait_returns(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("button") + function("go", FOREVER + log(9))))
    machine.sleeps([BUTTON])
    machine.call(instance, "go")
    assert machine.log() == [2001, 1 << BUTTON, 9]


def test_wait_opens_a_critical_section_for_its_duration_without_writing_it(machine: Machine) -> None:
    body = f"""{OPEN_BLOCK} {set_word(DEPTH, 1)} {raise_(UART)} {STEP} {log(5)}
      {FOREVER} {log_word(DEPTH)} {raise_(UART)} {STEP} {log(6)}"""
    machine.call(machine.instantiate(module(handler("uart") + function("go", body))), "go")
    assert machine.log() == [5, 1, 1, 1, 6]  # 5, handler, bits, depth; and held back again


def test_a_host_function_that_waits_does_not_open_the_section(machine: Machine) -> None:
    body = f"{OPEN_BLOCK} {set_word(DEPTH, 1)} {raise_(UART)} (drop (call $slow (i32.const 3))) {log(5)}"
    machine.call(machine.instantiate(module(handler("uart") + function("go", body))), "go")
    assert machine.log() == [5]


def test_a_host_function_that_waits_keeps_its_deadline_while_handlers_run(machine: Machine) -> None:
    """R48, R49."""
    text = bare(handler("uart", log(5)) + function("go", "(drop (call $slow (i32.const 1)))"))
    instance = machine.instantiate(text)
    machine.sleeps([UART])
    machine.call(instance, "go")
    assert machine.log() == [1, 5]
    assert machine.numbers("clock")[0] == 10


def test_no_wake_up_is_lost_between_the_look_and_the_sleep(machine: Machine) -> None:
    """R50, R51."""
    # The soft interrupt comes late, as it may when the raise falls between the last safe point and the masked look.
    instance = machine.instantiate(bare(handler("uart") + function("go", f"{raise_(UART)} {FOREVER} {log(9)}")))
    machine.command("hold 1")
    machine.call(instance, "go")
    assert machine.log() == [1, 1, 9]


def test_a_reactor_runs_handlers_until_it_is_stopped(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("uart") + handler("timer")))
    machine.sleeps([UART, TIMER, UART])
    with pytest.raises(Trap) as caught:  # nothing left to be woken by: the test stops it
        machine.command(f"react {instance}")
    assert caught.value.status == "TRAP_STOPPED"
    assert machine.log() == [1, 1001, 1]
    machine.command(f"bind 0 {QUIESCENT}")
    machine.sleeps([UART])
    with pytest.raises(Trap, match="TRAP_STOPPED"):
        machine.command(f"react {instance}")
    assert machine.log() == [1]


def test_a_host_function_called_directly_may_wait_and_be_interrupted(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("uart") + '(export "slow" (func $slow))'))
    machine.sleeps([-1, UART, -1])
    assert machine.call(instance, "slow", 3) == [3]
    assert machine.log() == [1]


def test_the_vms_own_imports_may_be_called_directly(machine: Machine) -> None:
    exports = "".join(f'(export "{name}" (func ${name}))' for name in ("wait", "deliver", "pend"))
    instance = machine.instantiate(bare(handler("uart") + exports))
    machine.sleeps([UART])
    assert machine.call(instance, "wait", MINUS_ONE, MINUS_ONE) == [1]
    assert machine.call(instance, "pend", 0) == [0]
    assert machine.call(instance, "pend", 4) == [112]
    assert machine.call(instance, "deliver") == []
    assert machine.log() == [1, 1]


# ---- stopping and yielding


def test_stop_ends_an_endless_loop(machine: Machine) -> None:
    instance = machine.instantiate(bare(function("go", "(call $stop) (loop (br 0))") + function("fine", log(1))))
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert (caught.value.status, caught.value.source) == ("TRAP_STOPPED", -1)
    machine.call(instance, "fine")
    assert machine.log() == [1]


def test_stop_in_a_handler_does_not_fault_the_instance(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("uart", "(call $stop) (loop (br 0))") + function("go", STEP)))
    machine.raise_(UART)
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert (caught.value.status, caught.value.source) == ("TRAP_STOPPED", UART)
    machine.call(instance, "go")


def test_a_run_that_yields_goes_on_where_it_was(machine: Machine) -> None:
    """R75."""
    body = f"(call $yield) {STEP} {log(1)} (call $yield) {raise_(UART)} {STEP} {log(2)}"
    text = bare(handler("uart", f"(call $yield) {STEP} {log(7)}") + function("go", body))
    assert machine.call_counting(machine.instantiate(text), "go") == [3]
    assert machine.log() == [1, 1, 7, 2]


def test_a_suspended_run_keeps_the_vm_busy_and_goes_on(machine: Machine) -> None:
    instance = machine.instantiate(bare(function("go", f"(call $yield) {STEP} {log(1)}")))
    machine.begin(instance, "go")
    assert machine.turn() == "suspended"
    with pytest.raises(Refusal, match="BUSY"):
        machine.call(instance, "go")
    assert machine.turn() == "done"
    assert machine.turn() == "done"  # nothing to do
    assert machine.log() == [1]


@pytest.mark.parametrize("counted", [False, True])
def test_a_run_gets_on_however_often_it_is_asked_to_yield(machine: Machine, counted: bool) -> None:
    """R75: by an operation at least, or an embedder that yields before every run would never see its end."""
    loop = "(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    body = f"(local.set 0 (i32.const 9)) {loop} {log(1)}"
    instance = machine.instantiate(bare(handler("uart", f"{STEP} {log(7)}") + function("go", body, "(local i32)")))
    if counted:
        machine.inject(TIMER, 0, True)
    machine.begin(instance, "go")
    turns: list[str] = []
    while not turns or turns[-1] == "suspended":
        if len(turns) == 3:
            machine.raise_(UART)
        machine.yield_soon()
        turns.append(machine.turn())
        assert len(turns) < 50
    assert turns[-1] == "done" and len(turns) > 9
    assert machine.log() == [1, 7, 1]


@pytest.mark.parametrize("in_handler", [False, True])
def test_a_reset_ends_a_suspended_run(machine: Machine, in_handler: bool) -> None:
    before = machine.used()
    body = f"(call $yield) {STEP} {log(1)}"
    text = bare(handler("uart", body) + function("go", STEP if in_handler else body))
    instance = machine.instantiate(text)
    if in_handler:
        machine.raise_(UART)
    machine.inject(TIMER, 0, True)
    machine.begin(instance, "go")
    assert machine.turn() == "suspended"
    machine.reset()
    assert machine.used() == before
    assert not machine.source(UART).attached
    machine.log()
    instance = machine.instantiate(bare(handler("uart") + function("go", f"{raise_(UART)} {STEP} {log(2)}")))
    machine.call(instance, "go")
    assert machine.log() == [1, 2]


def test_a_run_that_waits_tells_so_and_sleeps_only_when_idle(machine: Machine) -> None:
    instance = machine.instantiate(bare(function("go", FOREVER)))
    machine.begin(instance, "go")
    assert machine.turn() == "waiting"
    assert machine.turn() == "waiting"
    machine.raise_(TIMER)
    assert machine.turn() == "done"
    assert machine.log() == [2]
