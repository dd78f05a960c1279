"""The same on every board, native and emulated: uploads, calls, refusals, garbage on the line, stops. The tool takes no
other path for one than for another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from firmware_host import BadModule, Board, BoardBusy, BoardError, NoSpace, TrapError, status
from firmware_host.boards import load_board
from firmware_host.link import table
from firmware_host.selector import Target
from firmware_host.sim import qemu
from tests.cli import guest_modules
from tests.link.lossy_line import Faults
from tests.link.lossy_transport import LossyTransport

SELECTORS = [
    "host",
    "qemu:stm32f4",
    "qemu:microbit",
    "qemu:hifive1",
    "qemu:mps2-an505",
    "qemu:nucleo-f401re",
    "qemu:virt",
]


@pytest.fixture(scope="module", params=SELECTORS)
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    with Board.connect(request.param, timeout=10.0) as connected:
        yield connected
        still_works(connected)


def still_works(board: Board) -> None:
    board.put(guest_modules.add(), replace=True)
    assert board.instantiate().invoke("add", [20, 22]) == [42]


def test_a_board_tells_its_name_and_has_the_portable_sources(board: Board) -> None:
    assert board.selector.endswith(board.info.name)
    facts = load_board(board.info.name)
    sources = board.irq_sources()
    assert [(one.number, one.name, one.vector) for one in sources] == [
        (one.number, one.name, one.vector) for one in facts.irq_sources
    ]
    assert [one.name for one in sources[:4]] == ["uart", "timer", "button", "soft0"]


def test_a_module_is_sent_run_and_called(board: Board) -> None:
    still_works(board)
    board.put(guest_modules.main_returns(-7), replace=True)
    with board.run(board.instantiate()) as app:
        assert app.wait(10.0).status == -7


def test_an_endless_guest_is_stopped_and_its_place_is_told(board: Board) -> None:
    board.put(guest_modules.main_never_ends(), replace=True)
    with board.run(board.instantiate()) as app:
        result = app.stop()
    assert result.trap is not None
    assert (result.trap.stopped, result.trap.function) == (True, 0)


def test_no_request_runs_a_guest_that_cannot_be_stopped(board: Board) -> None:
    """To be counted, it would run with interrupts masked: only firmware made for that does so."""
    board.put(guest_modules.main_never_ends(), replace=True)
    with pytest.raises(BoardError, match="not made for counting; nothing was run"):
        board.bench("main", timeout=5.0)
    assert board.memory().arena_used > 0


def test_other_requests_are_answered_while_a_guest_runs(board: Board) -> None:
    board.put(guest_modules.main_never_ends(), replace=True)
    instance = board.instantiate()
    with board.run(instance) as app:
        before = board.irq_show(3).raised
        for _ in range(20):
            board.irq_raise(3)
        assert board.irq_show(3).raised == before + 20
        with pytest.raises(BoardBusy):
            instance.invoke("main")
        assert app.running


def test_a_board_tells_what_it_runs_while_it_runs(board: Board) -> None:
    data = guest_modules.main_never_ends()
    board.put(data, replace=True)
    with board.run(board.instantiate()) as app:
        told = board.ask("app.state", instance=0)
        assert told["id"] == hashlib.sha256(data).digest()[:8]
        assert (told["state"], told["subject"], told["instances"]) == (table.APP_STATES["running"], 0, 1)
        app.stop()
    told = board.ask("app.state", instance=0)
    assert (told["state"], told["status"]) == (table.APP_STATES["trapped"], status.code("TRAP_STOPPED"))


def test_a_module_too_large_for_the_board_is_no_space(board: Board) -> None:
    board.drop()
    with pytest.raises(NoSpace):
        board.put(guest_modules.code_of(board.info.arena_size + 4000), "large.wasm")
    pages = board.info.arena_size // 65536 + 1
    board.put(guest_modules.memory_of(pages))
    with pytest.raises(NoSpace) as caught:
        board.instantiate()
    assert caught.value.code == status.code("LINEAR_MEMORY_TOO_LARGE")
    assert caught.value.detail == pages * 65536
    still_works(board)


def test_a_bad_module_is_refused_with_its_place(board: Board) -> None:
    board.put(guest_modules.invalid(), "bad.wasm", replace=True)
    with pytest.raises(BadModule, match=r"bad\.wasm is refused: type mismatch \(in function 0 \(main\), byte 0x"):
        board.instantiate()
    still_works(board)


def test_a_trap_is_told_and_the_instance_answers_again(board: Board) -> None:
    board.put(guest_modules.add(), replace=True)
    instance = board.instantiate()
    for _ in range(3):
        with pytest.raises(TrapError, match="integer divide by zero"):
            instance.invoke("fail")
        assert instance.invoke("add", [1, 2]) == [3]


def test_a_second_put_in_the_middle_of_the_first_replaces_it(board: Board) -> None:
    def leave(done: int, total: int) -> None:
        if done < total:
            raise InterruptedError

    board.drop()
    with pytest.raises(InterruptedError):
        board.put(guest_modules.code_of(3000), progress=leave)
    still_works(board)


def test_garbage_on_the_line_costs_nothing_that_runs(board: Board) -> None:
    board.put(guest_modules.main_never_ends(), replace=True)
    with board.run(board.instantiate()) as app:
        every_byte = bytes(range(256))
        board.connection.transport.write(every_byte + b"\x00reset\r\n" + every_byte * 2)
        assert board.irq_show(3).name == "soft0"
        assert app.running


def test_typed_lines_are_answered_as_text(board: Board) -> None:
    board.console.discard()
    board.console.write_line("irq list")
    board.console.expect(r"soft0", timeout=10.0)
    board.console.expect(r"wirq> ", timeout=10.0)


def test_more_raises_than_the_board_has_timers_are_refused_by_that_name(board: Board) -> None:
    def schedule() -> None:
        for _ in range(100):
            board.irq_raise(3, after_us=4_000_000_000)

    with pytest.raises(NoSpace, match="all of the board's timers are in use"):
        schedule()
    board.reset()
    board.irq_raise(3, after_us=1000)


def test_a_reset_restarts_the_firmware_and_the_session_goes_on(board: Board) -> None:
    board.put(guest_modules.main_never_ends(), replace=True)
    app = board.run(board.instantiate())
    board.irq_raise(3)
    assert app.running
    board.reset()
    assert board.irq_show(3).raised == 0
    with pytest.raises(BoardError, match="no such instance"):
        board.ask("app.digest", instance=0)
    still_works(board)


def test_no_text_is_lost_while_nobody_reads(board: Board) -> None:
    board.console.discard()
    for _ in range(20):
        board.console.write_line("irq list")
    board.console.write_line("ps")
    board.console.expect("instances", timeout=20.0)
    assert board.console.text.count("soft0") >= 20


def test_the_figures_of_memory_add_up(board: Board) -> None:
    memory = board.memory()
    assert memory.vm_bytes <= memory.arena_used <= memory.arena_peak
    assert memory.arena_used + memory.arena_largest_free <= memory.arena_size
    assert memory.c_stack_peak > 0
    assert memory.ram_free < memory.ram_size


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stm32f4", "microbit"])
def test_a_module_arrives_whole_on_an_emulated_board_over_a_bad_line(name: str) -> None:
    with qemu.start(name) as emulator:
        line = LossyTransport(emulator.transport, Faults(drop=0.0005, flip=0.0005), seed=4)
        with Board(Target(name, line, emulator.tick_hz), timeout=20.0) as board:
            for size in (1000, 3000):
                board.put(guest_modules.code_of(size))
            assert board.resent > 0
            line.faults = Faults()
            board.drop()
            still_works(board)
