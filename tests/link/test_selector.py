"""Selectors: what they name, which board is meant when none is given, and names of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import Board, BoardAmbiguous, BoardError, BoardNotFound, FoundBoard, discovery, selector
from firmware_host.info import BoardInfo
from firmware_host.transport import serial_port as serial_port_module
from tests.link.model_board import ModelBoard
from tests.link.model_transport import connected
from tests.link.serving import serial_port


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("WIRQ_LOCKS", str(tmp_path / "locks"))
    monkeypatch.delenv("WIRQ_BOARD", raising=False)
    monkeypatch.chdir(tmp_path)
    attach(monkeypatch)


def attach(monkeypatch: pytest.MonkeyPatch, *found: FoundBoard) -> None:
    monkeypatch.setattr(discovery, "candidate_ports", lambda: list(found))
    monkeypatch.setattr(discovery, "find_boards", lambda timeout=1.0: list(found))


def board_info() -> BoardInfo:
    with connected(ModelBoard()) as board:
        return board.info


def test_what_is_asked_for_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRQ_BOARD", "qemu:microbit")
    assert selector.choose("tcp:h:1") == "tcp:h:1"
    assert selector.choose(None) == "qemu:microbit"


def test_the_projects_default_comes_after_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wirq.toml").write_text('default = "bench"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert selector.choose(None) == "bench"


def test_with_nothing_attached_it_is_host_and_that_is_said() -> None:
    notes: list[str] = []
    assert selector.choose(None, notes.append) == "host"
    assert notes == ["board: host (no board attached)"]


def test_the_only_attached_board_that_answers_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = FoundBoard("/dev/ttyACM0", "A", "ST-LINK", None, "no hello")
    attach(monkeypatch, silent, FoundBoard("/dev/ttyACM1", "B", "ST-LINK", board_info()))
    assert selector.choose(None) == "id:B"


def test_several_answering_boards_are_listed_and_none_is_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    info = board_info()
    attach(monkeypatch, *(FoundBoard(f"/dev/ttyACM{i}", name, "ST-LINK", info) for i, name in enumerate("AB")))
    with pytest.raises(BoardAmbiguous, match=r"two boards answer, so nothing was sent\n  id:A +model") as caught:
        selector.choose(None)
    assert caught.value.exit_code == 3
    assert caught.value.details["candidates"] == ["id:A", "id:B"]
    assert "-b id:A" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["usb:3", "tcp:", "tcp:here", "tcp:here:99999", "tcp:here:²", "qemu:", "qemu:nosuch", "nosuch"]
)
def test_a_selector_that_names_nothing_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(BoardNotFound) as caught:
        Board.connect(text)
    assert caught.value.hint


def test_a_board_of_the_users_own_is_opened_with_its_settings(tmp_path: Path) -> None:
    with serial_port(ModelBoard()) as port:
        (tmp_path / "wirq.toml").write_text(f'[board.bench]\nselector = "port:{port}"\nbaud = 57600\ndtr = false\n')
        with Board.connect("bench", timeout=5.0) as board:
            assert board.info.name == "model"


@pytest.mark.parametrize(("reset", "lines"), [(True, (False, True)), (False, (None, None))])
def test_no_reset_leaves_the_modem_lines_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reset: bool, lines: tuple[bool | None, bool | None]
) -> None:
    opened: list[tuple[str, int, bool | None, bool | None]] = []

    class Recorded(serial_port_module.SerialTransport):
        def __init__(self, port: str, *, baud: int = 0, dtr: bool | None = None, rts: bool | None = None) -> None:
            opened.append((port, baud, dtr, rts))
            raise BoardNotFound("not opened")

    monkeypatch.setattr(serial_port_module, "SerialTransport", Recorded)
    (tmp_path / "wirq.toml").write_text(
        '[board.bench]\nselector = "port:/dev/ttyX"\nbaud = 57600\ndtr = false\nrts = true\n'
    )
    with pytest.raises(BoardNotFound, match="not opened"):
        Board.connect("bench", reset=reset)
    assert opened == [("/dev/ttyX", 57600, *lines)]


def test_a_name_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wirq.toml").write_text('[board.a]\nselector = "b"\n[board.b]\nselector = "a"\n')
    with pytest.raises(BoardNotFound):
        Board.connect("a")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[board.a]\nbaud = 3\n", "no selector"),
        ('[board.a]\nselector = "host"\nbaud = true\n', "baud"),
        ('[board.a]\nselector = "host"\nspeed = 3\n', "speed"),
        ("default = 3\n", "default"),
        ("[board", "cannot be read"),
    ],
)
def test_a_wrong_configuration_names_the_file_and_the_key(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "wirq.toml").write_text(text)
    with pytest.raises(BoardNotFound, match=problem) as caught:
        Board.connect("a")
    assert "wirq.toml" in str(caught.value)


def test_a_source_is_found_by_name_or_number_and_an_unknown_name_is_answered_with_those_there_are() -> None:
    with connected(ModelBoard()) as board:
        assert [board.irq_number("timer"), board.irq_number("3"), board.irq_number(2)] == [1, 3, 2]
        with pytest.raises(BoardError, match="no interrupt source 'radio'") as caught:
            board.irq_number("radio")
        assert "3 soft0" in caught.value.hint
        assert caught.value.details["sources"] == ["uart", "timer", "button", "soft0"]
        with pytest.raises(BoardError, match="no interrupt source '²'"):  # a digit that is no number
            board.irq_number("²")


def test_boards_that_have_a_name_are_listed_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wirq.toml").write_text('[board.bench]\nselector = "port:/dev/ttyACM1"\n')
    monkeypatch.chdir(tmp_path)
    info = board_info()
    attach(monkeypatch, *(FoundBoard(f"/dev/ttyACM{i}", name, "ST-LINK", info) for i, name in enumerate("AB")))
    with pytest.raises(BoardAmbiguous) as caught:
        selector.choose(None)
    assert str(caught.value).splitlines() == [
        "two boards answer, so nothing was sent",
        "  id:A   model  /dev/ttyACM0",
        "  bench  model  /dev/ttyACM1",
    ]
    assert caught.value.details["candidates"] == ["id:A", "bench"]
