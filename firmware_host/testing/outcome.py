"""What came of the suites on one target."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Outcome:
    """What Robot or pytest (`engine`) found on a target. `report` is its JUnit file, None if nothing ran."""

    target: str
    engine: str
    skipped: str = ""  # why nothing ran although it should have
    passed: int = 0
    failed: int = 0
    left_out: dict[str, int] = field(default_factory=dict)  # how many tests, by the reason
    failures: list[str] = field(default_factory=list)  # names and messages
    error: str = ""  # why the run itself went wrong
    report: Path | None = None

    @property
    def ok(self) -> bool:
        return bool(self.skipped) or (not self.error and self.failed == 0)

    @property
    def line(self) -> str:
        if self.skipped:
            return f"SKIPPED  {self.target}: {self.skipped}"
        what = f"{self.target} ({self.engine})"
        if self.error:
            return f"ERROR    {what}: {self.error}"
        counts = f"{self.passed} passed, {self.failed} failed"
        return f"{'passed ' if self.ok else 'FAILED '}  {what}: {counts}"
