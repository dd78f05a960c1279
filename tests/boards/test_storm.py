"""The forced example's result is the same with no interrupt and with ten thousand, on every board."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from firmware_host import Board, NoSpace
from tests.boards import machines
from tests.boards.machines import SMALL_BOARDS, TIMEOUT
from tests.vm.machine import wat

RESULT = "3245 primes, checksum 2092706092\n"


def forced(board: Board, module: bytes, raises: int = 0, every_us: int = 0) -> str:
    """What the example prints when soft0 is raised so often."""
    board.put(module)
    instance = board.instantiate()
    source = board.irq_number("soft0")
    if raises:
        board.irq_raise(source, count=raises, after_us=1, every_us=every_us)  # from the app's start
    board.console.discard()
    with board.run(instance) as app:
        assert app.wait(TIMEOUT).ok
    board.console.expect(r"raised: button 0, soft0 \d+\n", TIMEOUT)
    assert board.irq_show(source).raised == raises
    return board.console.text


# The host is done in milliseconds, so there the raises come as fast as they can.
@pytest.mark.parametrize(
    ("selector", "every_us", "deliveries"),
    [("host", 0, 1), ("qemu:stm32f4", 20, 10), ("qemu:microbit", 20, 10), ("qemu:hifive1", 20, 10)],
)
def test_ten_thousand_interrupts_do_not_change_the_result(
    selector: str, every_us: int, deliveries: int, tmp_path: Path
) -> None:
    module = machines.compiled(machines.example("forced"), tmp_path)
    with Board.connect(selector, timeout=TIMEOUT) as board:
        assert RESULT in forced(board, module)
        disturbed = forced(board, module, 10_000, every_us)
        assert RESULT in disturbed
        assert "raised: button 0, soft0 10000\n" in disturbed
        shown = board.irq_show(board.irq_number("soft0"))
        assert shown.delivered >= deliveries
        assert shown.missed == 0


RAISES = 1_000_000
STORM = f"""(module (global $sum (export "sum") (mut i32) (i32.const 0))
  (global $rounds (export "rounds") (mut i32) (i32.const 0))
  (func (export "irq:soft0") (param i32 i32 i32) (global.set $sum (i32.add (global.get $sum) (local.get 1))))
  (func (export "_start")
    (loop $again
      (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
      (br_if $again (i32.lt_u (global.get $sum) (i32.const {RAISES}))))))"""


@pytest.mark.parametrize("selector", ["host", "qemu:stm32f4"])
def test_a_million_raises_as_fast_as_they_come_are_counted_exactly(selector: str) -> None:
    """T1, R40: the handler's counts add up to every raise, the program goes on in between, and the board answers."""
    with Board.connect(selector, timeout=TIMEOUT) as board:
        instance = board.load(wat(STORM))
        source = board.irq_number("soft0")
        board.irq_raise(source, count=RAISES)
        seen = set()
        with board.run(instance) as app:  # ends when all of them have been counted
            while app.running:
                seen.add(board.irq_show(source).delivered)
            assert app.wait(TIMEOUT).ok
        shown = board.irq_show(source)
        (rounds,) = instance.global_get("rounds")[1]
        assert instance.global_get("sum")[1] == [RAISES]
    assert len(seen) >= 3  # while it lasted
    assert (shown.raised, shown.missed, shown.pending) == (RAISES, 0, False)
    assert 1 <= shown.delivered < RAISES
    assert shown.worst_us < 1_000_000
    assert rounds > shown.delivered


@pytest.mark.parametrize("selector", ["host", *(f"qemu:{name}" for name in (*SMALL_BOARDS, "stm32f4"))])
def test_all_timers_at_once_leave_the_board_time_to_answer(selector: str) -> None:
    """Found by fuzzing: the alarm took all the time there was, and a micro:bit never answered again."""
    with Board.connect(selector, timeout=TIMEOUT) as board:
        soft0 = board.irq_number("soft0")
        with pytest.raises(NoSpace):
            for _ in range(100):
                board.irq_raise(soft0, count=0xFFFFFFFF, every_us=1)
        before, end = board.irq_show(soft0).raised, time.monotonic() + TIMEOUT
        while board.irq_show(soft0).raised == before:  # alarms come in bunches, answers between them
            assert time.monotonic() < end


BUSY = """(module (func (export "main") (local $i i32)
  (loop $again
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 3000000))))))"""


def test_all_timers_at_once_leave_a_program_time_to_end() -> None:
    """Found by fuzzing: between two alarms, each of which raised for milliseconds, the host board had microseconds."""
    with Board.connect("host", timeout=TIMEOUT) as board:
        instance = board.load(wat(BUSY))
        soft0 = board.irq_number("soft0")
        with pytest.raises(NoSpace):
            for _ in range(100):
                board.irq_raise(soft0, count=0xFFFFFFFF, every_us=1)
        with board.run(instance) as app:
            assert app.wait(TIMEOUT).ok


@pytest.mark.parametrize(("timers", "every_us"), [(1, 40), (16, 1)])
def test_fast_timers_do_not_slow_the_clock_down(timers: int, every_us: int) -> None:
    """Found by fuzzing: time was lost in alarms longer than the time to the next one, and what came behind a stray
    delimiter was taken for the inside of a frame for as long as somebody typed."""
    with machines.terminal("stm32f4") as terminal:
        terminal.start_timers(timers, every_us)
        for _ in range(3):
            terminal.type(b"\0")
            terminal.quiet(0.5)  # twice as long as a pause within a frame may be
            terminal.type("\r")
            terminal.expect("wirq> ", 10.0)
