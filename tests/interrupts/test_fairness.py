"""R42: handlers that raise themselves or each other without end leave time to what they interrupt."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.interrupts.guest_modules import (
    BUTTON,
    DELIVERED,
    OPEN_BLOCK,
    SOFT,
    TIMER,
    UART,
    function,
    module,
    raise_,
)
from tests.vm.machine import Machine

#: Handlers that run before an operation of what they interrupt does: the first, and WIRQ_LONGEST_CHAIN chained ones.
RUNS = 33
#: A sum over as many rounds of a loop; each round notes in the table at 1024 how many handlers have run.
ROUNDS = 20
SUM = ROUNDS * (ROUNDS + 1) // 2
RUN_COUNT = "(global $runs (mut i32) (i32.const 0))"
COUNT_RUN = "(global.set $runs (i32.add (global.get $runs) (i32.const 1)))"


#: Where a chain that nobody cuts ends all the same, so that a test fails in good time.
LIMIT = 100_000


def endless(source: str, *raises: int, body: str = "") -> str:
    """A handler that counts its runs and raises sources, itself among them."""
    again = " ".join(raise_(one) for one in raises)
    again = f"(if (i32.lt_u (global.get $runs) (i32.const {LIMIT})) (then {again}))"
    return f'(func (export "irq:{source}") (param i32 i32 i32) (local $i i32) {COUNT_RUN} {again} {body})'


def rounds(first: str, notes: str = "(global.get $runs)") -> str:
    return f"""{RUN_COUNT} (func (export "go") (result i32) (local $i i32) (local $sum i32) {first}
      (loop $more
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $sum (i32.add (local.get $sum) (local.get $i)))
        (i32.store (i32.add (i32.const 1020) (i32.shl (local.get $i) (i32.const 2))) {notes})
        (br_if $more (i32.lt_u (local.get $i) (i32.const {ROUNDS}))))
      (local.get $sum))"""


def noted(machine: Machine, instance: int) -> list[int]:
    data = machine.read(instance, 1024, 4 * ROUNDS)
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def steps(counts: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(counts)]


def test_r42_a_handler_that_raises_itself_each_time_lets_its_program_get_on(machine: Machine) -> None:
    instance = machine.instantiate(module(endless("timer", TIMER) + rounds(raise_(TIMER))))
    assert machine.call(instance, "go") == [SUM]
    assert set(steps(noted(machine, instance))) == {RUNS}


def test_r42_two_that_raise_each_other_are_one_chain(machine: Machine) -> None:
    handlers = endless("timer", BUTTON) + endless("button", TIMER)
    instance = machine.instantiate(module(handlers + rounds(raise_(TIMER))))
    assert machine.call(instance, "go") == [SUM]
    assert set(steps(noted(machine, instance))) == {RUNS}


#: Control operations, at which more urgent handlers come in.
INNER = (
    "(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 3))))"
)


def test_r42_each_level_has_a_count_of_its_own(machine: Machine) -> None:
    """Else the returns to one of two levels in turn could always be those that are cut."""
    handlers = endless("timer:1", TIMER, UART, body=INNER) + endless("uart:0")
    instance = machine.instantiate(module(handlers + rounds(raise_(TIMER))))
    assert machine.call(instance, "go") == [SUM]
    assert set(steps(noted(machine, instance))) == {2 * RUNS}


def test_r42_a_handler_gets_on_beneath_a_more_urgent_one_and_its_program_beneath_it(machine: Machine) -> None:
    handlers = endless("timer:1", UART, body=INNER) + endless("uart:0", UART)
    instance = machine.instantiate(module(handlers + rounds(OPEN_BLOCK + raise_(TIMER))))
    assert machine.call(instance, "go") == [SUM]
    first, *others = steps(noted(machine, instance))
    assert first > 3 * RUNS  # as many control operations has the other handler
    assert set(others) == {RUNS}


def test_r42_a_chain_within_a_block_is_published(machine: Machine) -> None:
    notes = f"(i32.load (i32.const {DELIVERED}))"
    instance = machine.instantiate(module(endless("timer", TIMER) + rounds(OPEN_BLOCK + raise_(TIMER), notes)))
    assert machine.call(instance, "go") == [SUM]
    assert set(steps(noted(machine, instance))) == {RUNS}


@pytest.mark.parametrize("call", ["(drop (call $wait (i64.const -1)))", "(call $deliver)"])
def test_r42_wait_and_deliver_return_from_a_chain_without_end(machine: Machine, call: str) -> None:
    body = f"{raise_(TIMER)} {call} {call} (global.get $runs)"
    go = RUN_COUNT + function("go", body, "(result i32)")
    instance = machine.instantiate(module(endless("timer", TIMER) + go))
    (runs,) = machine.call(instance, "go")
    assert RUNS <= runs <= 4 * RUNS


def test_r42_budgets_hold_in_a_chain(machine: Machine) -> None:
    """Each run has its fuel, however many are chained, and what is interrupted is charged for none of it."""
    budget = f"(drop (call $budget (i32.const {TIMER}) (i32.const 40) (i32.const 0)))"
    handlers = endless("timer:1", TIMER, SOFT) + endless("soft0:0", SOFT)
    limits = budget + f"(drop (call $budget (i32.const {SOFT}) (i32.const 5) (i32.const 0)))"
    instance = machine.instantiate(module(handlers + rounds(limits + raise_(TIMER))))
    assert machine.call(instance, "go") == [SUM]
    assert machine.faults() == []


def test_r42_a_chain_that_ends_by_itself_is_not_cut_short(machine: Machine) -> None:
    """As many as may be chained are: not even an operation of the program lies between them."""
    again = f"(if (i32.lt_u (global.get $runs) (i32.const {RUNS})) (then {raise_(TIMER)}))"
    handler = f'(func (export "irq:timer") (param i32 i32 i32) {COUNT_RUN} {again})'
    instance = machine.instantiate(module(handler + rounds(raise_(TIMER))))
    assert machine.call(instance, "go") == [SUM]
    assert set(noted(machine, instance)) <= {0, RUNS}
