"""The public suites (WIRQ_SUITES): nothing fails, and what becomes of every command is what is kept in conformance/."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host.wast import convert, find_scripts
from firmware_host.wast.superseded import FLIPS, read
from tests.wast import suites
from tests.wast.conformance import (
    BOARDS,
    DOES_NOT_FIT,
    GROUPS,
    IN_PROCESS,
    Figures,
    board_of,
    differences,
    figures_of,
    kept,
    run,
    scripts_of,
)
from tests.wast.reference_board import ReferenceBoard

#: Features that wirq does not have.
ABSENT = {"needs gc", "needs simd", "needs memory64", "needs threads", "needs stack-switching", "needs exceptions"}


def _check(selector: str, *groups: str) -> None:
    folder = suites.need()
    reports = run(selector, [script for group in groups for script in scripts_of(folder, group)])
    assert [
        f"{report.unit}:{result.line}: {result.keyword}: {result.message}"
        for report in reports
        for result in report.failures
    ] == []
    assert differences(kept(selector), figures_of(reports)) == []


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_passes(group: str) -> None:
    _check(IN_PROCESS, group)


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["1", "-1"])
def test_everything_passes_however_modules_are_fed(piece: str) -> None:
    _check(f"{IN_PROCESS}:{piece}", *GROUPS)


def test_the_first_version_passes_on_the_host_board() -> None:
    _check("host", "core-1.0")


@pytest.mark.slow
def test_the_first_version_passes_on_an_emulated_cortex_m4() -> None:
    _check("qemu:stm32f4", "core-1.0")


# ---- what is kept


def test_all_boards_are_kept_and_say_the_same_of_the_same_commands() -> None:
    host = kept("host")
    assert list(host.groups) == list(GROUPS)
    assert host.too_large == {}
    for selector in BOARDS:
        figures = kept(selector)
        assert list(figures.groups) == list(GROUPS), selector
        for group, counts in figures.groups.items():
            commands, there = sum(counts.values()), sum(host.groups[group].values())
            assert commands == there, f"{selector}: {group} has {commands} commands, {there} on host"


@pytest.mark.parametrize("selector", ["host", "qemu:mps3-an524", "qemu:virt"])
def test_large_boards_pass_all_but_text_and_absent_features(selector: str) -> None:
    for group, counts in kept(selector).groups.items():
        assert set(counts) <= {"passed", "text only", *ABSENT}, f"{selector}: {group}"
        assert counts == kept("host").groups[group], f"{selector}: {group}"


@pytest.mark.parametrize("selector", ["qemu:stm32f4", "qemu:microbit"])
def test_small_boards_name_every_file_that_they_have_no_room_for(selector: str) -> None:
    figures = kept(selector)
    counted = sum(counts.get(DOES_NOT_FIT, 0) for counts in figures.groups.values())
    assert counted == sum(count for _, count, _ in figures.too_large.values()) > 0
    assert all(reason for _, _, reason in figures.too_large.values())


def test_what_is_kept_is_read_as_it_was_written(tmp_path: Path) -> None:
    figures = Figures({"a": {"passed": 1, DOES_NOT_FIT: 2}, "b": {}}, {"a/x": (1, 2, 'no "room"')})
    figures.write(tmp_path / "new" / "board.json")
    assert Figures.read(tmp_path / "new" / "board.json") == figures
    assert board_of("qemu:virt") == "virt"
    assert board_of(IN_PROCESS) == board_of(f"{IN_PROCESS}:1") == board_of("host") == "host"


def test_what_changed_is_told() -> None:
    before = Figures({"a": {"passed": 3}, "b": {"passed": 1}}, {"a/x": (1, 2, "why"), "b/y": (0, 1, "why")})
    assert differences(before, before) == []
    assert differences(before, Figures({"a": {"passed": 3}}, {"a/x": (1, 2, "why")})) == []
    assert differences(before, Figures({"a": {"passed": 2}}, {"a/x": (1, 2, "why")})) == [
        "a: kept {'passed': 3}, found {'passed': 2}"
    ]
    assert len(differences(before, Figures({"a": {"passed": 3}}, {"a/z": (1, 2, "why")}))) == 2


def test_version_1_is_whole_but_for_what_has_no_binary_form() -> None:
    assert kept("host").groups["core-1.0"] == {"passed": 14_312 - 254, "text only": 254}


# ---- the runner, and the suites


@pytest.mark.parametrize("group", ["core-1.0", "core-3.0/function-references", "custom-page-sizes"])
def test_the_runner_finds_nothing_wrong_with_the_reference(group: str) -> None:
    from firmware_host.wast.batch import run_scripts

    scripts = scripts_of(suites.need(), group)
    reports = list(run_scripts(ReferenceBoard, scripts))
    assert [f"{report.unit}: {result}" for report in reports for result in report.failures] == []


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
