"""`wirq wast`: run WebAssembly specification scripts on a board and count what passed, failed and was skipped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from firmware_host.cli.context import Context
from firmware_host.wast.batch import run_scripts
from firmware_host.wast.report import Outcome, ScriptReport
from firmware_host.wast.suite import find_scripts

#: Arena of the host board, in bytes: scripts ask for memories of many 64 KiB pages.
ARENA_SIZE = 256 << 20

#: Failures of one script that are printed without -v.
_SHOWN = 10

_HELP = """Run the specification scripts (.wast) at and below each PATH on a board.

A command is skipped for two reasons only: its module exists as text only, or the board refused the module by naming a
feature that its build does not have. What does not fit the board's memory is counted apart. Commands listed in a
superseded.json at or above PATH may also be answered as the newer version of WebAssembly demands. Exit code 1 if
anything failed or did not fit.

\b
Examples:
  wirq wast tests/wast
  wirq wast -b qemu:mps3-an524 --json suites/core-1.0
"""


@click.command("wast", help=_HELP)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...]) -> None:
    context = ctx.ensure_object(Context)
    scripts = find_scripts(paths)
    reports: list[ScriptReport] = []
    width = max(len(script.unit) for script in scripts)
    for report in run_scripts(lambda: context.connect(arena_size=ARENA_SIZE), scripts):
        reports.append(report)
        _show(context, report, width)
        if context.json:
            context.emit("progress", what=report.unit, done=len(reports), total=len(scripts), resent=0)
    whole = all(report.whole for report in reports)
    context.result(
        _total(reports),
        ok=whole,
        passed=sum(report.passed for report in reports),
        superseded=sum(report.count(Outcome.SUPERSEDED) for report in reports),
        failed=sum(len(report.failures) for report in reports),
        does_not_fit=sum(report.count(Outcome.NO_SPACE) for report in reports),
        skipped=dict(_skipped(reports)),
        files=[_fields(report) for report in reports],
    )
    ctx.exit(0 if whole else 1)


def _skipped(reports: list[ScriptReport]) -> Counter[str]:
    return sum((report.skipped for report in reports), Counter())


def _counts(reports: list[ScriptReport]) -> str:
    def total(outcome: Outcome) -> int:
        return sum(report.count(outcome) for report in reports)

    text = f"{total(Outcome.PASSED) + total(Outcome.SUPERSEDED)} passed"
    if total(Outcome.SUPERSEDED):
        text += f" ({total(Outcome.SUPERSEDED)} by a newer rule)"
    if total(Outcome.FAILED):
        text += f", {total(Outcome.FAILED)} failed"
    if total(Outcome.NO_SPACE):
        text += f", {total(Outcome.NO_SPACE)} do not fit the board"
    skipped = _skipped(reports)
    if skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
        text += f", {skipped.total()} skipped: {reasons}"
    return text


def _show(context: Context, report: ScriptReport, width: int) -> None:
    context.say(f"{report.unit.ljust(width)}  {_counts([report])}")
    limit = len(report.failures) if context.verbosity > 0 else _SHOWN
    for failure in report.failures[:limit]:
        context.say(f"  line {failure.line}: {failure.keyword}: {failure.message}")
    if len(report.failures) > limit:
        context.say(f"  and {len(report.failures) - limit} more (-v shows all)")


def _total(reports: list[ScriptReport]) -> str:
    scripts = "1 script" if len(reports) == 1 else f"{len(reports)} scripts"
    counts = _counts(reports)
    return f"{scripts}: {counts}" if any(report.failures for report in reports) else f"{scripts}: {counts}; 0 failed"


def _fields(report: ScriptReport) -> dict[str, Any]:
    return {
        "file": report.unit,
        "passed": report.passed,
        "superseded": report.count(Outcome.SUPERSEDED),
        "failed": len(report.failures),
        "does_not_fit": report.count(Outcome.NO_SPACE),
        "skipped": dict(report.skipped),
        "failures": [{"line": one.line, "command": one.keyword, "message": one.message} for one in report.failures],
    }
