"""T1, T2, T3, T6, T7, T10 on a chip: interrupts of the hardware, each at one exact machine instruction of the VM and
the firmware, while a guest is delivered interrupts, waits, attaches handlers, moves memory, catches exceptions, and
faults.

Of two of the programs every instruction, of the others a few here; `make inject` takes all of them.
"""

from __future__ import annotations

import pytest

from firmware_host.boards import load_board
from firmware_host.build import firmware
from tests.injection.instructions.cases import CASES, Case
from tests.injection.instructions.exploring import PRIORITIES, Explorer, Found
from tests.injection.instructions.stopped import running

#: Instructions of each of the others.
POINTS = 24
#: Every instruction of delivery, return and the sleep of `wait`: an interrupt is lost at one or two of them.
WHOLE = ("two interrupts of the hardware", "wait for what comes")


def explored(case: Case, most: int) -> Found:
    priorities = PRIORITIES[CASES.index(case) % len(PRIORITIES)]
    with running(load_board("stm32f4"), firmware("stm32f4"), case.module(priorities)) as machine:
        return Explorer(machine, case, priorities).explore(occurrences=1, most=most)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_t1_an_interrupt_at_any_machine_instruction_is_delivered_once_and_in_order(case: Case) -> None:
    found = explored(case, 0 if case.name in WHOLE else POINTS)
    assert found.differences == []
    assert found.points >= (600 if case.name in WHOLE else POINTS)
    assert found.missed <= found.points // 20


@pytest.mark.parametrize("name", ["bulk operations", "handlers that have budgets"])
def test_t7_no_interrupt_of_the_hardware_waits_longer_than_the_printed_bound(name: str) -> None:
    """Counted from the instruction that it comes at to its handler's first operation, here at more instructions."""
    found = explored(next(case for case in CASES if case.name == name), 2 * POINTS)
    assert found.differences == []
    bounds = [found.bound(wait) for wait in found.waits]
    compared = [(wait, bound) for wait, bound in zip(found.waits, bounds, strict=True) if bound is not None]
    assert len(compared) >= POINTS
    assert all(wait.instructions <= bound for wait, bound in compared)
    assert max(wait.instructions / bound for wait, bound in compared) > 1 / 4  # a bound that says something
    if name == "handlers that have budgets":
        assert any(not wait.alone for wait, _ in compared)
