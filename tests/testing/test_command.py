"""`wirq test`: Robot and pytest over targets, chosen by name, in one JUnit report that tells failures and skips."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from firmware_host import resources
from firmware_host.boards import load_board
from firmware_host.testing.checklist import checklist
from firmware_host.testing.expression import matches
from tests.boards.machines import host_with_line
from tests.cli.conftest import Wirq, nothing_of_the_users, wirq

__all__ = ["nothing_of_the_users", "wirq"]

ROBOT = """
*** Settings ***
Resource          ${KEYWORDS}
Suite Setup       Start Board
Suite Teardown    Stop Board

*** Test Cases ***
It Echoes
    Load Program    echo
    Start App
    Wait For Line On Uart    ${TEXT}
    Result Should Be    0

On A Real Board Only
    [Tags]    hw-only
    Prompt Should Come

*** Variables ***
${TEXT}    hello
"""

ECHO = """
#include "wirq_guest.h"
int main(void) {
    wirq_print("hello\\n");
    return 0;
}
"""

PYTHON = """
import pytest

def test_it_has_a_name(board):
    assert board.info.name == "host"

@pytest.mark.skip(reason="a lamp")
def test_lamp(board):
    pass
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A directory with both kinds of tests, and the program of one."""
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "echo.robot").write_text(ROBOT)
    (directory / "echo.c").write_text(ECHO)
    (directory / "test_name.py").write_text(PYTHON)
    return directory


def suites(report: Path) -> dict[str, dict[str, str]]:
    return {suite.get("name", ""): dict(suite.attrib) for suite in ElementTree.parse(report).iter("testsuite")}


def test_both_kinds_run_and_are_in_one_report(wirq: Wirq, mine: Path, tmp_path: Path) -> None:
    report = tmp_path / "reports" / "all.xml"
    ran = wirq("test", mine, "--on", "host", "--junit", report, "--output", tmp_path / "out")
    assert ran.code == 0, ran.out + ran.err
    assert "passed   host (robot): 1 passed, 0 failed\n           left out, 1: needs hw-only\n" in ran.out
    assert "passed   host (pytest): 1 passed, 0 failed\n           left out, 1: needs a lamp\n" in ran.out
    assert "\n2 passed, 0 failed\n" in ran.out
    found = suites(report)
    assert (found["host (robot)"]["tests"], found["host (pytest)"]["tests"]) == ("1", "2")
    assert found["host (pytest)"]["skipped"] == "1"
    assert (tmp_path / "out" / "log.html").is_file()


def test_a_failure_is_told_in_the_report_and_by_the_exit_code(wirq: Wirq, mine: Path, tmp_path: Path) -> None:
    (mine / "echo.robot").write_text(ROBOT.replace("Result Should Be    0", "Result Should Be    1"))
    (mine / "test_name.py").write_text(PYTHON.replace('"host"', '"guest"'))
    report = tmp_path / "all.xml"
    ran = wirq("test", mine, "--on", "host", "--json", "--junit", report, "--output", tmp_path / "out")
    assert ran.code == 1
    assert ran.last["type"] == "result"
    assert not ran.last["ok"]
    robot, python = ran.last["outcomes"]
    assert (robot["failed"], python["failed"]) == (1, 1)
    assert robot["failures"] == ["It Echoes: 0 != 1"]
    assert python["failures"][0].startswith("test_it_has_a_name[host]: AssertionError")
    assert {suite["failures"] for suite in suites(report).values()} == {"1"}


def test_k_selects_by_name_in_both(wirq: Wirq, mine: Path, tmp_path: Path) -> None:
    ran = wirq("test", mine, "--on", "host", "-k", "echoes", "--output", tmp_path / "out")
    assert ran.code == 0
    assert "host (robot): 1 passed" in ran.out
    assert "(pytest)" not in ran.out
    ran = wirq("test", mine, "--on", "host", "-k", "a_name", "--output", tmp_path / "out")
    assert "host (pytest): 1 passed" in ran.out
    assert "(robot)" not in ran.out
    ran = wirq("test", mine, "--on", "host", "-k", "nothing", "--output", tmp_path / "out")
    assert ran.code == 2
    assert "-k 'nothing' selects no test" in ran.err


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("storm", True),
        ("STORM and raise", True),
        ("storm and not raise", False),
        ("not (stop or boot)", True),
        ("stop or loses_a", True),
    ],
)
def test_an_expression_is_as_pytests(expression: str, found: bool) -> None:
    assert matches(expression, "Suites.Storm.A Storm Neither Loses A Raise Nor Changes A Result") is found


@pytest.mark.parametrize("expression", ["and", "(storm", "storm)", "not", "storm or"])
def test_what_is_no_expression_is_refused(wirq: Wirq, expression: str) -> None:
    with pytest.raises(click.UsageError):
        matches(expression, "storm")
    assert wirq("test", "--on", "host", "-k", expression).code == 2


def test_a_directory_without_tests_is_refused(wirq: Wirq, tmp_path: Path) -> None:
    ran = wirq("test", tmp_path, "--on", "host")
    assert ran.code == 6
    assert "there is no test in" in ran.err


def test_nothing_tested_is_no_success(wirq: Wirq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    report = tmp_path / "all.xml"
    ran = wirq("test", "--on", "renode-microbit", "--junit", report, "--output", tmp_path / "out")
    assert ran.code == 8
    assert "nothing was tested: renode-microbit" in ran.err
    assert suites(report)["renode-microbit (robot and pytest)"]["skipped"] == "1"


def test_after_a_real_board_comes_what_only_people_can_see(wirq: Wirq, mine: Path, tmp_path: Path) -> None:
    """A target that says it is hardware: here the board behind it is the process."""
    target = tmp_path / "desk.json"
    offers = ["irq", "needs-link", "hw-only"]
    values = {"TARGET": "desk", "BOARD": "host", "ENGINE": "link", "SELECTOR": "host", "OFFERS": offers}
    target.write_text(json.dumps(values))
    ran = wirq("test", mine / "echo.robot", "--on", target, "--output", tmp_path / "out")
    assert ran.code == 0
    assert "desk (robot): 2 passed" in ran.out
    assert "What only hands and eyes can tell of" in ran.out


def test_both_kinds_run_on_a_board_at_a_port(wirq: Wirq, mine: Path, tmp_path: Path) -> None:
    """The board is the process at a pseudo terminal, which is opened as any serial port is."""
    report = tmp_path / "all.xml"
    with host_with_line("--pty") as port:
        ran = wirq("test", mine, "--on", f"port:{port}", "--junit", report, "--output", tmp_path / "out")
    assert ran.code == 0, ran.out + ran.err
    assert f"passed   port:{port} (robot): 1 passed" in ran.out
    assert f"passed   port:{port} (pytest): 1 passed" in ran.out
    assert suites(report)[f"port:{port} (robot)"]["tests"] == "1"


def test_plain_robot_runs_a_suite_as_the_readme_says(tmp_path: Path) -> None:
    readme = resources.path("robot_tests", "README.md").read_text()
    shown = re.search(r"^    (robot --variable (?:[^\\\n]|\\\n)*)", readme, re.MULTILINE)
    assert shown is not None
    line = shown[1].replace("\\\n", " ").replace("$PWD", str(resources.root())).replace("qemu:stm32f4", "host")
    program, *arguments = shlex.split(line.replace("BOARD:stm32f4", "BOARD:host"))
    assert program == "robot"
    where = ["--outputdir", str(tmp_path), "--suite", "Boot"]
    command = [sys.executable, "-m", "robot", *where, *arguments]
    done = subprocess.run(command, cwd=resources.root(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* tests, [1-9]\d* passed, 0 failed", done.stdout)


def test_a_checklist_names_what_the_board_has(wirq: Wirq) -> None:
    text = "\n".join(checklist(load_board("stm32f4")))
    for fact in ("openocd", "PD12", "vector 6", "wirq df"):
        assert fact in text
    assert "wirq df" not in "\n".join(checklist(load_board("pico")))  # its files are in RAM
    ran = wirq("test", "--on", "hw-stm32f4", "--checklist")
    assert ran.code == 0
    assert ran.out.count("[ ]") == len(checklist(load_board("stm32f4")))
    assert wirq("test", "--on", "host", "--checklist").code == 2
