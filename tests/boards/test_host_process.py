"""The `host` board as a program: its serial lines, its options, its end."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.build import firmware
from tests.boards.machines import host_with_line


@pytest.fixture(scope="module")
def program() -> Path:
    return firmware("host")


def test_the_end_of_its_input_ends_it_when_it_has_done_what_was_typed(program: Path) -> None:
    done = subprocess.run([program], input=b"help\rps\r", capture_output=True, timeout=20, check=False)
    assert done.returncode == 0
    assert b"state             idle" in done.stdout
    assert done.stderr == b""


def test_a_tcp_port_takes_one_after_the_other() -> None:
    with host_with_line("--tcp", "0") as line:
        host, port = line.split(":")
        for _ in range(2):
            with socket.create_connection((host, int(port)), timeout=10) as client:
                client.sendall(b"\rps\r")
                received = b""
                while b"idle" not in received:
                    received += client.recv(4096)
        with Board.connect(f"tcp:{line}", timeout=20) as board:
            assert board.info.name == "host"


def test_a_pseudo_terminal_is_a_port() -> None:
    with host_with_line("--pty") as line:
        for session in (1, 2):
            with Board.connect(f"port:{line}", timeout=20) as board:
                assert (board.info.name, board.info.session) == ("host", session)


def test_a_reset_starts_it_anew() -> None:
    with Board.connect("host", timeout=20) as board:
        board.irq_raise(3)
        board.reset()
        assert board.irq_show(3).raised == 0


def test_the_arena_can_hold_a_quarter_of_a_gigabyte() -> None:
    with Board.connect("host", timeout=20, arena_size=256 << 20) as board:
        assert board.info.arena_size == 256 << 20


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--nonsense"], "--nonsense is no option"),
        (["--arena"], "--arena needs a number"),
        (["--arena", "12Q"], "--arena has no number that is possible here"),
        (["--stack", "0"], "--stack has no number that is possible here"),
        (["--tcp", "65536"], "--tcp has no number that is possible here"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(program: Path, arguments: list[str], problem: str) -> None:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "usage: " in done.stderr


def test_an_arena_that_no_vm_fits_is_said_and_ends_it(program: Path) -> None:
    command = [str(program), "--arena", "6000"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "the arena is too small" in done.stdout
