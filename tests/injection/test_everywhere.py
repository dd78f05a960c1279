"""T3: one interrupt at every safe point of whole programs and of the calls of specification scripts, and every pair for
short runs, leave memory, globals, tables, results and the places of traps as they are.

What takes longer, `make inject` does: programs as large as they are, operations of every kind, the scripts in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_host.wast.suite import Script, find_scripts
from tests.injection.programs import PROGRAMS, Program, exploration
from tests.injection.scripts import GROUPS, NEEDS, Effort, Tally, disturbed, group, is_built
from tests.wast import suites

OWN_SCRIPTS = Path(__file__).parents[1] / "wast" / "scripts"

#: Pairs of fewer points than this, in CI.
PAIRS_BELOW = 150
EFFORT = Effort(limit=100, pairs_below=30, most=10_000_000)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_an_interrupt_at_any_safe_point_of_a_program_changes_nothing(program: Program, tmp_path: Path) -> None:
    found = exploration(program, tmp_path, limit=5_000, pairs_below=PAIRS_BELOW)
    assert found.differences == ()
    assert (found.step, found.singles) == (1, found.points)
    assert found.undisturbed.ending == "returned"
    assert 50 <= found.points <= 4_000


def test_there_are_twenty_programs() -> None:
    assert len({program.name for program in PROGRAMS}) >= 20


def run_all(scripts: Sequence[Script], effort: Effort) -> Tally:
    """All of them, each of which must pass as it does without interrupts."""
    whole = Tally()
    for script in scripts:
        report, tally = disturbed(script, effort)
        assert [failure.message for failure in report.failures] == [], script.unit
        whole.add(tally)
    return whole


def test_an_interrupt_at_any_safe_point_of_our_own_scripts_changes_nothing() -> None:
    tally = run_all(find_scripts([OWN_SCRIPTS]), EFFORT)
    assert tally.differences == []
    assert tally.calls > 2_500 and tally.runs > 7_500 and tally.pairs > 3_500


@pytest.mark.parametrize("name", GROUPS)
def test_an_interrupt_at_any_safe_point_of_the_public_scripts_changes_nothing(name: str) -> None:
    scripts = group(suites.need(), name)
    if not is_built(name):
        pytest.skip(f"SKIPPED: the scripts of {name} were NOT interrupted, for this build has no {NEEDS[name]}")
    tally = run_all(scripts, EFFORT)
    assert tally.differences == []
    assert tally.runs > 100
