"""Every property of interrupt delivery has a test of its name, and breaks of the code that this test catches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.interrupts.mutants import MUTANTS, PROPERTIES, Mutant, Workshop, main
from tests.vm.building import ROOT


def named_after(mutant: Mutant) -> str:
    """The property that the test's name begins with; models are T1's and T10's, and injection everywhere is T3's."""
    name = mutant.test.split("::")[1]
    found = re.match(r"test_t(\d+)_", name)
    return f"T{found[1]}" if found else ""


def test_every_property_has_a_test_of_its_name_and_a_mutant() -> None:
    assert {mutant.breaks for mutant in MUTANTS} == set(PROPERTIES)
    named = {named_after(mutant) for mutant in MUTANTS}
    assert set(PROPERTIES) <= named


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.breaks} {mutant.what}")
def test_a_mutant_breaks_what_is_there_and_its_test_exists(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    path, _, name = mutant.test.partition("::")
    assert re.search(
        rf"^def {re.escape(name.split('[')[0])}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
    )


def test_the_list_names_the_test_of_each_and_words_that_choose_none_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [mutant.breaks for mutant in MUTANTS]
    assert all(line.endswith(f" {one.test.removeprefix('tests/')}") for one, line in zip(MUTANTS, lines, strict=True))
    with pytest.raises(SystemExit):
        main(["--list", "no such word"])
    assert "no mutant has any of these words" in capsys.readouterr().err


@pytest.mark.slow
def test_the_tests_notice_the_quick_mutants(tmp_path: Path) -> None:
    quick = [mutant for mutant in MUTANTS if mutant.quick]
    workshop = Workshop(tmp_path)
    assert len(quick) >= 3
    assert workshop.passes({mutant.test for mutant in quick})
    assert [mutant.what for mutant in quick if not workshop.kills(mutant)] == []
