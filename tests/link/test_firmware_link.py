"""The link of the real firmware, on the `host` board, over a line that damages bytes both ways."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from firmware_host import Board, BoardError, status
from firmware_host.link import core, messages
from firmware_host.selector import Target
from firmware_host.sim.host import HostBoard
from firmware_host.transport import Transport
from tests.cli import guest_modules
from tests.link.lossy_line import Faults
from tests.link.lossy_transport import LossyTransport

CLEAN = Faults()
BAD = Faults(drop=0.0005, flip=0.0005, repeat=0.0002)


@contextmanager
def connected(faults: Faults, seed: int) -> Iterator[tuple[Board, LossyTransport]]:
    line = LossyTransport(HostBoard().transport, faults, seed)
    with Board(Target("host", line), timeout=20.0) as board:
        yield board, line
        line.faults = CLEAN


@pytest.mark.parametrize("seed", range(3))
def test_a_module_arrives_whole_over_a_bad_line(seed: int) -> None:
    with connected(BAD, seed) as (board, _):
        data = guest_modules.code_of(20_000) + b"\x00\x11\x06random" + random.Random(seed).randbytes(10)
        board.put(data)  # the board checks the hash
        assert board.resent > 0
        board.instantiate()


@pytest.mark.parametrize("seed", range(3))
def test_every_request_runs_once_over_a_bad_line(seed: int) -> None:
    with connected(BAD, seed) as (board, _):
        for _ in range(60):
            board.irq_raise(3)
        assert board.irq_show(3).raised == 60
        board.put(guest_modules.add())
        instance = board.instantiate()
        assert [instance.invoke("add", [i, 1])[0] for i in range(60)] == list(range(1, 61))


@pytest.mark.parametrize("seed", range(3))
def test_a_session_opens_over_a_very_bad_line(seed: int) -> None:
    with connected(Faults(drop=0.004, flip=0.004), seed) as (board, _):
        assert board.info.name == "host"


def test_a_lost_welcome_is_given_again_and_a_late_hello_disturbs_nothing() -> None:
    host = HostBoard()
    line = host.transport
    session = core.Session(nonce=77, now=0.0)
    hello = session.data_to_send(0.0)
    try:
        for _ in range(3):  # the first two welcomes are lost
            line.write(hello)
            answer = received(line)
        events = session.receive(answer, 0.1)
        assert any(isinstance(event, core.Welcome) for event in events)
        session.request(messages.COMMANDS["irq.raise"], {"source": 3, "count": 1, "after_us": 0, "every_us": 0})
        line.write(session.data_to_send(0.1))
        session.receive(received(line), 0.2)
        line.write(hello + session.data_to_send(0.3))
        assert received(line) == b""
        session.request(messages.COMMANDS["irq.show"], {"source": 3})
        line.write(session.data_to_send(0.4))
        (answered,) = (e for e in session.receive(received(line), 0.5) if isinstance(e, core.Answered))
        assert answered.response.values["raised"] == 1
    finally:
        host.close()


def received(line: Transport) -> bytes:
    """All that comes within a moment."""
    data = line.read(0.5)
    while more := line.read(0.1):
        data += more
    return data


def test_a_new_session_begins_while_the_old_one_was_never_ended() -> None:
    host = HostBoard()
    first = Board(Target("host", host.transport), timeout=5.0)
    first.connection._closed.set()  # a tool that dies says no bye
    second = Board(Target("host", host.transport), timeout=5.0)
    second.irq_raise(3)
    assert second.info.session == first.info.session + 1
    second.close()


def test_an_answer_that_does_not_fit_a_frame_is_refused_and_the_session_goes_on() -> None:
    with connected(CLEAN, 1) as (board, _):
        board.put(guest_modules.add())
        instance = board.instantiate()
        assert instance.invoke("add", [1, 2]) == [3]
        with pytest.raises(BoardError) as caught:
            instance.global_get("nosuch")
        assert caught.value.code == status.code("UNKNOWN_EXPORT")
        assert instance.invoke("add", [2, 2]) == [4]
