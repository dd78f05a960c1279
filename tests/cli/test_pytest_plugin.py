"""Users test their own guests with the fixture `board`: on every board that --on names, each test with a clean one."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

COUNTER = """
#include "wirq_guest.h"
static volatile uint32_t presses;
WIRQ_HANDLER(button) {
    presses += (uint32_t)count;
    wirq_print("pressed ");
    wirq_print_number(presses);
    wirq_print(" times\\n");
}
WIRQ_EXPORT("double") int64_t twice(int64_t x) {
    return 2 * x;
}
int main(void) {
    for (;;)
        wirq_wait(-1);
}
"""

TESTS = """
from pathlib import Path
import pytest

COUNTER = Path(__file__).parent / "counter.c"

def test_presses_are_counted(board):
    with board.run(COUNTER):
        board.irq("button").raise_()
        assert board.console.expect(r"pressed (\\d+) times", timeout=5.0)[1] == "1"

def test_each_test_has_a_clean_board(board):
    assert "pressed" not in board.console.recent
    assert board.call(COUNTER, "double", -2**40) == -2**41
    board.run(COUNTER)

def test_what_ran_is_over(board):
    assert board.call(COUNTER, "double", 1) == 2

@pytest.mark.not_on("host")
def test_elsewhere_only(board):
    assert board.info.name != "host"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("WIRQ_BOARD", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (pytester.path / "counter.c").write_text(COUNTER)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "firmware_host.pytest_plugin", *arguments)


def test_the_same_tests_run_on_every_board_that_is_named(project: pytest.Pytester) -> None:
    project.makepyfile(TESTS)
    result = run(project, "--on", "host", "--on", "qemu:stm32f4", "-v")
    result.assert_outcomes(passed=7, skipped=1)
    result.stdout.fnmatch_lines(["*test_what_ran_is_over?qemu:stm32f4? PASSED*"])


def test_without_a_board_it_is_host(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(board):\n    assert board.info.name == 'host'\n")
    run(project).assert_outcomes(passed=1)


def test_a_failure_shows_what_the_board_printed(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from pathlib import Path
        def test_it(board):
            with board.run(Path(__file__).parent / "counter.c"):
                board.irq("button").raise_()
                board.console.expect("pressed 1 times")
                assert False
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*console of host*", "pressed 1 times"])


def test_a_board_that_cannot_be_had_is_an_error_of_the_test(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(board):\n    pass\n")
    result = run(project, "--on", "qemu:nothing")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no board 'nothing'*"])
