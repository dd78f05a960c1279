"""The reference says what tables and code say: generated parts are current, every rule that code cites is explained."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from docs import generate
from tests.docs.pages import ROOT, Page, pages

RULES = Page(ROOT / "docs" / "reference" / "interrupts.md")
_RULE = re.compile(r"^- \*\*(R\d+a?)\b[^*]*\*\*(?: \((not built yet|partly built)\))?", re.MULTILINE)
_CITED = re.compile(r"\bR(\d{1,2}a?)\b")

#: Where the rules' numbers are cited. Other places number other things so.
_CITING = ("vm", "boards", "guests", "tests/vm", "tests/models", "tests/interrupts")


GENERATED = [page for page in pages() if generate.part_names(page.text)]


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.name)
def test_generated_parts_are_current(page: Page) -> None:
    assert generate.renewed(page.text) == page.text, f"{page.name} is out of date; run: python docs/generate.py"


def test_every_part_is_on_one_page() -> None:
    names = [name for page in pages() for name in generate.part_names(page.text)]
    assert sorted(names) == sorted(generate.PARTS)


def test_the_instruction_tables_print_themselves() -> None:
    done = subprocess.run(
        [sys.executable, "vm/ops/document.py"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    page = (ROOT / "docs" / "reference" / "operations.md").read_text(encoding="utf-8")
    tables = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(tables) > 300
    assert [line for line in tables if line not in page] == []


def rules() -> dict[str, str]:
    """Every rule of the page, and what it says of itself: nothing, `partly built` or `not built yet`."""
    return {found[1]: found[2] or "" for found in _RULE.finditer(RULES.text)}


def citations() -> Iterator[tuple[str, str]]:
    for place in _CITING:
        for file in sorted((ROOT / place).rglob("*")):
            if file.suffix in (".c", ".h", ".py", ".pml", ".md", ".wat") and file.is_file():
                for number in _CITED.findall(file.read_text(encoding="utf-8")):
                    yield file.relative_to(ROOT).as_posix(), f"R{number}"


def test_rules_are_numbered_without_a_gap() -> None:
    numbers = [int(name[1:].rstrip("a")) for name in rules() if not name.endswith("a")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == len(set(numbers)) == 81
    assert {"R56a", "R61a"} <= set(rules())


def test_every_rule_that_is_cited_is_explained() -> None:
    known = rules()
    assert len(set(citations())) > 50
    assert [(file, rule) for file, rule in citations() if rule not in known] == []


def test_no_rule_that_the_vm_cites_is_called_not_built() -> None:
    known = rules()
    wrong = {(file, rule) for file, rule in citations() if file.startswith("vm/src") and known[rule] == "not built yet"}
    assert wrong == set()


def test_the_sections_that_code_cites_exist() -> None:
    numbers = set(re.findall(r"^## (\d+)\. ", RULES.text, re.MULTILINE))
    cited = set()
    for place in ("vm", "boards"):
        for file in (ROOT / place).rglob("*.[ch]"):
            for found in re.finditer(r"interrupts\.md sections? ([\d, and]+)", file.read_text(encoding="utf-8")):
                cited |= set(re.findall(r"\d+", found[1]))
    assert cited
    assert cited <= numbers
