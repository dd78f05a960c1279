"""The runner of the Robot suites: what runs where, and that a target that cannot run is never taken for passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host.boards import load_board
from robot_tests import runner


def test_there_is_a_target_for_every_board_and_every_way_to_play_it() -> None:
    names = {target.name for target in runner.targets()}
    emulated = ("stm32f4", "microbit", "hifive1", "mps2-an505", "mps3-an524", "virt")
    assert {"host", *(f"qemu-{board}" for board in emulated)} <= names
    for board in ("stm32f4", "microbit", "hifive1"):
        assert load_board(board).renode() is not None
        assert {f"renode-{board}", f"renode-test-{board}"} <= names


def test_a_target_whose_program_is_missing_is_skipped_loudly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [target] = runner.targets(["renode-stm32f4"])
    outcome = runner.run(target, tmp_path / "out")
    assert outcome.line().startswith("SKIPPED  renode-stm32f4: renode and renode-test not on PATH")
    assert outcome.passed == 0


def test_a_target_that_cannot_start_is_an_error_and_no_skip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [target] = runner.targets(["qemu-stm32f4"])
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = runner.run(target, tmp_path / "out", [runner.HERE / "suites" / "boot.robot"])
    assert not outcome.skipped
    assert not outcome.ok
    assert outcome.failed > 0
    assert any("qemu-system-arm" in line for line in runner.failures(tmp_path / "out"))


def test_every_test_says_what_it_needs_and_some_target_offers_it() -> None:
    from robot.api import TestSuite

    targets = runner.targets()
    for suite in TestSuite.from_file_system(runner.HERE / "suites").suites:
        for test in suite.tests:
            tags = set(test.tags)
            assert tags <= set(runner.NEEDS), f"{suite.name}: {test.name} has an unknown tag"
            assert any(tags <= target.offers for target in targets), f"{suite.name}: {test.name} can run nowhere"


def test_suites_name_no_target() -> None:
    words = ("qemu", "renode", "host", "stm32", "microbit", "hifive")
    for file in (runner.HERE / "suites").glob("*.robot"):
        text = file.read_text().lower()
        assert not [word for word in words if word in text], file.name


def test_an_unknown_target_is_refused_naming_those_there_are() -> None:
    with pytest.raises(ValueError, match="there is no target 'nosuch'; targets: host, qemu-"):
        runner.targets(["nosuch"])
