"""The project's own specification scripts under sanitizers, and all memory back after each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_host.wast import Runner
from firmware_host.wast.batch import run_scripts
from firmware_host.wast.cache import converted
from tests.vm.machine import Machine
from tests.vm.script_board import ScriptBoard
from tests.wast import suites
from tests.wast.conformance import differences, figures_of, kept, scripts_of

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


@pytest.mark.slow
@pytest.mark.parametrize("group", ["core-1.0", "core-3.0/exceptions/exceptions", "core-3.0/tail-call"])
def test_a_public_group_passes_with_code_that_is_found_outside_the_arena(
    new_machine: Callable[..., Machine], group: str
) -> None:
    @contextmanager
    def board() -> Iterator[ScriptBoard]:
        with new_machine(arena=64 << 20, stack=1 << 16) as machine:
            machine.code_mode(2)
            yield ScriptBoard(machine)

    reports = list(run_scripts(board, scripts_of(suites.need(), group)))
    assert [(report.unit, result) for report in reports for result in report.failures] == []
    assert differences(kept("host"), figures_of(reports)) == []
