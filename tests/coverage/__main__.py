"""python -m tests.coverage: which lines and branches of vm/src the tests of the VM reach.

Builds the VM with gcc's counters in place of sanitizers, runs the tests that have it in a process of their own, and
adds up what gcov says of every object made of a file. Exit code 1 if fewer lines than --least are reached. Lines that
are not, and that explained.toml does not explain, are told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.coverage.explained import LIST, explained
from tests.vm.building import COVERAGE_VARIABLE, ROOT

FOLDER = ROOT / "build/coverage"
#: Tests that run the VM in a process built by tests/vm/building.py.
TESTS = ("tests/vm", "tests/interrupts", "tests/differential")
LEAST = 95.0


@dataclass
class FileCoverage:
    """Counts by line, and by branch of a line: the highest of all objects."""

    lines: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    branches: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def missed(self) -> list[int]:
        return sorted(line for line, count in self.lines.items() if count == 0)

    @property
    def missed_branches(self) -> int:
        return sum(count == 0 for count in self.branches.values())


def gather(folder: Path) -> dict[str, FileCoverage]:
    """By path, for files of vm/src and what is generated into the VM."""
    files: dict[str, FileCoverage] = defaultdict(FileCoverage)
    for data in sorted(folder.rglob("vm-*.gcda")):
        command = ["gcov", "--json-format", "--stdout", "--branch-probabilities", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=data.parent, check=True)
        for report in done.stdout.splitlines():
            for one in json.loads(report)["files"]:
                path = Path(one["file"])
                name = (
                    path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT / "vm") else f"generated/{path.name}"
                )
                if not name.startswith("vm/src/") and "generated" not in path.parts:
                    continue
                for line in one["lines"]:
                    number = line["line_number"]
                    files[name].lines[number] += line["count"]
                    for i, branch in enumerate(line["branches"]):
                        files[name].branches[number, i] += branch["count"]
    return files


def _ranges(numbers: list[int]) -> str:
    out: list[str] = []
    for number in numbers:
        first, _, last = (out[-1] if out else "").partition("-")
        if first and number == int(last or first) + 1:
            out[-1] = f"{first}-{number}"
        else:
            out.append(str(number))
    return " ".join(out)


def _percent(hit: int, total: int) -> float:
    return 100.0 * hit / total if total else 100.0


def _row(name: str, lines: int, missed: int, branches: int, missed_branches: int) -> str:
    reached, taken = _percent(lines - missed, lines), _percent(branches - missed_branches, branches)
    return f"{name:34} {lines:5} {reached:5.1f} % {branches:5} {taken:5.1f} % "


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.coverage", description=__doc__.split("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--least", type=float, default=LEAST, help=f"percent of lines (default: {LEAST:g})")
    parser.add_argument("--jobs", type=int, default=2, help="test processes (default: 2)")
    parser.add_argument("--keep", action="store_true", help="add to what earlier runs have counted, and run no tests")
    parser.add_argument("tests", nargs="*", default=TESTS, help=f"tests to run (default: {' '.join(TESTS)})")
    arguments = parser.parse_args()
    if not arguments.keep:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(arguments.jobs), *arguments.tests]
        environment = {**os.environ, COVERAGE_VARIABLE: str(FOLDER)}
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            print("error: the tests failed, so what they reach says nothing", file=sys.stderr)
            return 1
    files = gather(FOLDER)
    own = {name: one for name, one in files.items() if name.startswith("vm/src/")}
    lines = sum(len(one.lines) for one in own.values())
    missed = sum(len(one.missed) for one in own.values())
    branches = sum(len(one.branches) for one in own.values())
    missed_branches = sum(one.missed_branches for one in own.values())
    total = _percent(lines - missed, lines)
    unexplained = {name: sorted(set(one.missed) - explained(name)) for name, one in own.items()}
    open_questions = sum(map(len, unexplained.values()))
    if arguments.json:
        rows = {
            name: {
                "lines": len(one.lines),
                "missed": one.missed,
                "branches": len(one.branches),
                "missed_branches": one.missed_branches,
            }
            for name, one in sorted(files.items())
        }
        figures = {"lines_percent": round(total, 2), "unexplained": unexplained, "files": rows}
        print(json.dumps(figures, indent=2))
    else:
        print(f"{'file':34} {'lines':>13} {'branches':>13}  lines not reached")
        for name, one in sorted(files.items()):
            print(
                _row(name, len(one.lines), len(one.missed), len(one.branches), one.missed_branches), _ranges(one.missed)
            )
        print(_row("vm/src in all", lines, missed, branches, missed_branches))
        print(f"{missed} lines not reached, {missed - open_questions} of them explained in {LIST.relative_to(ROOT)}")
        for name, numbers in unexplained.items():
            if numbers:
                print(f"not explained: {name}: {_ranges(numbers)}")
    return 0 if total >= arguments.least else 1


if __name__ == "__main__":
    sys.exit(main())
