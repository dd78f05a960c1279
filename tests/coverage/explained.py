"""Why lines of the VM are not reached by its tests: explained.toml, read and held against the sources."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.vm.building import ROOT

LIST = Path(__file__).with_name("explained.toml")


@dataclass(frozen=True)
class Explanation:
    """Lines of a file of vm/src, by their text without the white space around it: all that have it."""

    file: str
    lines: tuple[str, ...]
    why: str

    def numbers(self) -> set[int]:
        """Where they are. Raises ValueError if one is no longer there."""
        text = (ROOT / self.file).read_text(encoding="utf-8").splitlines()
        found = {number for number, line in enumerate(text, 1) if line.strip() in self.lines}
        gone = set(self.lines) - {line.strip() for line in text}
        if gone:
            raise ValueError(f"{self.file} no longer has the line {min(gone)!r}")
        return found


def explanations() -> tuple[Explanation, ...]:
    rows = tomllib.loads(LIST.read_text(encoding="utf-8")).get("unreached", [])
    return tuple(Explanation(row["file"], tuple(row["lines"]), row["why"]) for row in rows)


def explained(file: str) -> set[int]:
    """Numbers of the lines of a file that need not be reached."""
    return {number for one in explanations() if one.file == file for number in one.numbers()}
