"""What became of the commands of a script, and the counts that are pinned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from firmware_host.errors import LinkError


class Outcome(Enum):
    """How one command ended.

    There are two reasons to skip a command and no others: its module exists as text only, or the board refused the
    module by naming a feature that its build does not have (and then the commands that need the module).
    """

    PASSED = "passed"
    SUPERSEDED = "superseded"  # answered as a newer version of WebAssembly demands; listed in superseded.json
    FAILED = "failed"
    TEXT_ONLY = "text only"
    ABSENT = "absent feature"
    NO_SPACE = "does not fit"  # the board is too small for the module; neither passed nor a fault of the board


@dataclass(frozen=True)
class CommandResult:
    """One command: its line, its keyword, how it ended, and why if not well."""

    line: int
    keyword: str
    outcome: Outcome
    message: str = ""


@dataclass
class ScriptReport:
    """All commands of one script. `unit` names it, such as "core-1.0/i32"."""

    unit: str
    results: list[CommandResult] = field(default_factory=list)
    lost: LinkError | None = None  # the connection ended while the script ran

    def add(self, result: CommandResult) -> None:
        self.results.append(result)

    def count(self, outcome: Outcome) -> int:
        return sum(1 for result in self.results if result.outcome is outcome)

    @property
    def passed(self) -> int:
        """Commands that went well, superseded ones included."""
        return self.count(Outcome.PASSED) + self.count(Outcome.SUPERSEDED)

    @property
    def failures(self) -> list[CommandResult]:
        return [result for result in self.results if result.outcome is Outcome.FAILED]

    @property
    def too_large(self) -> list[CommandResult]:
        """Commands that the board has no room for."""
        return [result for result in self.results if result.outcome is Outcome.NO_SPACE]

    @property
    def whole(self) -> bool:
        """Whether everything that was not rightly skipped has passed."""
        return not self.count(Outcome.FAILED) and not self.count(Outcome.NO_SPACE)

    @property
    def skipped(self) -> Counter[str]:
        """Skipped commands by reason, such as "text only" or "needs simd"."""
        skipped: Counter[str] = Counter()
        for result in self.results:
            if result.outcome is Outcome.TEXT_ONLY:
                skipped["text only"] += 1
            elif result.outcome is Outcome.ABSENT:
                skipped[result.message] += 1
        return skipped

    @property
    def group(self) -> str:
        """The folder of the unit; "" for a script that lies in none."""
        return self.unit.rpartition("/")[0]


def by_group(reports: Iterable[ScriptReport]) -> dict[str, list[ScriptReport]]:
    """Reports by the folder of their scripts, in order."""
    groups: dict[str, list[ScriptReport]] = {}
    for report in reports:
        groups.setdefault(report.group, []).append(report)
    return groups
