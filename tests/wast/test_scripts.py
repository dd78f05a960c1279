"""wirq's own scripts, which cover every feature without the public suites, on the host board and on small ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from firmware_host import Board
from firmware_host.cli.wast import ARENA_SIZE
from firmware_host.wast import Runner, convert
from tests.wast.reference_board import ReferenceBoard

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.wast"), key=lambda path: path.name)

#: Scripts whose modules have memories of 64 KiB or more.
NEED_A_PAGE = {"binary", "bulk", "extended_const", "linking", "memory", "segments", "spectest"}
NEED_PAGES = {"linking", "memory", "segments"}

DO_NOT_FIT = {"qemu:stm32f4": NEED_PAGES, "qemu:microbit": NEED_A_PAGE, "qemu:hifive1": NEED_A_PAGE}


@pytest.fixture(scope="module")
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    arena = ARENA_SIZE if request.param == "host" else None
    with Board.connect(request.param, 10.0, arena_size=arena) as connected:
        yield connected


def _cases() -> list[ParameterSet]:
    return [
        pytest.param(selector, script, id=f"{selector}-{script.stem}")
        for selector in ("host", *DO_NOT_FIT)
        for script in SCRIPTS
        if script.stem not in DO_NOT_FIT.get(selector, set())
    ]


@pytest.mark.parametrize(("board", "script"), _cases(), indirect=["board"])
def test_all_commands_pass(board: Board, script: Path) -> None:
    report = Runner(board).run(convert(script.read_bytes()), script.stem)
    assert [result for result in report.results if result.message] == []
    assert report.passed == len(report.results) > 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_reference_agrees_with_what_the_script_expects(script: Path) -> None:
    report = Runner(ReferenceBoard()).run(convert(script.read_bytes()), script.stem)
    assert report.failures == []


def test_every_script_is_named_right_in_the_list_of_those_that_do_not_fit() -> None:
    assert {script.stem for script in SCRIPTS} > NEED_A_PAGE > NEED_PAGES
