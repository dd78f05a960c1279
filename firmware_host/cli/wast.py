"""`wirq wast`: run WebAssembly specification scripts on a board and count what passed, failed and was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from firmware_host.cli.context import Context
from firmware_host.errors import WirqError
from firmware_host.wast.batch import run_scripts
from firmware_host.wast.report import CommandResult, Outcome, ScriptReport, by_group
from firmware_host.wast.runner import RunnableBoard
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

With --in-process the scripts run on a VM inside this process, built for this computer from the same sources: no link
and no firmware are between, so that whole suites take seconds. --pieces, which needs it, feeds every module to the
loader in pieces of N bytes, or of random sizes, from memory that is gone afterwards.

\b
Examples:
  wirq wast tests/wast
  wirq wast -b qemu:mps3-an524 --json suites/core-1.0
  wirq wast --in-process --pieces 1 suites
"""

_RANDOM = "random"


class _PiecesType(click.ParamType[int]):
    """A number of bytes, or `random`."""

    name = "N|random"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == _RANDOM:
            return -1
        if isinstance(value, int):
            return value
        if not str(value).isdecimal() or not 1 <= int(value) <= 1 << 30:
            self.fail(f"{value!r} is neither a number of bytes, from 1, nor {_RANDOM!r}.", param, ctx)
        return int(value)


@click.command("wast", help=_HELP)
@click.option("--in-process", is_flag=True, help="Run on a VM in this process instead of a board.")
@click.option("--pieces", type=_PiecesType(), help="Feed modules in such pieces; with --in-process.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], in_process: bool, pieces: int | None) -> None:
    context = ctx.ensure_object(Context)
    connect = _connector(context, in_process, pieces)
    try:
        scripts = find_scripts(paths)
    except WirqError as error:
        raise click.UsageError(str(error)) from error
    reports: list[ScriptReport] = []
    width = max(len(script.unit) for script in scripts)
    with context.progress("scripts", in_bytes=False) as progress:
        for report in run_scripts(connect, scripts):
            reports.append(report)
            _show(context, report, width)
            progress(len(reports), len(scripts))
    groups = by_group(reports)
    if len(groups) > 1:
        context.say("")
        for name, members in groups.items():
            context.say(f"{(name or '.').ljust(width)}  {_counts(members)}")
    whole = all(report.whole for report in reports)
    context.result(
        _total(reports),
        ok=whole,
        **_count_fields(reports),
        groups={name: _count_fields(members) for name, members in groups.items()},
        files=[_fields(report) for report in reports],
    )
    ctx.exit(0 if whole else 1)


def _connector(
    context: Context, in_process: bool, pieces: int | None
) -> Callable[[], AbstractContextManager[RunnableBoard]]:
    if not in_process:
        if pieces is not None:
            raise click.UsageError("--pieces needs --in-process: a board's firmware feeds the loader as it sees fit")
        return lambda: context.connect(arena_size=ARENA_SIZE)
    if context.board_selector not in (None, "host"):
        raise click.UsageError(f"--in-process is for this computer, not for {context.board_selector}")
    from firmware_host.inprocess import InProcessBoard, Pieces

    return lambda: InProcessBoard(ARENA_SIZE, Pieces(pieces or 0))


def _skipped(reports: Sequence[ScriptReport]) -> Counter[str]:
    return sum((report.skipped for report in reports), Counter())


def _number(reports: Sequence[ScriptReport], outcome: Outcome) -> int:
    return sum(report.count(outcome) for report in reports)


def _counts(reports: Sequence[ScriptReport]) -> str:
    text = f"{sum(report.passed for report in reports)} passed"
    if superseded := _number(reports, Outcome.SUPERSEDED):
        text += f" ({superseded} by a newer rule)"
    if failed := _number(reports, Outcome.FAILED):
        text += f", {failed} failed"
    if too_large := _number(reports, Outcome.NO_SPACE):
        text += f", {too_large} do not fit the board"
    if skipped := _skipped(reports):
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


def _total(reports: Sequence[ScriptReport]) -> str:
    scripts = "1 script" if len(reports) == 1 else f"{len(reports)} scripts"
    counts = _counts(reports)
    return f"{scripts}: {counts}" if any(report.failures for report in reports) else f"{scripts}: {counts}; 0 failed"


def _count_fields(reports: Sequence[ScriptReport]) -> dict[str, Any]:
    return {
        "passed": sum(report.passed for report in reports),
        "superseded": _number(reports, Outcome.SUPERSEDED),
        "failed": _number(reports, Outcome.FAILED),
        "does_not_fit": _number(reports, Outcome.NO_SPACE),
        "skipped": dict(_skipped(reports)),
    }


def _fields(report: ScriptReport) -> dict[str, Any]:
    return {
        "file": report.unit,
        **_count_fields([report]),
        "failures": _results(report.failures),
        "too_large": _results(report.too_large),
    }


def _results(results: Sequence[CommandResult]) -> list[dict[str, Any]]:
    return [{"line": one.line, "command": one.keyword, "message": one.message} for one in results]
