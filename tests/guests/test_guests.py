"""Guests in C, on the host board and, by a small polyfill, on wasmtime: polling, masking, attaching, waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.build.guest import compile_c
from tests.guests.compiling import EXPORTED, PROGRAMS, STRICT, compile_object, link
from tests.guests.polyfill import Guest

WITHOUT_EVENTS = ["polling", "masking", "attaching"]


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host", 10.0) as connected:
        yield connected


def _run(board: Board, module: Path) -> None:
    """Runs main, which prints "ok" and returns 0, or says what is wrong."""
    board.put(module.read_bytes(), replace=True)
    instance = board.instantiate()
    board.console.discard()
    with board.run(instance) as app:
        printed = board.console.expect(r"(?s).*(ok|wrong: [^\n]*)\n", 10.0).group()
        assert app.wait(10.0).status == 0, printed


@pytest.mark.parametrize("program", WITHOUT_EVENTS)
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_a_guest_finds_all_as_the_header_says(board: Board, tmp_path: Path, program: str, level: str) -> None:
    """R22."""
    compile_object(PROGRAMS / f"{program}.c", tmp_path / "g.o", *STRICT, *EXPORTED, level)
    _run(board, link(tmp_path / "g.o", tmp_path / "g.wasm", "--export=__stack_pointer"))


@pytest.mark.parametrize("program", WITHOUT_EVENTS)
def test_handlers_entered_by_the_trampoline_do_the_same(board: Board, tmp_path: Path, program: str) -> None:
    compile_object(PROGRAMS / f"{program}.c", tmp_path / "g.o", *STRICT, "-Os")
    _run(board, link(tmp_path / "g.o", tmp_path / "g.wasm"))


@pytest.mark.parametrize("program", WITHOUT_EVENTS)
def test_the_same_module_runs_on_an_engine_without_interrupts(tmp_path: Path, program: str) -> None:
    compile_object(PROGRAMS / f"{program}.c", tmp_path / "g.o", *STRICT, "-Os")
    guest = Guest(link(tmp_path / "g.o", tmp_path / "g.wasm", "--export-table"))
    assert (guest.run(), guest.output) == (0, b"ok\n")


def test_waits_end_for_raises_and_timeouts(board: Board, tmp_path: Path) -> None:
    board.put(compile_c(PROGRAMS / "waiting.c", tmp_path / "w.wasm").read_bytes(), replace=True)
    instance = board.instantiate()
    board.console.discard()
    with board.run(instance) as app:
        board.console.expect(r"waiting\n|wrong.*\n", 10.0)
        board.irq_raise(board.irq_number("soft0"))
        printed = board.console.expect(r"ok\n|wrong.*\n", 10.0).group()
        assert (app.wait(10.0).status, printed) == (0, "ok\n")


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3", "-Os", "-Oz"])
def test_the_trampoline_keeps_handlers_off_the_red_zone(board: Board, tmp_path: Path, level: str) -> None:
    """R34: no stack pointer is exported, so the VM cannot move it. One interrupt at every safe point of a function."""
    compile_object(PROGRAMS / "red_zone.c", tmp_path / "r.o", *STRICT, level)
    module = link(tmp_path / "r.o", tmp_path / "r.wasm")
    assert b"__stack_pointer" not in module.read_bytes().split(b"name")[0]
    board.put(module.read_bytes(), replace=True)
    instance = board.instantiate()
    source = board.irq_number("soft0")
    board.irq_inject(source, 0)
    undisturbed = instance.invoke("leaf", [40])
    points = board.irq_injected()
    assert points >= 40
    delivered = board.irq_show(source).delivered
    for n in range(1, points + 1):
        board.irq_inject(source, n)
        assert instance.invoke("leaf", [40]) == undisturbed, f"interrupted at safe point {n}"
    assert board.irq_show(source).delivered == delivered + points
