"""The link session: hello, delivery over a bad line, run-once requests, acknowledgements, deferred answers, events."""

from __future__ import annotations

import pytest

from firmware_host import status
from firmware_host.errors import LinkError
from firmware_host.link import core, frames, messages, table
from tests.link.lossy_line import Faults, Line
from tests.link.model_board import ModelBoard

RAISE = messages.COMMANDS["irq.raise"]
INVOKE = messages.COMMANDS["app.invoke"]


def raise_values(count: int = 1, source: int = 0) -> dict[str, int]:
    return {"source": source, "count": count, "after_us": 0, "every_us": 0}


def frames_in(data: bytes) -> list[messages.Frame]:
    pieces = frames.Decoder(4096).feed(data)
    return [messages.parse_frame(piece.data) for piece in pieces if isinstance(piece, frames.Content)]


def test_hello_is_polled_until_the_board_answers() -> None:
    board = ModelBoard()
    board.mute = True
    line = Line(board)
    line.run(1.0)
    hellos = [frame for frame in frames_in(bytes(line.sent)) if frame.kind == table.KINDS["hello"]]
    assert 3 <= len(hellos) <= 10
    board.mute = False
    line.connect()
    assert board.sessions == 1


def test_a_late_second_welcome_does_not_disturb_the_session() -> None:
    board = ModelBoard()
    line = Line(board, policy=core.RetryPolicy(hello_interval=0.0005, hello_longest=0.0005))
    line.connect()
    line.session.request(RAISE, raise_values())
    line.settle()
    line.session.request(RAISE, raise_values())
    line.settle()
    assert board.raised[0] == 2
    assert len(line.of(core.Welcome)) == 1


def test_a_welcome_with_another_nonce_is_ignored() -> None:
    line = Line(ModelBoard(), seed=5)
    stranger = ModelBoard()
    stranger.receive(core.Session(nonce=6, now=0.0).data_to_send(0.0))
    assert line.session.receive(stranger.data_to_send(), 0.0) == []
    assert not line.session.open


def test_another_major_is_refused_naming_both_numbers() -> None:
    line = Line(ModelBoard(major=9))
    line.run(2.0)
    assert line.of(core.OtherMajor) == [core.OtherMajor(9, table.PROTOCOL_MINOR)]
    assert not line.session.open


def test_nothing_but_hello_is_sent_before_the_welcome() -> None:
    session = core.Session(nonce=1, now=0.0)
    with pytest.raises(LinkError):
        session.request(RAISE, raise_values())
    assert {frame.kind for frame in frames_in(session.data_to_send(0.0))} == {table.KINDS["hello"]}


def test_a_request_larger_than_the_boards_frame_is_refused_and_nothing_is_sent() -> None:
    line = Line(ModelBoard(max_frame=64))
    line.connect()
    with pytest.raises(LinkError, match="64"):
        line.session.request(messages.COMMANDS["files.write"], {"offset": 0, "data": bytes(64)})
    assert line.session.idle


FAULTS = {
    "drop": Faults(drop=0.003),
    "flip": Faults(flip=0.003),
    "repeat": Faults(repeat=0.003),
    "swap": Faults(swap=0.003),
    "split": Faults(split=0.9),
    "all": Faults(drop=0.001, flip=0.001, repeat=0.001, swap=0.001, split=0.5),
}


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("fault", FAULTS)
def test_requests_run_once_and_in_order_over_a_bad_line(fault: str, window: int) -> None:
    for seed in range(3):
        board = ModelBoard(window=window)
        line = Line(board, FAULTS[fault], seed=seed)
        line.connect()
        for count in range(1, 41):
            line.session.request(RAISE, raise_values(count))
        line.settle()
        assert [values["count"] for name, values in board.executed if name == "irq.raise"] == list(range(1, 41))
        answers = [event for event in line.events if isinstance(event, core.Answered)]
        assert [answer.request_id for answer in answers] == list(range(1, 41))
        assert all(answer.response.status == 0 for answer in answers)
        if fault in ("drop", "flip"):
            assert line.session.resent > 0


@pytest.mark.parametrize("fault", FAULTS)
def test_events_arrive_once_and_in_order_over_a_bad_line(fault: str) -> None:
    board = ModelBoard()
    line = Line(board, FAULTS[fault], seed=7)
    line.connect()
    counters = {"delivered": 0, "missed": 0, "board_time_us": 0, "source": 1}
    for raised in range(30):
        board.event("irq.irq", {**counters, "raised": raised})
    for _ in range(600):
        line.run(0.1)
        if len(line.of(core.Happened)) == 30:
            break
    events = [event for event in line.events if isinstance(event, core.Happened)]
    assert [event.values["raised"] for event in events] == list(range(30))


def test_sequence_numbers_wrap() -> None:
    board = ModelBoard(window=3)
    line = Line(board)
    line.connect()
    for _ in range(600):
        line.session.request(RAISE, raise_values())
        if not _ % 50:
            line.settle()
    line.settle()
    assert board.raised[0] == 600
    assert len(line.of(core.Answered)) == 600


