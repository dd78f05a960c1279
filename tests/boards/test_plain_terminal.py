"""A plain terminal without any tool: echo, editing, the prompt, Ctrl-C, and what garbage on the line does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import resources
from tests.boards import machines
from tests.boards.machines import Terminal

BOARDS = ["host", "microbit", "hifive1"]
PROGRAMS = resources.root() / "robot_tests" / "programs"


@pytest.fixture(params=BOARDS)
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    with machines.terminal(request.param) as terminal:
        terminal.type("\r")
        terminal.expect("wirq> ")
        yield terminal


def test_lines_are_echoed_and_end_in_cr_lf(terminal: Terminal) -> None:
    terminal.quiet(0.3)
    terminal.type("ps\r")
    assert terminal.quiet(1.0).startswith("ps\r\nstate             idle\r\n")


def test_every_kind_of_line_end_is_one_return(terminal: Terminal) -> None:
    for end in ("\r", "\n", "\r\n"):
        terminal.quiet(0.2)
        terminal.type(" " + end)
        assert terminal.quiet(0.6) == " \r\nwirq> "


def test_backspace_takes_a_character_back(terminal: Terminal) -> None:
    terminal.type("hexx\x08\x7flp\r")
    terminal.expect("^help +this list")


def test_a_line_that_is_too_long_does_no_harm(terminal: Terminal) -> None:
    terminal.type("x" * 60)
    terminal.type("y" * 2000)  # an emulator's line is faster than any board: some are lost
    terminal.quiet(0.5)
    terminal.type("\r")
    terminal.expect("no such command")
    terminal.type("\r")
    terminal.expect("wirq> ")


def test_ctrl_c_takes_a_line_back(terminal: Terminal) -> None:
    terminal.type("irq raise soft0")
    terminal.expect("soft0")
    terminal.type("\x03")
    terminal.expect(r"\^C\r\nwirq> ")
    terminal.type("irq list\r")
    terminal.expect(r"^3 +soft0 .* no +0 +0 +0")


def test_without_a_guest_its_memory_is_not_shown_and_the_way_to_one_is(terminal: Terminal) -> None:
    terminal.type("peek 0\r")
    terminal.expect(r"error: there is no guest\r\n +load one: run NAME\r\n")


def test_a_source_is_shown_and_a_bound_needs_a_handler(terminal: Terminal) -> None:
    terminal.type("irq mask soft0\r")
    terminal.type("irq raise soft0 3\r")
    terminal.type("irq show soft0\r")
    terminal.expect(r"^source +soft0\r\n(.*\r\n)*enabled +no\r\npending +yes\r\nraised +3\r\n  missed +0\r\n")
    terminal.type("irq show nosuch\r")
    terminal.expect("no such interrupt source")
    terminal.type("irq bound 3\r")
    terminal.expect("error: it has no handler")
    terminal.type("irq config 3\r")
    terminal.expect("wirq irq --help")


@pytest.mark.parametrize(("name", "told"), [("host", True), ("stm32f4", True), ("microbit", False)])
def test_the_bound_of_a_handler_is_told_once_its_program_has_ended(name: str, told: bool, tmp_path: Path) -> None:
    source = tmp_path / "ended.c"
    source.write_text(
        '#include "wirq_guest.h"\nWIRQ_HANDLER(soft0) {}\n'
        'WIRQ_EXPORT("irq:button") void button(int32_t s, int32_t c, int32_t x) {}\n'
        "int main(void) { return 0; }\n"
    )
    with machines.terminal(name) as terminal:
        terminal.start(machines.compiled(source, tmp_path))
        for _ in range(100):  # what is typed before it has ended is the program's
            terminal.type("\rps\r")
            if "state idle" in " ".join(terminal.quiet(0.3).split()):
                break
        terminal.type("\rirq bound soft0\r")
        if not told:  # it has no [latency] in its board.toml
            terminal.expect("error: this firmware computes no bounds")
            return
        terminal.expect(r"^raise +\d+ instructions\r\nwait +[1-9]\d*\r\ndeliver +[1-9]\d*\r\n")
        terminal.expect(r"^total +none\r\n")
        terminal.expect(r"^without budget +button\r\n")


def test_ctrl_c_stops_a_program_that_never_ends(terminal: Terminal, tmp_path: Path) -> None:
    terminal.start(machines.compiled(PROGRAMS / "endless.c", tmp_path))
    terminal.expect("computing")
    terminal.type("\x03")
    terminal.expect("app stopped: status 12 ")
    terminal.expect("wirq> ")
    terminal.type("ps\r")
    terminal.expect("state +idle")


def test_typed_bytes_are_the_running_programs(terminal: Terminal, tmp_path: Path) -> None:
    terminal.start(machines.compiled(PROGRAMS / "echoing.c", tmp_path))
    terminal.expect("type a line")
    terminal.type("help\r")
    terminal.expect("you typed: help\r\n")
    terminal.expect("app ended with 0")
    terminal.expect("wirq> ")


def test_garbage_on_the_line_leaves_a_usable_board(terminal: Terminal) -> None:
    noise = random.Random(7)
    for _ in range(20):
        terminal.type(bytes(noise.randrange(256) for _ in range(100)))
    terminal.type(b"\0\r")
    terminal.quiet(2.5)  # what follows a stray 00 counts as a frame until nothing has come for two seconds
    terminal.type("\r\r")
    terminal.expect("wirq> ")
    terminal.quiet(0.3)
    terminal.type("ps\r")
    terminal.expect("state +idle")
