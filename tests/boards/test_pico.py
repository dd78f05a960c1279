"""The Raspberry Pi Pico's image in an emulator of the RP2040: its second stage of boot, its clocks, its drivers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from firmware_host import Board, LinkError
from firmware_host.selector import Target
from firmware_host.sim.bridge import Bridge
from tests.boards import machines
from tests.boards.rp2040js import Pico, pico
from tests.cli.conftest import Wirq, nothing_of_the_users, wirq

__all__ = ["nothing_of_the_users", "wirq"]

#: Seconds; it takes some three times as long as the chip, on a computer of one's own.
TIMEOUT = 60.0


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Pico]:
    with pico(tmp_path) as running:
        yield running


@pytest.fixture
def board(emulator: Pico) -> Iterator[Board]:
    with Board(Target("pico", emulator.transport), timeout=TIMEOUT) as connected:
        yield connected


def press(emulator: Pico) -> None:
    os.kill(emulator.transport.process.pid, signal.SIGUSR2)


def test_it_boots_through_its_second_stage_and_answers(board: Board) -> None:
    assert (board.info.name, board.info.store_kind) == ("pico", "ram")
    assert [source.name for source in board.irq_sources()] == ["uart", "timer", "button", "soft0"]


@pytest.mark.slow
def test_interrupts_come_in_the_middle_of_a_computation_which_is_undisturbed(emulator: Pico, board: Board) -> None:
    instance = board.load(machines.example("forced"))
    board.irq_raise(3, after_us=20_000)
    with board.run(instance) as app:
        board.console.expect("counting primes", TIMEOUT)
        press(emulator)  # of the pin, by the chip's own interrupt
        board.console.expect("interrupted by button", TIMEOUT)
        assert app.wait(TIMEOUT).status == 0
    board.console.expect("3245 primes, checksum 2092706092", TIMEOUT)
    assert (board.irq_show(2).raised, board.irq_show(3).raised) == (1, 1)


@pytest.mark.slow
def test_the_led_blinks_as_fast_as_the_timer_says(emulator: Pico, board: Board, tmp_path: Path) -> None:
    module = tmp_path / "blink.c"
    module.write_text(
        """#include "wirq_guest.h"
        static volatile uint32_t switched;
        WIRQ_HANDLER(timer) { switched++; board_pin_write(WIRQ_PIN_LED, switched & 1); }
        int main(void) {
            board_timer_start(WIRQ_SOURCE_TIMER, 50000);
            while (switched < 6) wirq_wait(-1);
            return 0;
        }"""
    )
    with board.run(module) as app:
        assert app.wait(TIMEOUT).status == 0
    assert [level for level, _ in emulator.led] == [1, 0, 1, 0, 1, 0]
    times = [time for _, time in emulator.led]
    assert all(49_800 < later - earlier < 50_200 for earlier, later in pairwise(times))


@pytest.mark.slow
def test_what_every_board_must_do(emulator: Pico, wirq: Wirq, tmp_path: Path) -> None:
    bridge = Bridge(emulator.transport)

    def serve() -> None:
        try:
            bridge.serve()
        except LinkError:
            pass  # the emulator has ended

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    ran = wirq("test", "--on", f"tcp:127.0.0.1:{bridge.port}", "--output", tmp_path / "out")
    print(ran.out)
    assert ran.code == 0
