"""`wirq wast`: run WebAssembly specification scripts on a board and count what passed, failed and was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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
feature that its build does not have. Commands listed in a superseded.json at or above PATH may also be answered as the
newer version of WebAssembly demands. Exit code 1 if anything failed.

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
    failed = sum(len(report.failures) for report in reports)
    context.result(
        _total(reports),
        ok=not failed,
        passed=sum(report.passed for report in reports),
        superseded=sum(report.count(Outcome.SUPERSEDED) for report in reports),
        failed=failed,
        skipped=dict(_skipped(reports)),
        files=[_fields(report) for report in reports],
    )
    ctx.exit(1 if failed else 0)


def _skipped(reports: list[ScriptReport]) -> Counter[str]:
    return sum((report.skipped for report in reports), Counter())


def _counts(passed: int, superseded: int, failed: int, skipped: Mapping[str, int]) -> str:
    text = f"{passed} passed"
    if superseded:
        text += f" ({superseded} by a newer rule)"
    if failed:
        text += f", {failed} failed"
    if skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
        text += f", {sum(skipped.values())} skipped: {reasons}"
    return text


def _show(context: Context, report: ScriptReport, width: int) -> None:
    superseded = report.count(Outcome.SUPERSEDED)
    counts = _counts(report.passed, superseded, len(report.failures), report.skipped)
    context.say(f"{report.unit.ljust(width)}  {counts}")
    limit = len(report.failures) if context.verbosity > 0 else _SHOWN
    for failure in report.failures[:limit]:
        context.say(f"  line {failure.line}: {failure.keyword}: {failure.message}")
    if len(report.failures) > limit:
        context.say(f"  and {len(report.failures) - limit} more (-v shows all)")


def _total(reports: list[ScriptReport]) -> str:
    failed = sum(len(report.failures) for report in reports)
    superseded = sum(report.count(Outcome.SUPERSEDED) for report in reports)
    counts = _counts(sum(report.passed for report in reports), superseded, failed, _skipped(reports))
    scripts = "1 script" if len(reports) == 1 else f"{len(reports)} scripts"
    return f"{scripts}: {counts}" if failed else f"{scripts}: {counts}; 0 failed"


def _fields(report: ScriptReport) -> dict[str, Any]:
    return {
        "file": report.unit,
        "passed": report.passed,
        "superseded": report.count(Outcome.SUPERSEDED),
        "failed": len(report.failures),
        "skipped": dict(report.skipped),
        "failures": [{"line": one.line, "command": one.keyword, "message": one.message} for one in report.failures],
    }
