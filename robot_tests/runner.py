"""Runs the suites on targets: what one offers decides which tests run; one whose program is missing is SKIPPED."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent

#: Tags that say what a test needs. A test runs where all of its own are offered.
NEEDS = ("irq", "needs-link", "needs-led", "needs-gpio-loop", "virtual-time", "hw-only", "slow")


@dataclass(frozen=True)
class Target:
    """One target file: variables for the suites, and what the target offers."""

    name: str
    engine: str  # "link": through BoardLibrary; "renode-test": by Renode's own keywords
    offers: frozenset[str]
    needs_programs: tuple[str, ...]
    variables: Mapping[str, Any] = field(hash=False)

    @classmethod
    def read(cls, file: Path) -> Target:
        values = json.loads(file.read_text())
        if values["TARGET"] != file.stem:
            raise ValueError(f"{file.name}: TARGET is {values['TARGET']!r}")
        unknown = set(values["OFFERS"]) - set(NEEDS)
        if unknown:
            raise ValueError(f"{file.name}: OFFERS has {', '.join(sorted(unknown))}; known: {', '.join(NEEDS)}")
        return cls(
            name=file.stem,
            engine=values["ENGINE"],
            offers=frozenset(values["OFFERS"]),
            needs_programs=tuple(values.get("NEEDS_PROGRAMS", ())),
            variables={key: values[key] for key in values if key not in ("OFFERS", "NEEDS_PROGRAMS", "ENGINE")},
        )

    @property
    def excluded(self) -> list[str]:
        """Tags of tests that cannot run here."""
        return [tag for tag in NEEDS if tag not in self.offers]

    @property
    def missing_programs(self) -> list[str]:
        return [program for program in self.needs_programs if shutil.which(program) is None]


@dataclass
class Outcome:
    """What came of the suites on one target."""

    target: Target
    skipped: str = ""  # why nothing ran
    passed: int = 0
    failed: int = 0
    error: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.skipped) or (not self.error and self.failed == 0 and self.passed > 0)

    def line(self) -> str:
        if self.skipped:
            return f"SKIPPED  {self.target.name}: {self.skipped}"
        if self.error:
            return f"ERROR    {self.target.name}: {self.error}"
        verdict = "passed " if self.ok else "FAILED "
        return f"{verdict}  {self.target.name}: {self.passed} passed, {self.failed} failed"


def targets(names: Sequence[str] = ()) -> list[Target]:
    """All targets, or those of these names. Raises ValueError naming those there are."""
    known = {file.stem: file for file in sorted((HERE / "targets").glob("*.json"))}
    for name in names:
        if name not in known:
            raise ValueError(f"there is no target {name!r}; targets: {', '.join(known)}")
    return [Target.read(known[name]) for name in names or known]


def left_out(target: Target) -> dict[str, list[str]]:
    """Tests that do not run on a target, by the tag that it does not offer."""
    from robot.api import TestSuite

    result: dict[str, list[str]] = {}
    suites = [TestSuite.from_file_system(HERE / "suites")]
    while suites:
        suite = suites.pop(0)
        suites += suite.suites
        for test in suite.tests:
            for tag in target.excluded:
                if tag in test.tags:
                    result.setdefault(tag, []).append(f"{suite.name}: {test.name}")
                    break
    return result


def command(target: Target, output: Path, suites: Sequence[Path]) -> list[str]:
    """The command that runs the suites on a target and leaves output.xml in `output`."""
    native = target.engine == "renode-test"
    resource = HERE / "keywords" / ("renode.resource" if native else "board.resource")
    variables = {**target.variables, "KEYWORDS": resource}
    if native:
        variables |= _native_variables(str(target.variables["BOARD"]))
    result = ["renode-test", "-r", str(output)] if native else [sys.executable, "-m", "robot"]
    if not native:
        result += ["--outputdir", str(output), "--log", "NONE", "--report", "NONE", "--xunit", "xunit.xml"]
        result += ["--name", target.name, "--settag", f"target:{target.name}", "--consolecolors", "off"]
        result += ["--console", "dotted", "--pythonpath", str(HERE.parent)]
    result += [part for name, value in variables.items() for part in ("--variable", f"{name}:{value}")]
    result += [part for tag in target.excluded for part in ("--exclude", tag)]
    return [*result, *(str(suite) for suite in suites)]


def _native_variables(board: str) -> dict[str, Any]:
    from firmware_host.boards import load_board
    from firmware_host.build import firmware

    renode = load_board(board).renode()
    assert renode is not None, f"{board} has no [target.renode]"
    return {"ELF": firmware(board), "SCRIPT": renode.script, "UART": renode.uart}


def run(target: Target, output: Path, suites: Sequence[Path] = ()) -> Outcome:
    """Runs the suites on one target."""
    outcome = Outcome(target)
    if target.missing_programs:
        outcome.skipped = f"{' and '.join(target.missing_programs)} not on PATH, so NOTHING was tested on it"
        return outcome
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        arguments = command(target, output, suites or [HERE / "suites"])
    except Exception as error:  # a firmware that cannot be built: of this target, the others run
        outcome.error = str(error)
        return outcome
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONUTF8": "1"})
    (output / "console.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    result = next(iter(sorted(output.rglob("*output.xml"))), None)
    if result is None:
        outcome.error = f"Robot left no result: {(done.stderr + done.stdout).strip()[-500:]}"
        return outcome
    for total in ElementTree.parse(result).findall("./statistics/total/stat"):
        outcome.passed, outcome.failed = int(total.get("pass", 0)), int(total.get("fail", 0))
    return outcome


def failures(output: Path) -> list[str]:
    """Names and messages of the tests that failed in a result directory."""
    lines = []
    for file in sorted(output.rglob("*output.xml")):
        for test in ElementTree.parse(file).iter("test"):
            status = test.find("status")
            if status is not None and status.get("status") == "FAIL":
                lines.append(f"{test.get('name')}: {(status.text or '').strip()}")
    return lines
