"""The project's own specification scripts under sanitizers, and all memory back after each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_host.wast import Runner
from firmware_host.wast.cache import converted
from tests.vm.machine import Machine
from tests.vm.script_board import ScriptBoard

SCRIPTS = sorted((Path(__file__).parents[1] / "wast/scripts").glob("*.wast"), key=lambda path: path.name)


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_passes_and_leaves_nothing(new_machine: Callable[..., Machine], script: Path, piece: int) -> None:
    with new_machine(arena=8 << 20, stack=1 << 16) as machine:
        before = machine.used()
        report = Runner(ScriptBoard(machine, piece)).run(converted(script.read_bytes()), script.stem)
        assert [result for result in report.results if result.message] == []
        assert report.passed == len(report.results) > 0
        machine.reset()
        assert machine.used() == before


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_passes_with_code_that_is_found_outside_the_arena(
    new_machine: Callable[..., Machine], script: Path
) -> None:
    with new_machine(arena=8 << 20, stack=1 << 16) as machine:
        before = machine.used()
        machine.code_mode(2)
        report = Runner(ScriptBoard(machine)).run(converted(script.read_bytes()), script.stem)
        assert [result for result in report.results if result.message] == []
        assert report.passed == len(report.results) > 0
        machine.reset()
        assert machine.used() == before
