"""T7 on an emulated board, in instructions: no interrupt that was seen takes longer than `wirq irq bound` says."""

from __future__ import annotations

import pytest

from firmware_host.bench import latency
from firmware_host.boards import load_board
from firmware_host.build import firmware

PROGRAMS = {
    "loop": latency.program(),
    "straight": latency.program(latency.STRAIGHT),
    "copies": latency.program(latency.COPIES, memory=True),
}
COUNT = 30


@pytest.mark.parametrize("name", PROGRAMS)
def test_t7_no_interrupt_takes_more_instructions_than_the_bound(name: str) -> None:
    found = latency.measure(load_board("stm32f4"), firmware("stm32f4"), count=COUNT, module=PROGRAMS[name])
    assert found.raised >= len(found.samples) >= COUNT // 4
    assert found.bound is not None
    assert found.most() <= found.bound
    assert found.bound < 6 * found.most()  # a bound that says something


def test_t7_an_interrupt_of_a_tight_loop_is_handled_within_400_instructions() -> None:
    """From the pended interrupt to the first operation of its handler; the VM's entry and return within 250."""
    found = latency.measure(load_board("stm32f4"), firmware("stm32f4"), count=COUNT)
    assert len(found.samples) >= COUNT // 4
    assert found.most() <= 400
    assert found.entry_and_return <= 250
