"""Requests in one write to a board that answers the first of them later: each is answered with its own outcome."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator

import pytest

from firmware_host import Board, status
from firmware_host.build import firmware
from firmware_host.link import core, messages, table
from firmware_host.selector import Target
from firmware_host.transport.pipe import PipeTransport
from tests.cli import guest_modules
from tests.link.pipelining import Request, answers

OK, BUSY = 0, status.code("BUSY")

INSTANTIATE: Request = ("app.instantiate", {"flags": 0, "name": "add.wasm"})
DROP: Request = ("app.drop", {})
RUN: Request = ("console.input", {"data": b"run main.wasm\r"})


def add(one: int, other: int) -> Request:
    return ("app.invoke", {"instance": 0, **messages.call_values("add", [one, other])})


FAIL: Request = ("app.invoke", {"instance": 0, **messages.call_values("fail", [])})

FIRST = {"add": add(20, 22), "fail": FAIL, "instantiate": INSTANTIATE}
SECOND = {"add": add(1, 2), "fail": FAIL, "instantiate": INSTANTIATE, "drop": DROP, "run": RUN}


@pytest.fixture
def board() -> Iterator[Board]:
    """Two modules in its store, and one of them loaded."""
    with Board.connect("host", timeout=10.0) as connected:
        connected.files.put(guest_modules.add(), "add.wasm")
        connected.files.put(guest_modules.main_returns(-7), "main.wasm")
        connected.instantiate(stored="add.wasm")
        yield connected
        connected.put(guest_modules.add(), replace=True)
        assert connected.instantiate().invoke("add", [20, 22]) == [42]


def is_right(name: str, request: Request, answer: messages.Response) -> bool:
    """Is it the outcome of that request, and not of another one?"""
    if name == "add":
        cells = messages.unpack_cells(request[1]["name_and_cells"][len("add") :])
        return answer.status == OK and messages.unpack_cells(answer.values["cells"]) == [sum(cells)]
    if name == "fail":
        return answer.status == status.code("TRAP_DIVIDE_BY_ZERO")
    if name == "instantiate":
        return answer.status == OK and answer.values["instance"] == 0 and answer.values["wasm_code_bytes"] > 0
    return answer.status == OK


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FIRST, SECOND)))
def test_each_of_two_in_one_write_is_answered_with_its_own_outcome(board: Board, first: str, second: str) -> None:
    asked = [FIRST[first], SECOND[second]]
    one, other = answers(board.connection, asked)
    assert is_right(first, asked[0], one)
    assert other.status == BUSY or is_right(second, asked[1], other)


@pytest.mark.parametrize("first", FIRST)
def test_three_in_one_write(board: Board, first: str) -> None:
    asked = [FIRST[first], add(1, 2), DROP]
    one, other, drop = answers(board.connection, asked)
    assert is_right(first, asked[0], one)
    assert other.status == BUSY or is_right("add", asked[1], other)
    assert drop.status in (OK, BUSY)


@pytest.mark.parametrize("second", ["add", "instantiate"])
def test_what_the_console_runs_is_not_given_to_the_host(board: Board, second: str) -> None:
    """The console's load is done before the host's request is read, and waits for whoever typed it."""
    ended: list[int] = []
    board.connection.on_event = lambda name, values: ended.append(values["result"]) if name == "app.exit" else None
    typed, other = answers(board.connection, [RUN, SECOND[second]])
    assert (typed.status, other.status) == (OK, BUSY)
    board.connection.wait_until(lambda: bool(ended), 5.0)
    assert ended == [(-7) % (1 << 32)]


# ---- while a guest runs, and when its host has gone before the answer was there


@pytest.fixture
def line() -> Iterator[PipeTransport]:
    """The line to a board that has a module in its store, and an endless one called."""
    transport = PipeTransport([firmware("host")], name="host")
    with Board(Target("host", transport), timeout=10.0) as connected:
        connected.files.put(guest_modules.main_returns(-7), "main.wasm")
        connected.put(guest_modules.main_never_ends())
        connected.instantiate()
        with connected.connection._lock:  # it keeps its session alive else
            connected.connection._session.say_bye()
            connected.connection._send()
            yield transport


def session_on(line: PipeTransport) -> core.Session:
    """One whose host will acknowledge nothing: what the board says later is not given to it."""
    session = core.Session(secrets.randbits(32), time.monotonic())
    while not session.open:
        line.write(session.data_to_send(time.monotonic()))
        session.receive(line.read(0.1), time.monotonic())
    session.request(messages.COMMANDS["app.invoke"], {"instance": 0, **messages.call_values("main", [])})
    line.write(session.data_to_send(time.monotonic()))
    while session._flight:
        line.write(session.data_to_send(time.monotonic()))
        session.receive(line.read(0.1), time.monotonic())
    return session


def said(line: PipeTransport, typed: bytes, until: bytes) -> bytes:
    line.write(typed)
    text, end = b"", time.monotonic() + 3.0
    while until not in text and time.monotonic() < end:
        text += line.read(0.05)
    return text


def test_what_comes_at_once_is_answered_while_a_guest_runs_for_ever(line: PipeTransport) -> None:
    """Without another byte from the host: each one would interrupt the guest."""
    session = session_on(line)
    for source in range(3):
        session.request(messages.COMMANDS["irq.show"], {"source": source})
    heard = said(line, session.data_to_send(time.monotonic()), b"button")
    assert [name in heard for name in (b"uart", b"timer", b"button")] == [True, True, True]


def test_a_call_whose_host_says_bye_keeps_nobody_waiting_once_it_is_stopped(line: PipeTransport) -> None:
    session = session_on(line)
    session.say_bye()
    goodbye = session.data_to_send(time.monotonic())
    # In one write: the board looks at its console once for the bye, and what is typed later is the program's.
    assert b"something runs" in said(line, goodbye + b"run main.wasm\r", b"stops it")
    line.write(b"\x03")
    assert b"app ended with" in said(line, b"\rrun main.wasm\r", b"app ended with")


def test_an_answer_that_its_host_has_no_room_for_is_dropped_by_ctrl_c_at_a_terminal(line: PipeTransport) -> None:
    session = session_on(line)
    for _ in range(8):  # their answers fill the window
        session.request(messages.COMMANDS["irq.show"], {"source": 0})
    line.write(session.data_to_send(time.monotonic()))
    time.sleep(0.2)
    line.write(table.STOP_SEQUENCE)  # the call ends, and its answer cannot be sent
    time.sleep(2.2)  # as long as text in a session is no text
    assert b"something runs" in said(line, b"\rrun main.wasm\r", b"stops it")
    said(line, b"\x03", b"wirq> ")
    assert b"something runs" not in said(line, b"\rrun main.wasm\r", b"stops it")
