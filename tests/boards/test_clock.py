"""Board time: timers come when they are due, and the clock never goes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import Board, BoardError
from firmware_host.link import table
from tests.boards import machines
from tests.boards.machines import QEMU_BOARDS, TIMEOUT


@pytest.mark.parametrize("selector", ["host", *(f"qemu:{name}" for name in QEMU_BOARDS)])
def test_ten_periods_take_ten_periods(selector: str, tmp_path: Path) -> None:
    module = machines.compiled(machines.PROGRAMS / "clocked.c", tmp_path)
    with Board.connect(selector, timeout=TIMEOUT) as board:
        board.put(module)
        with board.run(board.instantiate()) as app:
            took = int(board.console.expect(r"took (\d+) us\n", TIMEOUT)[1])
            assert app.wait(TIMEOUT).ok
        # From before the start to after the tenth tick. An idle emulator's time passes as in reality: it may be late.
        assert 99_000 <= took < 1_000_000


@pytest.mark.parametrize("selector", ["host", "qemu:stm32f4", "qemu:hifive1"])
def test_the_clock_does_not_go_back_under_a_storm_of_alarms(selector: str, tmp_path: Path) -> None:
    module = machines.compiled(machines.PROGRAMS / "clocked.c", tmp_path)
    with Board.connect(selector, timeout=TIMEOUT) as board:
        board.put(module)
        instance = board.instantiate()
        board.irq_raise(board.irq_number("soft0"), count=2000, every_us=37)
        with board.run(instance) as app:
            assert app.wait(TIMEOUT).ok
        assert "went back" not in board.console.text


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_an_idle_board_sleeps(name: str) -> None:
    """Its virtual processor executes next to nothing, so the emulator's process uses next to no time."""
    import os
    import time

    from firmware_host.boards import load_board
    from firmware_host.build import firmware
    from firmware_host.sim.qemu import Qemu

    with Qemu(load_board(name), firmware(name)) as qemu:
        terminal = machines.Terminal(qemu.transport)
        terminal.type("\r")
        terminal.expect("wirq> ")
        process = qemu._process.pid

        def used() -> float:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        before = used()
        time.sleep(1.0)
        assert used() - before < 0.5


@pytest.mark.parametrize("selector", ["host", "qemu:stm32f4", "qemu:microbit"])
def test_a_tick_rate_that_no_target_has_is_refused(selector: str) -> None:
    with Board.connect(selector, timeout=TIMEOUT) as board:
        least, most = table.TICK_HZ["least"], table.TICK_HZ["most"]
        for hz in (0, 1, least - 1, most + 1, 0xFFFFFFFF):
            with pytest.raises(BoardError, match="request"):
                board.ask("control.set_tick", hz=hz)
            with pytest.raises(BoardError, match=f"{hz} Hz is no tick rate of a board; nothing was changed"):
                board.set_tick(hz)
        for hz in (least, most):
            board.set_tick(hz)
        assert board.irq_show(0).name == "uart"
