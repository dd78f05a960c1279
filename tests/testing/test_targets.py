"""Targets: what runs where, and that a target that cannot run is never taken for passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_host import BoardNotFound, resources
from firmware_host.boards import known_boards, load_board
from firmware_host.info import BoardInfo
from firmware_host.testing import robot, targets
from firmware_host.testing.suites import Suites

SUITES = resources.path("robot_tests", "suites")


def names() -> set[str]:
    return {target.name for target in targets.known()}


def write(directory: Path, **values: Any) -> Path:
    target: dict[str, Any] = {
        "TARGET": "mine",
        "BOARD": "host",
        "ENGINE": "link",
        "SELECTOR": "host",
        "OFFERS": ["irq"],
    }
    file = directory / "mine.json"
    file.write_text(json.dumps({key: value for key, value in (target | values).items() if value is not None}))
    return file


def test_there_is_a_target_for_every_board_and_every_way_to_play_it() -> None:
    for name in known_boards():
        board = load_board(name)
        wanted = {"host"} if name == "host" else set()
        wanted |= {f"qemu-{name}"} if board.qemu() else set()
        wanted |= {f"renode-{name}", f"renode-test-{name}"} if board.renode() else set()
        wanted |= {f"hw-{name}"} if board.flashers else set()
        assert wanted
        assert wanted <= names()


def test_all_are_those_that_need_no_hardware() -> None:
    found = targets.find(["all"])
    assert {target.name for target in found} == {name for name in names() if not name.startswith("hw-")}
    assert not any(target.hardware for target in found)


def test_a_target_is_named_by_its_file_or_its_selector() -> None:
    assert (
        targets.find(["qemu:stm32f4"])
        == targets.find(["qemu-stm32f4"])
        == targets.find(["qemu-stm32f4", "qemu:stm32f4"])
    )


def test_an_unknown_target_is_refused_naming_those_there_are() -> None:
    with pytest.raises(BoardNotFound, match="there is no target 'nosuch'") as refused:
        targets.find(["nosuch"])
    assert "qemu-stm32f4" in refused.value.hint


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"OFFERS": ["tea"]}, "OFFERS has tea; known: irq,"),
        ({"TARGET": "yours"}, "TARGET is 'yours'"),
        ({"ENGINE": "steam"}, "ENGINE is 'steam'"),
        ({"BOARD": None}, "lacks BOARD"),
        ({"SELECTR": "host"}, "has SELECTR"),
    ],
)
def test_a_file_of_ones_own_is_checked(tmp_path: Path, values: dict[str, Any], told: str) -> None:
    with pytest.raises(BoardNotFound, match=told):
        targets.find([str(write(tmp_path, **values))])


def test_a_real_board_is_found_by_what_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from firmware_host import discovery

    def answers(*boards: str) -> list[discovery.FoundBoard]:
        return [
            discovery.FoundBoard(f"/dev/tty{i}", f"SERIAL{i}", "a", BoardInfo(name, *(None,) * 13))  # type: ignore[arg-type]
            for i, name in enumerate(boards)
        ]

    [target] = targets.find(["hw-microbit"])
    monkeypatch.setattr(discovery, "find_boards", lambda: answers("pico", "microbit"))
    assert targets.reached(target).selector == "id:SERIAL1"
    monkeypatch.setattr(discovery, "find_boards", lambda: answers("pico"))
    with pytest.raises(BoardNotFound, match="no attached board answers as 'microbit'"):
        targets.reached(target)
    monkeypatch.setattr(discovery, "find_boards", lambda: answers("microbit", "microbit"))
    with pytest.raises(BoardNotFound.__base__, match="2 boards answer as 'microbit': id:SERIAL0, id:SERIAL1"):  # type: ignore[arg-type]
        targets.reached(target)


def test_every_test_says_what_it_needs_and_some_target_offers_it() -> None:
    there = targets.known()
    for name, tags in robot.tests([SUITES]):
        assert tags <= set(targets.NEEDS), f"{name} has an unknown tag"
        assert any(tags <= target.offers for target in there), f"{name} can run nowhere"


def test_suites_name_no_target() -> None:
    words = ("qemu", "renode", "host", "stm32", "microbit", "hifive")
    for file in SUITES.glob("*.robot"):
        text = file.read_text().lower()
        assert not [word for word in words if word in text], file.name


def test_a_target_whose_program_is_missing_is_skipped_loudly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    suites = Suites.of([SUITES / "boot.robot"])
    monkeypatch.setenv("PATH", str(tmp_path))
    [outcome] = suites.run(targets.find(["renode-stm32f4"]), tmp_path / "out")
    assert outcome.line.startswith("SKIPPED  renode-stm32f4: renode and renode-test not on PATH")
    assert outcome.passed == 0


def test_a_target_that_cannot_start_is_a_failure_and_no_skip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    suites = Suites.of([SUITES / "boot.robot"])
    monkeypatch.setenv("PATH", str(tmp_path))
    [outcome] = suites.run(targets.find(["qemu-stm32f4"]), tmp_path / "out")
    assert not outcome.skipped
    assert not outcome.ok
    assert outcome.failed > 0
    assert any("qemu-system-arm" in line for line in outcome.failures)
