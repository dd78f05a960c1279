"""The firmware's link against the tool's session, both without I/O, over every kind of bad line, in simulated time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from itertools import count

import pytest

from firmware_host.connection import Connection
from firmware_host.errors import LinkError
from firmware_host.link import core, frames, messages, table
from firmware_host.upload import send
from tests.link.firmware_link import FirmwareLink
from tests.link.lossy_line import Faults, Line
from tests.link.serial_line import SerialLine

RAISE = messages.COMMANDS["irq.raise"]
INVOKE = messages.COMMANDS["app.invoke"]

FAULTS = {
    "drop": Faults(drop=0.003),
    "flip": Faults(flip=0.003),
    "repeat": Faults(repeat=0.003),
    "swap": Faults(swap=0.003),
    "split": Faults(split=0.9),
    "all": Faults(drop=0.001, flip=0.001, repeat=0.001, swap=0.001, split=0.5),
}


def line_to(board: FirmwareLink, faults: Faults | None = None, seed: int = 1) -> Line:
    line = Line(board, faults, seed=seed)
    board.clock = lambda: line.now
    line.connect()
    return line


def raise_values(number: int) -> dict[str, int]:
    return {"source": 0, "count": number, "after_us": 0, "every_us": 0}


@pytest.mark.parametrize("window", [1, 3, 8])
@pytest.mark.parametrize("fault", FAULTS)
def test_requests_run_once_and_in_order(fault: str, window: int) -> None:
    for seed in range(4):
        board = FirmwareLink(window=window)
        line = line_to(board, FAULTS[fault], seed)
        requests = [line.session.request(RAISE, raise_values(number)) for number in range(1, 81)]
        line.settle()
        assert board.raised[:80] == list(range(1, 81))
        answers = [event for event in line.events if isinstance(event, core.Answered)]
        assert [answer.request_id for answer in answers] == requests
        assert all(answer.response.status == 0 for answer in answers)


def test_hello_does_not_wait_for_the_figures_of_the_store() -> None:
    """Found by fuzzing: figures of a large store take a look at every block, and the welcome has its size only."""
    board = FirmwareLink()
    line = line_to(board)
    assert board.spaces == 0
    line.session.request(messages.COMMANDS["files.space"], {})
    line.settle()
    assert board.spaces == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_events_arrive_once_and_in_order(fault: str) -> None:
    for seed in range(4):
        board = FirmwareLink()
        line = line_to(board, FAULTS[fault], seed)
        line.session.request(RAISE, raise_values(1))
        line.settle()
        board.tell_events(40)
        board.poll()
        for _ in range(400):
            line.run(0.1)
            if len(line.of(core.Happened)) == 40:
                break
        told = [event.values["raised"] for event in line.events if isinstance(event, core.Happened)]
        assert told == list(range(40))


def test_a_deferred_answer_that_was_lost_comes_again() -> None:
    board = FirmwareLink()
    line = line_to(board)
    request = line.session.request(INVOKE, {"instance": 0, **messages.call_values("f", [])})
    line.run(0.2)
    assert not line.of(core.Answered)
    board.answer()
    board.poll()
    assert board.data_to_send()  # lost
    line.settle(timeout=2.0)
    (answer,) = (event for event in line.events if isinstance(event, core.Answered))
    assert answer.request_id == request
    assert messages.unpack_cells(answer.response.values["cells"]) == [42]


def test_requests_and_events_cross_without_harm() -> None:
    board = FirmwareLink(window=4)
    line = line_to(board, FAULTS["all"], seed=9)
    for number in range(1, 101):
        line.session.request(RAISE, raise_values(number))
        board.tell_events(1)
        line.step()
    line.settle()
    line.run(20.0)
    assert board.raised[:100] == list(range(1, 101))
    told = [event.values["raised"] for event in line.events if isinstance(event, core.Happened)]
    assert told == list(range(100))


def test_a_host_that_asks_without_a_pause_is_told_what_happens() -> None:
    """Found with wirq trace: every request acknowledged the last answer, and its own took the room again."""
    board = FirmwareLink(window=1)
    line = line_to(board)
    requests = [line.session.request(RAISE, raise_values(number)) for number in range(1, 41)]
    board.tell_events(3)
    line.settle()
    happened = [i for i, event in enumerate(line.events) if isinstance(event, core.Happened)]
    answers = [event.request_id for event in line.events if isinstance(event, core.Answered)]
    assert answers == requests
    assert len(happened) == 3
    assert happened[-1] < 12


def test_no_event_is_sent_to_a_host_whose_bye_has_come() -> None:
    """Whoever is at the line then reads text; the bye itself may still wait for the main loop."""
    board = FirmwareLink()
    line = line_to(board)
    line.session.request(RAISE, raise_values(1))
    line.settle()
    line.session.say_bye()
    board.interrupt(line.session.data_to_send(line.now), line.now)
    board.tell_events(1)
    board.poll()
    assert board.data_to_send() == b""


def test_one_lost_frame_of_a_window_costs_no_wait_for_a_timer() -> None:
    board = FirmwareLink(window=8)
    line = line_to(board)
    for number in range(1, 9):
        line.session.request(RAISE, raise_values(number))
    first, *others = (frame + b"\0" for frame in line.session.data_to_send(line.now).split(b"\0") if frame)
    board.receive(b"".join(b"\0" + frame for frame in others))  # the first is lost
    answer = board.data_to_send()
    line.events += line.session.receive(answer, line.now + 0.02)
    again = line.session.data_to_send(line.now + 0.02)
    assert b"\0" + first[:-1] in again
    line.settle()
    assert board.raised[:8] == list(range(1, 9))


def test_a_frame_the_board_has_no_room_for_is_sent_again() -> None:
    board = FirmwareLink(window=2)
    line = line_to(board)
    for number in range(1, 7):
        line.session.request(RAISE, raise_values(number))
    line.settle()
    flood = b"".join(
        frames.encode(messages.Frame(table.KINDS["request"], 4, 200 + i, 0, 900 + i, b"\2" + bytes(13)).to_bytes())
        for i in range(6)
    )
    board.interrupt(flood, line.now)  # more than a window, and out of order
    for number in range(7, 11):
        line.session.request(RAISE, raise_values(number))
    line.settle()
    assert board.raised[:10] == list(range(1, 11))


def module(size: int = 3000) -> bytes:
    return random.Random(size).randbytes(size)


def upload(line: SerialLine, data: bytes) -> int:
    """Sends a file, and returns from where on it was missing."""
    connection = Connection(line, timeout=20.0, clock=line.clock, background=False)
    max_frame = connection.open().max_frame
    answer = connection.request("files.begin", size=len(data), sha256=hashlib.sha256(data).digest(), name="")
    offset = int(answer.values["offset"])
    send(connection, max_frame, data, offset)
    assert connection.request("files.commit").status == 0
    return offset


def frame_ends() -> Iterator[int]:
    """Numbers of bytes to the board after which each frame of a whole upload has left."""
    line = SerialLine(FirmwareLink(), turnaround=0.001)
    upload(line, module())
    return (i + 1 for i, byte in enumerate(line.written) if byte == 0)


def test_an_upload_that_is_cut_off_at_any_frame_resumes() -> None:
    resumed = set()
    for end in frame_ends():
        board = FirmwareLink()
        line = SerialLine(board, turnaround=0.001, cut_after=end)
        try:
            upload(line, module())
        except LinkError:
            resumed.add(upload(SerialLine(board, turnaround=0.001), module()))
    assert {0, 245, 490} <= resumed
    assert len(resumed) > 10


@pytest.mark.parametrize("seed", range(3))
def test_an_upload_over_a_bad_line_in_a_window_is_whole(seed: int) -> None:
    faults = Faults(drop=0.0005, flip=0.0005, repeat=0.0002, swap=0.0002)
    line = SerialLine(FirmwareLink(512, 4), turnaround=0.001, faults=faults, seed=seed)
    assert upload(line, module(20_000)) == 0  # the board has checked the hash


def test_sequence_numbers_wrap() -> None:
    board = FirmwareLink(window=5)
    line = line_to(board)
    numbers = count(1)
    for _ in range(12):
        for _ in range(50):
            line.session.request(RAISE, raise_values(next(numbers)))
        line.settle()
    assert len(line.of(core.Answered)) == 600


def test_a_new_session_opens_although_the_last_host_left_with_everything_full() -> None:
    board = FirmwareLink(window=3)
    line = line_to(board)
    for number in range(1, 100):
        line.session.request(RAISE, raise_values(number))
    encoded = b"".join(
        frames.encode(messages.Frame(table.KINDS["request"], 4, i, 0, 1 + i, b"\2" + bytes(13)).to_bytes())
        for i in range(20)
    )
    board.receive(encoded)  # answers that nobody acknowledges, then requests that wait for room
    board.receive(encoded)
    again = line_to(board, seed=2)
    again.session.request(RAISE, raise_values(7))
    again.settle()
    assert board.raised[board.raised.index(7)] == 7
