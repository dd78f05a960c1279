"""The host board compiled with address and undefined-behaviour checks, under real asynchronous signals."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from firmware_host import Board, TrapError
from firmware_host.build import firmware
from firmware_host.selector import Target
from firmware_host.transport.pipe import PipeTransport
from tests.boards import machines
from tests.boards.machines import TIMEOUT
from tests.vm.machine import wat


@pytest.mark.slow
def test_a_session_under_a_storm_of_signals_finds_nothing(tmp_path: Path) -> None:
    module = machines.compiled(machines.example("forced"), tmp_path)
    transport = PipeTransport([firmware("host", variant="sanitize")], name="sanitized host")
    process = transport.process.pid
    with Board(Target("host", transport), timeout=TIMEOUT) as board:
        for _ in range(5):
            board.put(module)
            instance = board.instantiate()
            board.irq_raise(board.irq_number("soft0"), count=5000, every_us=5)
            with board.run(instance) as app:
                for _ in range(50):
                    machines.press_button(process)
                    time.sleep(0.0005)
                assert app.wait(TIMEOUT).ok
        board.console.write_line("info")
        board.console.expect("largest free", TIMEOUT)
        with pytest.raises(Exception, match="no such export"):
            instance.invoke("nothing")
        assert transport.error_output() == ""
    assert transport.process.returncode in (0, -15)


@pytest.mark.slow
def test_nothing_is_read_of_an_instance_that_has_no_memory() -> None:
    """Found by fuzzing: the firmware added to a null pointer and copied no bytes from there."""
    transport = PipeTransport([firmware("host", variant="sanitize")], name="sanitized host")
    with Board(Target("host", transport), timeout=TIMEOUT) as board:
        instance = board.load(wat("(module)"))
        assert instance.memory_read(0, 0) == b""
        with pytest.raises(TrapError):
            instance.memory_read(0, 1)
        assert transport.error_output() == ""
