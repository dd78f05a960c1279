"""`wirq run`: compile, send, start, raise interrupts, show what it prints and how it ended."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click

from firmware_host.app import AppResult
from firmware_host.cli.context import Context, stamp
from firmware_host.cli.keyboard import Keyboard
from firmware_host.cli.modules import check_entry, load_app, send
from firmware_host.cli.stream import TextStream
from firmware_host.cli.times import RaiseType
from firmware_host.cli.traps import Explained, explain, explained_errors
from firmware_host.info import SourceInfo, Trap
from firmware_host.link.messages import Values

_HELP = """Run APP, a module (.wasm) or a C file (.c), on a board.

C is compiled first, with guests/c on the include path. The app is sent into the board's RAM and started; what it prints
is shown with the time, and what is typed is given to it. Ctrl-C stops it at its next safe point. Exit code: 0 if it
ended with 0, 1 if not or if it trapped.

\b
Examples:
  wirq run examples/forced/forced.c --raise button@200us --raise soft0@400us
  wirq run app.wasm -b qemu:microbit
"""


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
@click.pass_obj
@click.pass_context
def command(ctx: click.Context, context: Context, app: Path, raises: tuple[tuple[str, int], ...]) -> None:
    file = load_app(app, context)
    with context.connect() as board:
        stream = TextStream(context)
        check_entry(file)
        send(board, file, context)
        board.on_text = stream.feed
        with explained_errors(board, file):
            instance = board.instantiate()
        for source, after_us in raises:
            board.irq_raise(board.irq_number(source), after_us=after_us)
        sources = board.irq_sources()
        board.on_irq = IrqLines(context, sources).take
        context.say(f"{stamp()} started (build {file.build})")
        running = board.run(instance)
        interrupted = False
        keyboard = Keyboard()
        try:
            while not running.wait_or(lambda: keyboard.waiting):
                keyboard.hand_over(board.console)
            result = running.wait()
        except KeyboardInterrupt:
            interrupted = True
            result = running.stop()
        stream.finish()
        count = delivered(board.irq_sources()) - delivered(sources)
        explained = None if result.trap is None else explain(board, file, result.trap, instance)
        report(context, result, explained, count, interrupted, file.build)
    ctx.exit(130 if interrupted else 0 if result.ok else 1)


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


def report(
    context: Context, result: AppResult, explained: Explained | None, interrupts: int, interrupted: bool, build: str
) -> None:
    """How the app ended: in one line, and where if it trapped."""
    count = "1 interrupt delivered" if interrupts == 1 else f"{interrupts} interrupts delivered"
    ending = f"ended with {result.status}" if explained is None else explained.headline
    lines = [f"{stamp()} {ending}, {count}"]
    if explained is not None and result.trap is not None and not result.trap.stopped:
        lines += explained.stack
        if explained.saved is not None:
            lines.append(f"saved {explained.saved.name}; wirq crash shows it again")
    context.result(
        "\n".join(lines),
        ok=result.ok,
        app_status=None if result.trap else result.status,
        trap=trap_object(result.trap, explained),
        interrupts_delivered=interrupts,
        interrupted=interrupted,
        build=build,
    )


def trap_object(trap: Trap | None, explained: Explained | None) -> dict[str, object] | None:
    """The trap for JSON."""
    if trap is None or explained is None:
        return None
    frames = explained.fields["frames"]
    saved = None if explained.saved is None else str(explained.saved)
    return {**asdict(trap), **explained.fields, "function_name": frames[0]["function_name"], "report": saved}
