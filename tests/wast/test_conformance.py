"""The public suites (WIRQ_SUITES): nothing fails, and exactly as many commands pass as are pinned in expected.json."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.cli.wast import ARENA_SIZE
from firmware_host.wast import ScriptReport, convert, find_scripts
from firmware_host.wast.batch import run_scripts
from firmware_host.wast.superseded import FLIPS, read
from tests.wast import suites
from tests.wast.reference_board import ReferenceBoard

EXPECTED: dict[str, dict[str, int]] = json.loads((Path(__file__).parent / "expected.json").read_text(encoding="utf-8"))

#: What of core-1.0 runs on a board with 128 KiB of RAM.
SMALL = (
    "i32", "i64", "f32", "f32_bitwise", "f64", "f64_cmp", "conversions", "labels", "forward", "int_literals"
)  # fmt: skip


def _run(selector: str, files: Sequence[Path]) -> list[ScriptReport]:
    arena = ARENA_SIZE if selector == "host" else None
    return list(run_scripts(lambda: Board.connect(selector, 10.0, arena_size=arena), find_scripts(files)))


def _problems(reports: Sequence[ScriptReport]) -> list[str]:
    return [
        f"{report.unit}:{result.line}: {result.keyword}: {result.message}"
        for report in reports
        for result in report.failures
    ]


def _by_group(reports: Sequence[ScriptReport]) -> dict[str, dict[str, int]]:
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for report in reports:
        groups[report.group] += Counter({"passed": report.passed}) + report.skipped
    return {group: dict(counts) for group, counts in groups.items()}


def _check(selector: str, group: str) -> None:
    reports = _run(selector, sorted(suites.need(group).glob("*.wast")))
    assert _problems(reports) == []
    assert all(report.whole for report in reports)
    assert _by_group(reports) == {group: EXPECTED[group]}


@pytest.mark.parametrize("group", EXPECTED)
def test_a_group_passes_on_host(group: str) -> None:
    _check("host", group)


@pytest.mark.slow
def test_all_of_version_1_passes_on_an_emulated_cortex_m33() -> None:
    _check("qemu:mps3-an524", "core-1.0")


@pytest.mark.slow
def test_what_fits_of_version_1_passes_on_an_emulated_cortex_m4() -> None:
    reports = _run("qemu:stm32f4", [suites.need("core-1.0", f"{name}.wast") for name in SMALL])
    assert _problems(reports) == []
    assert all(report.whole for report in reports)
    assert sum(report.passed for report in reports) == 9127


def test_version_1_is_whole_but_for_what_has_no_binary_form() -> None:
    group = EXPECTED["core-1.0"]
    assert group == {"passed": 14_312 - 254, "text only": 254}


def test_the_runner_finds_nothing_wrong_with_the_reference() -> None:
    scripts = find_scripts([suites.need("core-1.0")])
    reports = list(run_scripts(ReferenceBoard, scripts))
    assert _problems(reports) == []
    assert _by_group(reports) == {"core-1.0": EXPECTED["core-1.0"]}


def test_what_flips_is_listed_as_superseded() -> None:
    listed = read(suites.need("superseded.json"))
    flips = {(unit, line) for unit, features in FLIPS.items() for lines in features.values() for line in lines}
    assert {flip for flip in flips if not listed.lists(*flip)} == set()


def test_every_command_of_the_public_scripts_can_be_converted() -> None:
    scripts = find_scripts([suites.need("core-2.0"), suites.need("custom-page-sizes")])
    unconvertible = [
        f"{script.unit}:{command.line}"
        for script in scripts
        for command in convert(script.file.read_bytes())
        if type(command).__name__ == "Unconvertible"
    ]
    assert unconvertible == []
