"""T1, T2, T3, T6, T10 on a chip: interrupts of the hardware, each at one exact machine instruction of the VM and the
firmware, while a guest is delivered interrupts, waits, attaches handlers, moves memory, catches exceptions, and faults.

Of two of the programs every instruction, of the others a few here; `make inject` takes all of them.
"""

from __future__ import annotations

import pytest

from firmware_host.boards import load_board
from firmware_host.build import firmware
from tests.injection.instructions.cases import CASES, Case
from tests.injection.instructions.exploring import PRIORITIES, Explorer
from tests.injection.instructions.stopped import running

#: Instructions of each of the others.
POINTS = 24
#: Every instruction of delivery, return and the sleep of `wait`: an interrupt is lost at one or two of them.
WHOLE = ("two interrupts of the hardware", "wait for what comes")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_t1_an_interrupt_at_any_machine_instruction_is_delivered_once_and_in_order(case: Case) -> None:
    priorities = PRIORITIES[CASES.index(case) % len(PRIORITIES)]
    with running(load_board("stm32f4"), firmware("stm32f4"), case.module(priorities)) as machine:
        explorer = Explorer(machine, case, priorities)
        found = explorer.explore(occurrences=1, most=0 if case.name in WHOLE else POINTS)
    assert found.differences == []
    assert found.points >= (600 if case.name in WHOLE else POINTS)
    assert found.missed <= found.points // 20
