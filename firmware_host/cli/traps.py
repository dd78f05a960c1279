"""Traps for people: what happened, in which lines of which functions, and where the report was kept."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from firmware_host import status
from firmware_host.board import Board
from firmware_host.cli.modules import AppFile
from firmware_host.errors import TrapError, WirqError
from firmware_host.info import Trap
from firmware_host.instance import Instance
from firmware_host.symbols import report as reports
from firmware_host.symbols.report import Report
from firmware_host.symbols.symbols import Frame, Symbols, listing


@dataclass(frozen=True)
class Explained:
    """A trap: one line that says what and where, the stack below it, and the same for JSON."""

    headline: str
    stack: tuple[str, ...]
    fields: dict[str, Any]
    saved: Path | None = None

    @property
    def text(self) -> str:
        return "\n".join((self.headline, *self.stack))


def explain(board: Board, file: AppFile, trap: Trap, instance: Instance | None = None) -> Explained:
    """Asks the board for the stack, keeps the report, and finds names and lines in the module."""
    report = replace(board.report(trap, instance), app_file=str(file.path), made_in=reports.here())
    explained = of_report(report, Symbols(file.module, file.stripped), file.module_name)
    if trap.stopped:
        return explained
    saved = None
    with contextlib.suppress(OSError):
        saved = report.save(reports.directory())
    return Explained(explained.headline, explained.stack, explained.fields, saved)


def of_report(report: Report, symbols: Symbols, name: str) -> Explained:
    """The same of a report that was kept; `name` is the module's."""
    why_not = symbols.why_no_lines(report)
    frames = symbols.frames(report)
    access = symbols.access(report)
    stack = listing(report, frames, access.text if access else "")
    hidden = report.depth - sum(1 for place in report.places if not place.interrupted)
    if report.source is None and hidden > 0:
        stack.append(f"    … {hidden} more")
    if why_not and report.places[0].function is not None:
        stack.append(f"    no lines: {why_not}")
    fields: dict[str, Any] = {
        "frames": [_frame_object(frame) for frame in frames],
        "module_offset": frames[0].module_offset if frames else None,
    }
    if access is not None:
        fields["access"] = asdict(access)
    thrown = symbols.exception(report)
    if thrown is not None:
        values = [{"type": kind, "value": value} for kind, value in thrown.values]
        fields["exception"] = {"name": thrown.name, "values": values}
    text = report.text if thrown is None else f"{report.text} {thrown.text}"
    return Explained(_headline(report, text, frames, name), tuple(stack), fields)


def _headline(report: Report, text: str, frames: list[Frame], name: str) -> str:
    first = frames[0]
    if report.stopped:
        return f"stopped at a safe point in {first.name}" + (f" ({first.where})" if first.line else "")
    if first.module_offset is not None:
        return f"trap: {text} at {first.module or name}+{first.module_offset:#x}"
    return f"trap: {text}" if report.places[0].function is None else f"trap: {text} in {first.name}"


def _frame_object(frame: Frame) -> dict[str, object]:
    line = asdict(frame.line) if frame.line else {"file": None, "line": None, "column": None}
    return {
        "function_name": frame.name,
        "module_offset": frame.module_offset,
        **line,
        "inlined": frame.inlined,
        "module": frame.module,
    }


def trap_of_error(error: TrapError) -> Trap:
    """What an error tells of the trap."""
    return Trap(error.code, status.status(error.code).text, error.function, error.offset, error.depth, error.source)


@contextlib.contextmanager
def explained_errors(board: Board, file: AppFile, instance: Instance | None = None) -> Any:
    """Gives the traps that end what stands below their lines."""
    try:
        yield
    except TrapError as error:
        try:
            explained = explain(board, file, trap_of_error(error), instance)
        except WirqError:
            raise error from None  # the board has gone: what is known must do
        raise TrapError(
            explained.text,
            hint=error.hint,
            code=error.code,
            function=error.function,
            offset=error.offset,
            depth=error.depth,
            source=error.source,
            **{**error.details, **explained.fields},
        ) from error
