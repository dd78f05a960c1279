"""The suites for renode-test use Renode's keywords as they are, and what they say of the console is true of ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_host import resources
from firmware_host.boards import load_board
from firmware_host.build import firmware
from firmware_host.testing import robot, targets

HERE = Path(__file__).parent
SUITES = resources.path("robot_tests", "suites")
KEYWORDS = resources.path("robot_tests", "keywords", "renode.resource")

#: Time stands still between keywords, so that RunFor can be used, and the console still answers.
TIME = """
*** Settings ***
Resource          ${KEYWORDS}
Suite Setup       Start Board
Suite Teardown    Stop Board

*** Test Cases ***
Time Passes When It Is Let
    Prompt Should Come
    Write Line To Uart    irq raise soft0 1 20ms
    Wait For Prompt On Uart    wirq>
    Let Time Pass    0.2
    Write Line To Uart    irq list
    Wait For Line On Uart    3 +soft0 .* yes +1 +0 +0 +    treatAsRegex=true
    Let Time Pass    0.01
"""


def run(suite: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """As renode-test does, but with a stand-in for Renode's keywords."""
    renode = load_board("stm32f4").renode()
    assert renode is not None
    library = output / "library.resource"
    library.write_text(f"*** Settings ***\nLibrary    {HERE / 'renode_keywords.py'}\nResource    {KEYWORDS}\n")
    variables = {
        "KEYWORDS": library,
        "ELF": firmware("host"),
        "STORM_ELF": robot.with_program("host", "timed_storm"),
        "SCRIPT": renode.script,
        "UART": renode.uart,
    }
    variables |= {"BOARD": "host", "TIMEOUT_FACTOR": 1}
    [target] = targets.find(["renode-test-stm32f4"])
    command = [sys.executable, "-m", "robot", "--outputdir", str(output), "--log", "NONE", "--report", "NONE", *options]
    command += [part for name, value in variables.items() for part in ("--variable", f"{name}:{value}")]
    command += [part for tag in target.excluded for part in ("--exclude", tag)]
    return subprocess.run([*command, str(suite)], capture_output=True, text=True, check=False)


def test_what_a_plain_terminal_sees_is_what_the_suite_says(tmp_path: Path) -> None:
    done = run(SUITES / "boot.robot", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "8 tests, 8 passed, 0 failed" in done.stdout


def test_a_storm_by_the_boards_own_timer_is_counted_whole(tmp_path: Path) -> None:
    """How long its raises wait is for virtual time to show: here, a busy computer lengthens it."""
    done = run(SUITES / "latency.robot", tmp_path, "--test", "*A Storm*")
    assert done.returncode == 0, done.stdout
    assert "1 test, 1 passed, 0 failed" in done.stdout


def test_the_limit_of_a_waiting_raise_is_told_from_a_longer_one(tmp_path: Path) -> None:
    suite = (SUITES / "latency.robot").read_text()
    [pattern] = re.findall(r"    (\S.*)    treatAsRegex=true\n\Z", suite.replace("\\\\", "\\"))
    row = "3       soft0     -       3        0      yes      no       10175       2820        0       0       "
    within = [us for us in (0, 9, 499, 500, 1000, 12408) if re.search(pattern.split("    ")[-1], f"{row}{us}\r")]
    assert within == [0, 9, 499]


def test_time_is_virtual_and_stands_still_between_keywords(tmp_path: Path) -> None:
    suite = tmp_path / "time.robot"
    suite.write_text(TIME)
    done = run(suite, tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("suite", sorted(SUITES.glob("*.robot")), ids=lambda path: path.stem)
def test_every_keyword_and_argument_is_one_that_renode_has(suite: Path, tmp_path: Path) -> None:
    [target] = targets.find(["renode-test-stm32f4"])
    if not any(not tags & frozenset(target.excluded) for _, tags in robot.tests([suite])):
        return  # its tests need the link
    done = run(suite, tmp_path, "--dryrun")
    assert done.returncode == 0, done.stdout
