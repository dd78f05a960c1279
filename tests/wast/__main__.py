"""python -m tests.wast: the public suites on boards, and what is kept of them. See docs/how-to/run-conformance.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.wast import suites
from tests.wast.conformance import (
    BOARDS,
    GROUPS,
    IN_PROCESS,
    Figures,
    differences,
    figures_of,
    kept,
    kept_path,
    run,
    scripts_of,
)

#: Seconds between two lines of progress.
PROGRESS = 10.0
EXAMPLES = """examples:
  python -m tests.wast --board in-process            seconds: the VM in this process
  python -m tests.wast --board qemu:stm32f4 --renew  and keep what became of it
  python -m tests.wast --board qemu:virt core-2.0    one group
"""


def _tell(board: str, figures: Figures) -> None:
    for group, counts in figures.groups.items():
        rest = ", ".join(f"{count:,} {name}" for name, count in counts.items() if name != "passed")
        print(f"{board:16} {group:34} {counts.get('passed', 0):>7,} passed  {rest}".rstrip(), flush=True)


def _board(selector: str, folder: Path, groups: list[str], jobs: int, renew: bool) -> bool:
    """Runs the groups on one board; whether all went as it should."""
    begun = time.monotonic()
    scripts = [script for group in groups for script in scripts_of(folder, group)]

    shown = begun

    def tell(done: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > PROGRESS:
            shown = time.monotonic()
            print(f"{selector}: {done} of {len(scripts)} scripts, {shown - begun:.0f} s", file=sys.stderr, flush=True)

    reports = run(selector, scripts, jobs, tell)
    figures = figures_of(reports)
    _tell(selector, figures)
    failed = [(report.unit, result) for report in reports for result in report.failures]
    for unit, result in failed:
        print(f"{selector}: {unit}:{result.line}: {result.keyword}: {result.message}", file=sys.stderr)
    passed = sum(counts.get("passed", 0) for counts in figures.groups.values())
    print(f"{selector:16} {passed:,} passed, {len(failed)} failed; {len(figures.too_large)} of {len(reports)} files "
          f"do not fit whole; {time.monotonic() - begun:.0f} s", flush=True)  # fmt: skip
    if renew and not failed:
        path = kept_path(selector)
        before = kept(selector) if path.exists() else Figures()
        others = {unit: row for unit, row in before.too_large.items() if unit.rpartition("/")[0] not in figures.groups}
        named = {**before.groups, **figures.groups}
        figures.groups = {group: named[group] for group in GROUPS if group in named}
        figures.too_large = {**others, **figures.too_large}
        figures.write(path)
        return True
    changed = differences(kept(selector), figures)
    for line in changed:
        print(f"{selector}: {line}", file=sys.stderr)
    return not failed and not changed


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.wast",
        description="Runs the public suites on boards and compares the figures with the kept ones.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)} (default: all)")
    every = ", ".join(BOARDS)
    parser.add_argument("--board", action="append", help=f"{IN_PROCESS} or a board; may be repeated (default: {every})")
    parser.add_argument("--jobs", type=int, default=2, help="boards that run at the same time (default: 2)")
    parser.add_argument("--renew", action="store_true", help="keep the figures, if nothing failed")
    arguments = parser.parse_args()
    folder = suites.folder()
    if folder is None:
        print(f"error: {suites.VARIABLE} names no folder with .wast scripts; nothing was run", file=sys.stderr)
        return 2
    unknown = [group for group in arguments.groups if group not in GROUPS]
    if unknown:
        parser.error(f"there is no group {unknown[0]}")
    groups = arguments.groups or list(GROUPS)
    boards = arguments.board or list(BOARDS)
    done = [_board(selector, folder, groups, arguments.jobs, arguments.renew) for selector in boards]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