def test_an_attached_host_acknowledges_at_least_once_a_second() -> None:
    line = Line(ModelBoard())
    line.connect()
    line.sent.clear()
    line.run(5.0)
    kept_alive = [frame for frame in frames_in(bytes(line.sent)) if frame.kind == table.KINDS["nack"]]
    assert 5 <= len(kept_alive) <= 20


def test_an_acknowledgement_travels_with_the_next_request_if_there_is_one() -> None:
    line = Line(ModelBoard())
    line.connect()
    line.sent.clear()
    for _ in range(20):
        line.session.request(RAISE, raise_values())
        while not line.session.idle:
            line.step()
    kinds = [frame.kind for frame in frames_in(bytes(line.sent))]
    assert kinds.count(table.KINDS["request"]) == 20
    assert table.KINDS["ack"] not in kinds


def test_other_requests_are_answered_while_a_deferred_one_runs() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    slow = line.session.request(INVOKE, {"instance": 1, **messages.call_values("loop", [])})
    line.run(0.1)
    quick = line.session.request(RAISE, raise_values())
    line.run(0.1)
    assert [event.request_id for event in line.events if isinstance(event, core.Answered)] == [quick]
    board.finish((0, {"cells": messages.pack_cells([7])}))
    line.settle()
    last = line.events[-1]
    assert isinstance(last, core.Answered)
    assert last.request_id == slow
    assert messages.unpack_cells(last.response.values["cells"]) == [7]


def test_a_second_deferred_request_is_answered_busy_and_the_first_goes_on() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    line.session.request(INVOKE, {"instance": 1, **messages.call_values("loop", [])})
    second = line.session.request(INVOKE, {"instance": 1, **messages.call_values("loop", [])})
    line.run(0.2)
    answers = {event.request_id: event.response for event in line.events if isinstance(event, core.Answered)}
    assert answers[second].status == status.code("BUSY")
    board.finish((0, {"cells": b""}))
    line.settle()


def test_a_deferred_answer_that_was_lost_is_sent_again_when_an_acknowledgement_shows_it() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    line.session.request(INVOKE, {"instance": 1, **messages.call_values("loop", [])})
    line.run(0.1)
    board.finish((0, {"cells": b""}))
    assert board.data_to_send()  # lost
    line.settle(timeout=2.0)
    assert [name for name, _ in board.executed] == ["app.invoke"]


def test_a_board_that_lives_is_heard_while_a_deferred_request_runs() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    line.session.request(INVOKE, {"instance": 1, **messages.call_values("loop", [])})
    line.run(5.0)
    assert line.now - line.session.heard_at < 1.0
    assert [name for name, _ in board.executed] == ["app.invoke"]


def test_text_passes_between_frames() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    for i in range(10):
        board.say(f"line {i}\r\n")
        line.session.request(RAISE, raise_values())
        line.settle()
    assert line.text == "".join(f"line {i}\r\n" for i in range(10))


def test_text_is_not_lost_with_the_delimiter_of_a_frame_before_it() -> None:
    session = core.Session(nonce=1, now=0.0)
    bad = frames.encode(bytes(12))[:-1]
    events = session.receive(bad + b"\x00", 0.0)
    events += session.receive(bad[1:] + b"\x00prompt> \x00", 0.0)
    assert core.Text(b"prompt> ") in events


def test_garbage_from_the_board_is_counted_and_does_no_harm() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    line.session.receive(bytes(range(256)) * 20, line.now)
    line.session.request(RAISE, raise_values())
    line.settle()
    assert line.session.garbage > 0
    assert board.raised[0] == 1


def test_a_frame_whose_crc_is_right_but_which_makes_no_sense_is_ignored() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    nonsense = [b"\x01", bytes(6), b"\xff" * 30, messages.Frame(table.KINDS["ack"], acknowledge=200).to_bytes()]
    for content in nonsense:
        assert line.session.receive(frames.encode(content), line.now) == []
    assert line.session.open
    request = line.session.request(RAISE, raise_values())
    line.settle()
    answers = [one for one in line.events if isinstance(one, core.Answered)]
    assert [(one.request_id, one.response.status) for one in answers] == [(request, 0)]
    assert board.raised[0] == 1
    assert board.sessions == 1


def test_bye_ends_the_session_and_the_next_hello_begins_another() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    line.session.say_bye()
    line.run(1.0)
    board.receive(b"help\r")
    assert bytes(board.text_in) == b"help\r"
    again = Line(board, seed=99)
    again.connect()
    again.session.request(RAISE, raise_values())
    again.settle()
    assert board.sessions == 2


def test_text_from_the_host_is_ignored_by_the_board_in_a_session() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    board.receive(b"reset\r")
    assert not board.text_in


def test_the_stop_sequence_works_inside_what_the_board_takes_for_a_frame() -> None:
    board = ModelBoard()
    line = Line(board)
    line.connect()
    line.session.request(INVOKE, {"instance": 1, **messages.call_values("loop", [])})
    line.run(0.1)
    board.receive(b"\x00half a frame" + table.STOP_SEQUENCE)
    line.settle()
    last = line.events[-1]
    assert isinstance(last, core.Answered)
    assert last.response.status == status.code("TRAP_STOPPED")
