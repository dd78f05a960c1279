"""Commands whose expected outcome newer versions of WebAssembly have changed.

The list itself lies beside the scripts, in superseded.json: unit, and lines of its commands. For a listed command
either answer is right until the feature that supersedes it is built; from then on only the newer one is. Which feature
that is, is pinned here as features are built.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware_host.errors import WirqError

FILE_NAME = "superseded.json"

#: Stands for what every build does: segments are written one after the other, and one that is out of bounds traps.
ALWAYS = ""

#: Unit to feature, and the lines that it flips. Lines not named here still go either way.
FLIPS: Mapping[str, Mapping[str, Collection[int]]] = {
    "core-1.0/binary": {"multi-memory": (162, 182, 201, 220, 259, 278, 296, 314)},
    "core-1.0/data": {ALWAYS: (161, 169, 177, 185, 193, 210, 219, 226, 234, 242, 250, 257, 265, 272)},
    "core-1.0/elem": {ALWAYS: (142, 151, 160, 169, 177, 185, 194, 202, 211, 219, 228, 236)},
    "core-1.0/func": {"multi-value": (492, 496)},
    "core-1.0/imports": {"multi-memory": (404, 408, 412), "multi-table": (309, 313, 317)},
    "core-1.0/linking": {ALWAYS: (206, 227, 236, 238, 248, 298, 334, 342, 344, 354)},
    "core-1.0/memory": {"multi-memory": (8, 9)},
    "core-1.0/type": {"multi-value": (52, 56)},
    "core-2.0/binary": {"multi-memory": (145, 165, 184, 203, 242, 261, 279, 297)},
    "core-2.0/imports": {"multi-memory": (487, 491, 495)},
    "core-2.0/memory": {"multi-memory": (10, 11)},
    "core-2.0/data": {"extended-const": (88, 92)},
    "core-2.0/elem": {"extended-const": (170, 174)},
    "core-2.0/global": {"extended-const": (351, 355)},
    "core-3.0/extended-const/elem": {"extended-const": (170, 174)},
    "core-3.0/extended-const/global": {"extended-const": (363, 367)},
    "threads/testsuite/imports": {"multi-table": (309, 313, 317)},
}


@dataclass(frozen=True)
class Superseded:
    """The listed lines of each unit."""

    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def lists(self, unit: str, line: int) -> bool:
        return line in self.lines.get(unit, ())

    def flipped_by(self, unit: str, line: int, features: Collection[str]) -> str | None:
        """What makes the newer answer the only right one on this board; None if both are."""
        for feature, lines in FLIPS.get(unit, {}).items():
            if line in lines and (feature == ALWAYS or feature in features):
                return feature or "how wirq writes segments"
        return None


def read(file: Path) -> Superseded:
    """Reads a superseded.json."""
    try:
        units: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        lines = {unit: frozenset(int(one["line"]) for one in row["commands"]) for unit, row in units.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise WirqError(f"{file} is not a list of superseded commands: {error}; no script was run") from None
    return Superseded(lines)
