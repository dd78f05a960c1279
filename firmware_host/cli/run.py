"""`wirq run`: compile, send, start, raise interrupts, show what it prints and how it ended."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from firmware_host.app import AppResult
from firmware_host.board import Board
from firmware_host.cli.context import Context, stamp
from firmware_host.cli.keyboard import Keyboard
from firmware_host.cli.modules import C_SUFFIXES, AppFile, check_entry, load_app, send
from firmware_host.cli.stream import TextStream
from firmware_host.cli.times import RaiseType
from firmware_host.cli.traps import Explained, explain, explained_errors
from firmware_host.errors import BadModule, BuildError, NoSpace, TrapError
from firmware_host.info import SourceInfo, Trap
from firmware_host.link.messages import Values
from firmware_host.symbols.report import shown_path

_HELP = """Run APP, a module (.wasm) or a C file (.c), on a board.

C is compiled first, with guests/c on the include path. The app is sent into the board's RAM and started; what it prints
is shown with the time, and what is typed is given to it. Ctrl-C stops it at its next safe point. Exit code: 0 if it
ended with 0, 1 if not, if it trapped or ran out of --fuel.

With --watch it is run again whenever its file changes, until Ctrl-C. With --keep it goes on when this command leaves.

\b
Examples:
  wirq run examples/forced/forced.c --raise button@200us --raise soft0@400us
  wirq run app.wasm -b qemu:microbit
  wirq run blink.c --watch
  wirq run untrusted.wasm --fuel 1000000
"""

Raises = tuple[tuple[str, int], ...]


@click.command("run", help=_HELP)
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--raise",
    "raises",
    type=RaiseType(),
    multiple=True,
    metavar="SOURCE[@TIME]",
    help="Raise this interrupt source, TIME (500us, 10ms, 2s) of board time after the app's start. May be repeated.",
)
@click.option("--watch", is_flag=True, help="Run it again whenever its file changes.")
@click.option(
    "--fuel",
    type=click.IntRange(1, 0xFFFFFFFF),
    metavar="N",
    help="Stop it after N safe points: branches, calls, returns; not those of handlers.",
)
@click.option("--keep", is_flag=True, help="Let it go on when this command leaves; Ctrl-C only leaves then.")
@click.pass_obj
@click.pass_context
def command(
    ctx: click.Context, context: Context, app: Path, raises: Raises, watch: bool, fuel: int | None, keep: bool
) -> None:
    file = load_app(app, context)
    with context.connect() as board:
        check_entry(file)
        if keep and board.ends_with_us:
            context.note(f"--keep: {board.selector} ends with this command, and the app with it")
        run = _Run(context, board, raises, Watch(app) if watch else None, fuel, keep)
        if watch:
            code = _again_and_again(context, app, file, run)
        else:
            code = run.once(file)
            run.result()
    ctx.exit(code)


def _again_and_again(context: Context, app: Path, file: AppFile, run: _Run) -> int:
    """Runs it, waits for a change, and runs it anew: until Ctrl-C."""
    waiting = f"waiting for {app.name} to change"
    while True:
        try:
            check_entry(file)
            run.once(file)
            if run.interrupted:
                break
            run.say_ending(waiting)
        except (BuildError, BadModule, NoSpace, TrapError) as error:
            context.note(f"error: {error}")
            context.note(waiting)
        try:
            while True:
                run.wait_for_change()
                try:
                    file = load_app(app, context)
                    break
                except (BuildError, BadModule) as error:
                    context.note(f"error: {error}")
        except KeyboardInterrupt:
            run.interrupted = True
            break
    run.result()
    return 130


class Watch:
    """Notices changes of a file, and of the C files and headers beside it if it is C."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = self._now()

    def _now(self) -> dict[Path, tuple[int, int]]:
        directory = self._file.parent
        files = [self._file]
        if self._file.suffix in C_SUFFIXES:
            files += [one for one in directory.iterdir() if one.suffix in (*C_SUFFIXES, ".h")]
        seen = {}
        for one in files:
            with contextlib.suppress(OSError):  # being replaced just now
                stat = one.stat()
                seen[one] = (stat.st_mtime_ns, stat.st_size)
        return seen

    def changed(self) -> bool:
        """Has it changed since the last time that this was asked? A file that is gone for a moment has not."""
        now = self._now()
        if now == self._seen or self._file not in now:
            return False
        self._seen = now
        return True


