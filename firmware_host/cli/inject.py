"""`wirq irq inject-every`: an interrupt at every safe point of a program, one run each, and what that changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from firmware_host.cli.call import argument_cells, function_type
from firmware_host.cli.context import Context
from firmware_host.cli.modules import C_SUFFIXES, AppFile, check_memory, load_app
from firmware_host.errors import WirqError
from firmware_host.injection.explore import LIMIT, PAIRS_BELOW, Difference, Exploration, explore
from firmware_host.injection.subject import AT_ITS_END, BoardSubject, Subject, VirtualSubject, entry_of
from firmware_host.symbols.symbols import Frame, Symbols

_HELP = f"""Interrupt APP at every safe point, one run each, and tell what that changed.

APP, a module (.wasm) or a C file (.c), is called once for each safe point of the undisturbed run, with SOURCE raised
there: EXPORT with ARGS, or its entry point. Memory, globals, tables, result, the place of a trap, what the program
writes and what it does to pins must come to the same as with the interrupt before the call, or after it. Runs of fewer
than {PAIRS_BELOW} points are interrupted at each pair of them, too. A program that does nothing about the source gets a
handler that keeps nothing: then nothing may change at all, which tests the VM.

On `host`, the default, the VM runs in this process: thousands of runs a second, and time stands still but for what
the program waits. On other boards a run takes as long as it takes. Exit code 1 if anything differed.

\b
Examples:
  wirq irq inject-every examples/forced/forced.c --limit 500
  wirq irq inject-every filter.wasm filter_block 16 --source timer
  wirq irq inject-every app.c -b qemu:stm32f4 --limit 200
