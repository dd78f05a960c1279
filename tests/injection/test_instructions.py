"""T1, T2, T3, T6, T10 on a chip: interrupts of the hardware, each at one exact machine instruction of the VM and the
firmware, while a guest is delivered interrupts, waits, attaches handlers, moves memory, catches exceptions, and faults.

A few hundred instructions here; `make inject` takes every one.
"""

from __future__ import annotations

import pytest

from firmware_host.boards import load_board
from firmware_host.build import firmware
from tests.injection.instructions.cases import CASES, Case
from tests.injection.instructions.exploring import PRIORITIES, Explorer
from tests.injection.instructions.stopped import running

#: Instructions of each case, of which there are eleven.
POINTS = 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_t1_an_interrupt_at_any_machine_instruction_is_delivered_once_and_in_order(case: Case) -> None:
    priorities = PRIORITIES[CASES.index(case) % len(PRIORITIES)]
    with running(load_board("stm32f4"), firmware("stm32f4"), case.module(priorities)) as machine:
        explorer = Explorer(machine, case, priorities)
        found = explorer.explore(occurrences=1, most=POINTS)
    assert found.differences == []
    assert found.points >= POINTS // 2
    assert found.missed <= found.points // 20
