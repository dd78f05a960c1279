"""Runs pytest on one target: tests with the fixture `board` get that board."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from firmware_host.errors import ToolMissing
from firmware_host.testing.outcome import Outcome
from firmware_host.testing.targets import Target

SUFFIX = ".py"

#: pytest's exit code when it found no test.
_NO_TESTS = 5


def check_installed() -> None:
    """Raises ToolMissing if pytest is not."""
    try:
        import pytest  # noqa: F401
    except ImportError as error:
        raise ToolMissing("pytest is not installed", hint="pip install pytest") from error


def run(target: Target, paths: Sequence[Path], output: Path, expression: str = "") -> Outcome | None:
    """Runs the tests on one target; its files go into `output`. None if nothing of them is to run here."""
    outcome = Outcome(target.name, "pytest")
    if target.engine != "link":
        return None
    output.mkdir(parents=True, exist_ok=True)
    report = output / "pytest.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--on", target.selector]
    command += [f"--junit-xml={report}", "-o", "junit_family=xunit2", *(["-k", expression] if expression else [])]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    (output / "pytest.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode == _NO_TESTS:
        return None
    if done.returncode not in (0, 1) or not report.is_file():
        outcome.error = f"pytest ended with {done.returncode}: {(done.stderr + done.stdout).strip()[-500:]}"
        return outcome
    outcome.report = report
    for case in ElementTree.parse(report).iter("testcase"):
        problem = next((one for kind in ("failure", "error") for one in case.findall(kind)), None)
        skipped = case.find("skipped")
        if problem is not None:
            outcome.failed += 1
            outcome.failures.append(f"{case.get('name')}: {(problem.get('message') or '').partition(chr(10))[0]}")
        elif skipped is not None:
            reason = skipped.get("message") or "skipped"
            outcome.left_out[reason] = outcome.left_out.get(reason, 0) + 1
        else:
            outcome.passed += 1
    return outcome
