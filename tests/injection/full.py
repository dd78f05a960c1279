"""Interrupts everywhere, in full: python -m tests.injection

Programs, made small: every safe point and, apart from that, every operation; every pair of safe points for runs of
fewer than 300. Programs as they are: up to 10,000 safe points. Specification scripts (WIRQ_SUITES): every safe point of
every call, up to 10,000 of one call, and every pair for calls of fewer than 300. On qemu:stm32f4, where there is QEMU:
interrupts of the hardware at every machine instruction of the VM that a guest executes which does all that interrupts
bring about. One line each; exit code 1 if anything differed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firmware_host.boards import load_board
from firmware_host.build import firmware
from firmware_host.injection.explore import LIMIT, PAIRS_BELOW, Exploration
from firmware_host.wast.suite import Script, find_scripts
from tests.injection.instructions.cases import CASES, Case
from tests.injection.instructions.exploring import PRIORITIES, Explorer
from tests.injection.instructions.stopped import running
from tests.injection.programs import PROGRAMS, Program, exploration
from tests.injection.scripts import GROUPS, Effort, Tally, disturbed, group, is_built
from tests.injection.test_everywhere import OWN_SCRIPTS
from tests.wast import suites

EFFORT = Effort(LIMIT, PAIRS_BELOW)
BOARD = "stm32f4"
#: Passes of one machine instruction in a round at which an interrupt is raised.
OCCURRENCES = 2


@dataclass(frozen=True)
class Task:
    """One line of the table: a program in one way, or a script."""

    what: str
    program: Program | None = None
    whole: bool = False
    every_dispatch: bool = False
    script: Script | None = None
    case: Case | None = None
    priorities: dict[int, int] | None = None

    def run(self) -> tuple[str, Tally, float]:
        begin = time.monotonic()
        tally = Tally()
        if self.program is not None:
            tally = self._program(self.program)
        elif self.script is not None:
            report, tally = disturbed(self.script, EFFORT)
            tally.differences += [f"line {one.line}: {one.message}" for one in report.failures]
        elif self.case is not None and self.priorities is not None:
            tally = self._instructions(self.case, self.priorities)
        return self.what, tally, time.monotonic() - begin

    def _program(self, program: Program) -> Tally:
        with tempfile.TemporaryDirectory(prefix="wirq-inject-") as scratch:
            found: Exploration = exploration(
                program, Path(scratch), limit=LIMIT, whole=self.whole, every_dispatch=self.every_dispatch
            )
        differences = [f"at {one.points}: {'; '.join(one.what)}" for one in found.differences]
        return Tally(1, found.points, found.singles, found.pairs, differences)

    @staticmethod
    def _instructions(case: Case, priorities: dict[int, int]) -> Tally:
        with running(load_board(BOARD), firmware(BOARD), case.module(priorities)) as machine:
            found = Explorer(machine, case, priorities).explore(OCCURRENCES)
        return Tally(1, found.points, found.points, 0, found.differences)


def tasks() -> Iterator[Task]:
    for program in PROGRAMS:
        if program.smaller:
            yield Task(f"{program.name}, as it is", program, whole=True)
        yield Task(f"{program.name}, small", program)
        yield Task(f"{program.name}, small, every operation", program, every_dispatch=True)
    for case in CASES:
        for order, priorities in enumerate(PRIORITIES):
            yield Task(f"qemu:{BOARD}, instructions: {case.name}, {order}", case=case, priorities=priorities)
    for script in find_scripts([OWN_SCRIPTS]):
        yield Task(f"our own script {script.unit}", script=script)
    folder = suites.folder()
    if folder is None:
        print(f"the public suites are not here ({suites.VARIABLE}): left out", file=sys.stderr)
        return
    for name in GROUPS:
        if is_built(name):
            yield from (Task(f"{name}: {script.unit}", script=script) for script in group(folder, name))
        else:
            print(f"{name}: not built, left out", file=sys.stderr)


def _run(task: Task) -> tuple[str, Tally, float]:
    return task.run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.injection", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--only", default="", help="only what has this in its name")
    arguments = parser.parse_args()
    chosen = [task for task in tasks() if arguments.only in task.what]
    whole, begin = Tally(), time.monotonic()
    print(f"{'':60} {'points':>12} {'runs':>9} {'pairs':>9} {'seconds':>8} differences")
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        for what, tally, seconds in pool.imap_unordered(_run, chosen):
            whole.add(tally)
            _show(what, tally, seconds)
    _show(f"{len(chosen)} programs and scripts", whole, time.monotonic() - begin)
    return 1 if whole.differences else 0


def _show(what: str, tally: Tally, seconds: float) -> None:
    count = len(tally.differences)
    print(f"{what:60} {tally.points:12,} {tally.runs:9,} {tally.pairs:9,} {seconds:8.1f} {count}", flush=True)
    for line in tally.differences[:5]:
        print(f"    {line}")
