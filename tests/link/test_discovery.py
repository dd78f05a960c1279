"""Attached boards: which ports are asked who they are, what is said of those that do not answer, choosing by id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from serial.tools import list_ports

from firmware_host import Board, BoardNotFound, doctor, find_boards
from firmware_host.cli.main import run
from firmware_host.discovery import candidate_ports
from tests.link.model_board import ModelBoard
from tests.link.serving import serial_port


@dataclass(frozen=True)
class Port:
    """What pyserial tells of a port."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None


@pytest.fixture
def model() -> ModelBoard:
    return ModelBoard()


@pytest.fixture
def attached(model: ModelBoard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A micro:bit's port with the model behind it, a J-Link's that is gone, and ports that are no board's."""
    monkeypatch.setenv("WIRQ_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WIRQ_BOARD", raising=False)
    monkeypatch.chdir(tmp_path)
    with serial_port(model) as port:
        ports = [
            Port("/dev/ttyS0"),
            Port("/dev/rfcomm0", None, None, "bluetooth"),
            Port("/dev/ttyUSB9", 0x1234, 0x5678, "printer"),
            Port("/dev/nosuch", 0x1366, 0x1051, "JLINK"),
            Port(port, 0x0D28, 0x0204, "9900"),
        ]
        monkeypatch.setattr(list_ports, "comports", lambda: ports)
        yield port


def test_only_ports_of_known_adapters_are_asked(attached: str) -> None:
    assert sorted(one.port for one in candidate_ports()) == sorted(["/dev/nosuch", attached])


def test_each_candidate_is_told_with_its_answer_or_its_problem(attached: str) -> None:
    found = {one.port: one for one in find_boards(timeout=2.0)}
    info = found[attached].info
    assert info is not None
    assert info.name == "model"
    assert found[attached].selector == "id:9900"
    assert found["/dev/nosuch"].info is None
    assert "no port" in found["/dev/nosuch"].problem


@pytest.mark.usefixtures("attached")
def test_a_board_is_chosen_by_its_serial_number() -> None:
    with Board.connect("id:9900") as board:
        assert board.info.name == "model"
    with pytest.raises(BoardNotFound, match="no attached board"):
        Board.connect("id:1234")


@pytest.mark.usefixtures("attached")
def test_the_only_board_that_answers_is_meant_without_a_choice() -> None:
    with Board.connect() as board:
        assert board.selector == "id:9900"


def test_the_command_lists_them(attached: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "BOARD", "PORT", "SERIAL", "VM", "APP"]
    row = next(line for line in lines if attached in line)
    assert row.split() == ["-", "model", attached, "9900", "0.1.0", "-"]
    assert any("there is no port /dev/nosuch" in line for line in lines)


def of_port(port: str) -> doctor.Finding:
    return next(finding for finding in doctor.examine() if finding.what == port)


def test_doctor_tells_what_an_attached_board_runs(attached: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_port(attached).state == "ok"
    assert "unknown to this tool" in of_port(attached).detail
    monkeypatch.setattr(doctor, "known_boards", lambda: ["model"])
    assert of_port(attached) == doctor.Finding(attached, "ok", "model, firmware 0.1.0")
    assert of_port("/dev/nosuch").state == "warning"


@pytest.mark.parametrize(
    ("ours", "word", "fix"),
    [("0.1.1", "older", "wirq flash -b"), ("0.10.0", "older", "wirq flash -b"), ("0.0.9", "newer", "pip")],
)
def test_doctor_finds_firmware_of_another_version(
    attached: str, monkeypatch: pytest.MonkeyPatch, ours: str, word: str, fix: str
) -> None:
    monkeypatch.setattr(doctor, "known_boards", lambda: ["model"])
    monkeypatch.setattr(doctor, "package_version", lambda: ours)
    finding = of_port(attached)
    assert finding.state == "warning"
    assert f"firmware 0.1.0 is {word} than this tool ({ours})" in finding.detail
    assert fix in finding.fix


def test_doctor_finds_the_wrong_board_at_a_port(attached: str) -> None:
    Path("wirq.toml").write_text('[board.bench]\nselector = "id:9900"\nboard = "pico"\n')
    finding = of_port(attached)
    assert finding.state == "warning"
    assert finding.detail == "wrong board: model answers, but [board.bench] expects pico"


def test_doctor_finds_a_port_that_may_not_be_opened(attached: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != attached)
    finding = of_port(attached)
    assert finding.state == "warning"
    assert "may not be opened by you" in finding.detail
    assert "usermod -aG" in finding.fix


def test_doctor_looks_at_a_port_that_wirq_toml_names_whatever_its_adapter(
    attached: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_ports, "comports", list)
    Path("wirq.toml").write_text(
        f'[board.bench]\nselector = "port:{attached}"\nboard = "pico"\n[board.away]\nselector = "port:/dev/away"\n'
    )
    findings = {one.what: one for one in doctor.examine()}
    assert findings[attached].detail == "wrong board: model answers, but [board.bench] expects pico"
    assert "/dev/away" not in findings  # not plugged in


def test_doctor_looks_at_the_port_that_it_is_told(attached: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_ports, "comports", list)
    told = [one for one in doctor.examine(attached) if one.what == attached]
    assert [one.state for one in told] == ["ok"]
    assert [one.detail for one in doctor.examine("/dev/away") if one.what == "/dev/away"] == ["there is no such port"]


def test_the_command_doctor_takes_its_port_from_board(
    attached: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(list_ports, "comports", list)
    Path("wirq.toml").write_text('[board.desk]\nselector = "port:/dev/away"\n')
    for selector, what in ((f"port:{attached}", attached), ("desk", "/dev/away")):
        run(["-b", selector, "--json", "doctor"])
        assert what in [one["what"] for one in json.loads(capfd.readouterr().out)["findings"]]
    run(["-b", "host", "doctor"])
    assert "host needs no looking at" in capfd.readouterr().err
