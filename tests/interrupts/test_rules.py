"""Every numbered rule of docs/reference/interrupts.md that is built is cited by a test or a model."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "reference" / "interrupts.md"
_SUFFIXES = {".py", ".pml", ".c", ".wat", ".toml"}


def rules() -> dict[str, bool]:
    """Each rule, and whether it is built, in part or whole."""
    found = re.findall(r"^- \*\*(R\d+a?)(?: \([^)]*\))?\*\*( \(not built yet\))?", RULES.read_text(), re.MULTILINE)
    return {name: not absent for name, absent in found}


def cited() -> set[str]:
    """R12, R12-R14 and R12–R14 in text, and _r12_ in the names of tests."""
    names: set[str] = set()
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix not in _SUFFIXES or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        names |= {f"R{number}" for number in re.findall(r"(?:\bR|_r)(\d+a?)(?=\b|_)", text)}
        for first, last in re.findall(r"\bR(\d+)[-–]R(\d+)\b", text):
            names |= {f"R{number}" for number in range(int(first), int(last) + 1)}
    return names


def test_there_are_as_many_rules_as_the_page_counts() -> None:
    numbers = [int(name[1:]) for name in rules() if not name.endswith("a")]
    assert numbers == list(range(1, 82))


def test_every_rule_that_is_built_is_cited_by_a_test() -> None:
    uncited = [name for name, built in rules().items() if built and name not in cited()]
    assert uncited == []