"""

#: Differences that are printed without -v.
_SHOWN = 10


class _RangeType(click.ParamType[tuple[int, int]]):
    """A range of memory: FIRST-LAST or ADDRESS:LENGTH."""

    name = "FIRST-LAST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(0x[0-9a-fA-F]+|\d+)([-:])(0x[0-9a-fA-F]+|\d+)", str(value))
        start, number = (int(found[1], 0), int(found[3], 0)) if found else (0, 0)
        end = number + 1 if found and found[2] == "-" else start + number
        if end <= start:
            self.fail(f"{value!r} is no range of addresses, such as 0x400-0x4ff or 0x400:256.", param, ctx)
        return start, end


@click.command("inject-every", help=_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("export", required=False)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--source", help="What is raised: a name or number (what APP has a handler for, else soft0).")
@click.option("--every-dispatch", is_flag=True, help="Before every operation, not only where safe points are.")
@click.option(
    "--pairs/--no-pairs", default=None, help=f"Also at every pair of points (if there are fewer than {PAIRS_BELOW})."
)
@click.option(
    "--limit", type=click.IntRange(1), default=LIMIT, help=f"At so many points, evenly apart, at most ({LIMIT})."
)
@click.option("--step", type=click.IntRange(1), default=None, help="At every N-th point, however many that are.")
@click.option("--input", "text", default="", help=r"What is typed; \n, \x04 and the like are read as in C. Only host.")
@click.option(
    "--wake", "wakes", multiple=True, metavar="SOURCE", help="Ends a wait; the next one for the next. Only host."
)
@click.option("--ignore", "ignored", type=_RangeType(), multiple=True, help="Memory that is not compared.")
@click.option("--run-time", type=click.FloatRange(0.001), default=60.0, help="Seconds that one run may take (60).")
@click.pass_context
def command(
    ctx: click.Context,
    app: Path,
    export: str | None,
    args: tuple[str, ...],
    source: str | None,
    every_dispatch: bool,
    pairs: bool | None,
    limit: int,
    step: int | None,
    text: str,
    wakes: tuple[str, ...],
    ignored: tuple[tuple[int, int], ...],
    run_time: float,
) -> None:
    context = ctx.ensure_object(Context)
    file = load_app(app, context)
    entry = export or entry_of(file.module)
    cells = argument_cells(entry, function_type(file, entry), args)
    options: dict[str, Any] = {
        "source": source,
        "every_dispatch": every_dispatch,
        "ignored": ignored,
        "stack_first": app.suffix in C_SUFFIXES,
        "timeout": run_time,
    }
    with _subject(context, file, entry, cells, options, text, wakes) as subject:
        if isinstance(subject, BoardSubject):
            if pairs:
                raise click.UsageError("--pairs is for host: a board takes one interrupt a run")
            pairs = False
        with context.progress("runs", in_bytes=False) as progress:
            found = explore(subject, limit=limit, step=step or 0, pairs=pairs, progress=progress)
        source_name, disturber = subject.source_name, subject.is_disturber
    places = _Places(file)
    context.result(
        _text(context, file, entry, source_name, disturber, every_dispatch, found, places),
        ok=not found.differences,
        app=file.name,
        export=entry,
        source=source_name,
        own_handler=not disturber,
        points=found.points,
        step=found.step,
        runs=found.singles,
        pairs=found.pairs,
        handler_runs=found.handler_runs,
        ending=found.undisturbed.ending,
        results=list(found.undisturbed.results),
        handler_changes=list(found.marks),
        differences=[_fields(one, places) for one in found.differences],
    )
    ctx.exit(1 if found.differences else 0)


@contextmanager
def _subject(
    context: Context,
    file: AppFile,
    entry: str,
    cells: list[int],
    options: dict[str, Any],
    text: str,
    wakes: tuple[str, ...],
) -> Iterator[Subject]:
    if context.board_selector in (None, "host"):
        typed = text.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1", "replace")
        with VirtualSubject(file.module, entry, cells, text=typed, wakes=wakes, **options) as subject:
            yield subject
        return
    if text or wakes:
        raise click.UsageError("--input and --wake are for host: elsewhere time goes on by itself")
    with context.connect() as board:
        check_memory(file, board.info)
        if board.halt():
            context.note("what the board was running has been stopped")
        yield BoardSubject(board, file.module, entry, cells, **options)


class _Places:
    """Functions and lines of the points that differences are at; none where the VM here cannot tell."""

    def __init__(self, file: AppFile) -> None:
        self._symbols = Symbols(file.module, file.stripped)

    def of(self, difference: Difference) -> Frame | None:
        if difference.place is None or difference.place == AT_ITS_END:
            return None
        try:
            return self._symbols.at(*difference.place)[0]
        except WirqError:
            return None


def _text(
    context: Context,
    file: AppFile,
    entry: str,
    source: str,
    disturber: bool,
    every_dispatch: bool,
    found: Exploration,
    places: _Places,
) -> str:
    what = "operations" if every_dispatch else "safe points"
    lines = [f"{file.name}: {entry}() has {found.points:,} {what} and {found.undisturbed.ending}"]
    which = "each of them" if found.step == 1 else f"{found.singles:,} of them, one in {found.step:,}"
    pairs = f", then at each of {found.pairs:,} pairs" if found.pairs else ""
    handler = "a handler that keeps nothing" if disturber else "its handler"
    runs = f"{found.handler_runs:,} runs of {handler}" if found.handler_runs else "the program looks for it by itself"
    lines.append(f"{source} raised at {which}{pairs}: {runs}")
    if found.marks:
        lines.append(f"what it changes wherever it comes: {', '.join(found.marks)}")
    count = len(found.differences)
    lines.append(f"{count:,} differences" if count != 1 else "1 difference")
    groups: dict[str, list[Difference]] = {}
    for one in found.differences:
        where = "at its end" if one.place == AT_ITS_END else _where(places.of(one))
        groups.setdefault(where, []).append(one)
    shown = len(groups) if context.verbosity > 0 else _SHOWN
    lines += [_group(where, group) for where, group in list(groups.items())[:shown]]
    if len(groups) > shown:
        lines.append(f"  and at {len(groups) - shown:,} places more (-v shows all)")
    return "\n".join(lines)


def _group(where: str, group: list[Difference]) -> str:
    """The differences of interrupts at one place, by the first of them."""
    points = group[0].points
    at = f"point {points[0]}" if len(points) == 1 else f"points {points[0]} and {points[1]}"
    others = len(group) - 1
    more = f", and {others:,} more run{'s' * (others > 1)} interrupted here" if others else ""
    return f"  {where} ({at}{more}): {'; '.join(group[0].what)}"


def _where(frame: Frame | None) -> str:
    if frame is None:
        return "at a place that is not known"
    if frame.line:
        return f"{frame.where}, in {frame.name}"
    return f"in {frame.name}" + ("" if frame.module_offset is None else f", byte {frame.module_offset:#x}")


def _fields(difference: Difference, places: _Places) -> dict[str, Any]:
    frame = places.of(difference)
    line = frame.line if frame else None
    return {
        "points": list(difference.points),
        "what": list(difference.what),
        "function": difference.place[0] if difference.place else None,
        "function_name": frame.name if frame else None,
        "module_offset": frame.module_offset if frame else None,
        "file": line.file if line else None,
        "line": line.line if line else None,
    }
