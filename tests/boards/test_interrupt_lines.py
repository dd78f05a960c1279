"""Real interrupt lines: the button, set from outside the firmware, interrupts a program that computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.boards import load_board
from tests.boards import machines
from tests.boards.machines import QEMU_BOARDS, TIMEOUT


def press_three_times(board: Board, press: Callable[[], None], module: bytes) -> None:
    board.put(module)
    with board.run(board.instantiate()) as app:
        board.console.expect("ready\n", TIMEOUT)
        button = board.irq_number("button")
        for presses in range(1, 4):
            press()
            while app.running and board.irq_show(button).raised < presses:
                pass
        board.console.expect("pressed 3\n", TIMEOUT)
        assert app.wait(TIMEOUT).ok
    shown = board.irq_show(button)
    assert (shown.raised, shown.missed) == (3, 0)
    assert 1 <= shown.delivered <= 3


@pytest.mark.parametrize("name", ["stm32f4", "microbit", "hifive1", "virt"])
def test_the_buttons_line_interrupts_a_computation_on_emulated_boards(name: str, tmp_path: Path) -> None:
    """R16: each edge is one raise."""
    module = machines.compiled(machines.PROGRAMS / "pressed.c", tmp_path)
    with machines.wired(name) as (board, wires):
        facts = machines.inject_facts(name)["button"]
        press_three_times(board, lambda: wires.trigger(facts, lambda: board.irq_show(0)), module)


def test_a_signal_interrupts_a_computation_on_the_host(tmp_path: Path) -> None:
    module = machines.compiled(machines.PROGRAMS / "pressed.c", tmp_path)
    with machines.host_process() as (board, process):
        press_three_times(board, lambda: machines.press_button(process), module)


@pytest.mark.parametrize("name", ["host", *QEMU_BOARDS])
def test_sources_show_the_vectors_of_board_toml(name: str) -> None:
    with Board.connect("host" if name == "host" else f"qemu:{name}", timeout=TIMEOUT) as board:
        shown = [(source.number, source.name, source.vector) for source in board.irq_sources()]
    assert shown == [(source.number, source.name, source.vector) for source in load_board(name).irq_sources]