class _Run:
    """Runs of one app on one board, and how the last one ended."""

    def __init__(
        self, context: Context, board: Board, raises: Raises, watch: Watch | None, fuel: int | None, keep: bool
    ) -> None:
        self._context = context
        self._board = board
        self._raises = raises
        self._watch = watch
        self._fuel = fuel
        self._keep = keep
        self._keyboard = Keyboard()
        self._changed = False
        self.interrupted = False
        self._ending: tuple[str, dict[str, Any]] = ("", {})

    def once(self, file: AppFile) -> int:
        """Sends it, starts it and stays until it ends, is stopped, or its file changes. Returns the exit code."""
        context, board = self._context, self._board
        stream = TextStream(context)
        send(board, file, context)
        stream.attach(board)
        with explained_errors(board, file):
            instance = board.instantiate()
        for source, after_us in self._raises:
            board.irq_raise(board.irq_number(source), after_us=after_us)
        sources = board.irq_sources()
        board.on_irq = IrqLines(context, sources).take
        context.say(f"{stamp()} started (build {file.build})")
        running = board.run(instance, fuel=self._fuel)
        keyboard = self._keyboard
        try:
            while not running.wait_or(lambda: keyboard.waiting or self._has_changed()) and not self._has_changed():
                keyboard.hand_over(board.console)
            result = running.stop()
        except KeyboardInterrupt:
            self.interrupted = True
            if self._keep:
                stream.finish()
                self._ending = (f"{stamp()} left running", {"ok": True, "left_running": True, "build": file.build})
                return 130
            result = running.stop()
        stream.finish()
        count = delivered(board.irq_sources()) - delivered(sources)
        explained = None if result.trap is None else explain(board, file, result.trap, instance)
        fuel = None if self._fuel is None else Fuel(self._fuel, board.irq_injected())
        self._ending = ending(result, explained, count, self.interrupted, file.build, fuel)
        return 130 if self.interrupted else 0 if result.ok else 1

    def _has_changed(self) -> bool:
        if self._watch is not None and not self._changed:
            self._changed = self._watch.changed()
        return self._changed

    def wait_for_change(self) -> None:
        """Returns when the file has changed; the board is listened to meanwhile."""
        while not self._has_changed():
            self._board.wait(0.1)
        self._changed = False

    def say_ending(self, waiting: str) -> None:
        """The last ending, when another run may follow, and what is waited for: behind the name of a report if there is
        one, for the next run may trap as well, and then `wirq crash` shows another."""
        text, fields = self._ending
        saved = self._saved()
        self._context.emit("ended", f"{text}; {waiting}" if saved else text, **fields)
        if not saved or self._context.json:
            self._context.note(waiting)
        self._ending = ("", fields)

    def _saved(self) -> bool:
        """Whether a report of the last ending was saved, whose name is the end of its text then."""
        trap = self._ending[1].get("trap")
        return trap is not None and trap["report"] is not None

    def result(self) -> None:
        """The last ending, as the result of the command."""
        text, fields = self._ending
        if text and self._saved():
            text += "; wirq crash shows it again"
        self._context.result(text or None, **fields)


def delivered(sources: list[SourceInfo]) -> int:
    """Interrupts delivered by all sources together."""
    return sum(source.delivered for source in sources)


class IrqLines:
    """Turns the board's counters into JSON objects: one for each kind of thing that happened to a source."""

    def __init__(self, context: Context, sources: list[SourceInfo]) -> None:
        self._context = context
        self._sources = {source.number: source for source in sources}

    def take(self, values: Values) -> None:
        if not self._context.json or values["source"] not in self._sources:
            return
        number = values["source"]
        source = self._sources[number]
        moved = {event: values[event] for event in ("raised", "delivered", "missed")}
        for event, count in moved.items():
            if count != getattr(source, event):
                self._context.emit(
                    "irq",
                    source=number,
                    name=source.name,
                    vector=source.vector,
                    event=event,
                    count=count,
                    board_time_us=values["board_time_us"],
                )
        self._sources[number] = replace(source, **moved)


@dataclass(frozen=True)
class Fuel:
    """Safe points that the app was allowed, and those that it had."""

    limit: int
    used: int


def ending(
    result: AppResult,
    explained: Explained | None,
    interrupts: int,
    interrupted: bool,
    build: str,
    fuel: Fuel | None = None,
) -> tuple[str, dict[str, Any]]:
    """How the app ended: in one line, and where if it trapped; and the same for JSON."""
    count = "1 interrupt delivered" if interrupts == 1 else f"{interrupts} interrupts delivered"
    how = f"ended with {result.status}" if explained is None else explained.headline
    if fuel is not None:
        of = f"{fuel.used:,} of {fuel.limit:,} safe points"
        how = f"out of fuel ({fuel.limit:,} safe points), {how}" if result.out_of_fuel else f"{how}, {of}"
    lines = [f"{stamp()} {how}, {count}"]
    if explained is not None and result.trap is not None and not result.trap.stopped:
        lines += explained.stack
        if explained.saved is not None:
            lines.append(f"saved {shown_path(explained.saved)}")
    fields = {
        "ok": result.ok,
        "app_status": None if result.trap else result.status,
        "trap": trap_object(result.trap, explained),
        "interrupts_delivered": interrupts,
        "interrupted": interrupted,
        "fuel": None if fuel is None else {**asdict(fuel), "exhausted": result.out_of_fuel},
        "build": build,
    }
    return "\n".join(lines), fields


def trap_object(trap: Trap | None, explained: Explained | None) -> dict[str, object] | None:
    """The trap for JSON."""
    if trap is None or explained is None:
        return None
    frames = explained.fields["frames"]
    saved = None if explained.saved is None else str(explained.saved)
    return {**asdict(trap), **explained.fields, "function_name": frames[0]["function_name"], "report": saved}
