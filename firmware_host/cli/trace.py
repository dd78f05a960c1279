"""`wirq trace`: run an app and write a timeline of its interrupts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from firmware_host.build.image import defined
from firmware_host.cli.context import Context
from firmware_host.cli.modules import check_entry, load_app, send
from firmware_host.cli.output import write_file
from firmware_host.cli.run import trap_object
from firmware_host.cli.stream import TextStream
from firmware_host.cli.times import RaiseType
from firmware_host.cli.traps import explain
from firmware_host.trace import Recorder, Timeline
from firmware_host.trace.picture import picture
from firmware_host.trace.records import DEFINE, DEFINE_CALLS

_HELP = """Run APP, a module (.wasm) or a C file (.c), and write a timeline of its interrupts and calls.

FILE is in the trace-event format: https://ui.perfetto.dev and chrome://tracing open it. It has a row for the program
and one for the handlers of each priority level; raises, masked and unmasked sources are marks. With --picture the same
is drawn as SVG. The board's firmware has to record that: for host and emulated boards it is built so; for hardware,
build it with --define WIRQ_TRACE=1. Recording takes each event some time, a few microseconds on a small board. Exit
code 1 if the app trapped or did not end with 0; the timeline is written all the same.

--events call adds every function, of the guest and of the board, from its call to its return. That makes calls slower,
and a ring is soon full: a board keeps 128 or 256 records until they are read, host 65,536, and what is lost is told.
Hardware needs --define WIRQ_TRACE=2 for it. --events mem shows the size of linear memory as it grows.

\b
Examples:
  wirq trace app.c -o app.json --raise button@2ms --raise soft0@4ms
  wirq trace app.c -o app.json --events app,call,irq
  wirq trace blink.c -o blink.json --picture blink.svg --for 0.5 -b qemu:stm32f4
"""

#: What --events takes, and the records that each name stands for.
EVENT_GROUPS = {
    "app": ("run", "end"),
    "raise": ("raise",),
    "irq": ("enter", "leave"),
    "mask": ("mask", "unmask"),
    "wait": ("wait", "woke"),
    "mem": ("memory",),
    "call": ("call", "return"),
}
#: What is written by default: calls only when they are asked for, for there are many.
_DEFAULT = ("app", "raise", "irq", "mask", "wait", "mem")


class EventsType(click.ParamType[frozenset[str]]):
    """Names of EVENT_GROUPS with commas between."""

    name = "events"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        if isinstance(value, frozenset):
            return value
        names = [name.strip() for name in value.split(",")]
        unknown = [name for name in names if name not in EVENT_GROUPS]
        if unknown:
            self.fail(f"{unknown[0]!r} is not recorded by firmware; it records {', '.join(EVENT_GROUPS)}", param, ctx)
        return frozenset(record for name in names for record in EVENT_GROUPS[name])


_LOOK = 0.02  # seconds between two reads of the board's ring


@click.command("trace", help=_HELP)
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to write it.",
)
@click.option("--picture", "svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw it, too.")
@click.option(
    "--raise", "raises", type=RaiseType(), multiple=True, metavar="SOURCE[@TIME]", help="As with wirq run; repeatable."
)
@click.option(
    "--events",
    type=EventsType(),
    default=",".join(_DEFAULT),
    metavar="LIST",
    help=f"What to write, with commas between: {', '.join(EVENT_GROUPS)} (all but call).",
)
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop the app after this."
)
@click.pass_obj
@click.pass_context
def command(
    ctx: click.Context,
    context: Context,
    app: Path,
    output: Path,
    svg: Path | None,
    raises: tuple[tuple[str, int], ...],
    events: frozenset[str],
    seconds: float | None,
) -> None:
    file = load_app(app, context)
    check_entry(file)
    calls = "call" in events
    with defined(DEFINE_CALLS if calls else DEFINE), context.connect() as board:
        stream = TextStream(context)
        send(board, file, context)
        board.on_text = stream.feed
        instance = board.instantiate()
        for source, after_us in raises:
            board.irq_raise(board.irq_number(source), after_us=after_us)
        recorder = Recorder(board, calls=calls)
        end = None if seconds is None else time.monotonic() + seconds
        running = board.run(instance)
        try:
            while end is None or time.monotonic() < end:
                look = time.monotonic() + _LOOK
                if running.wait_or(lambda at=look: time.monotonic() >= at, interval=_LOOK):  # type: ignore[misc]
                    break
                recorder.read()
        except KeyboardInterrupt:
            pass
        sources = board.irq_sources()
        result = running.stop()
        recorder.read()
        stream.finish()
        explained = None if result.trap is None else explain(board, file, result.trap, instance)
        wanted = [one for one in recorder.records if one.event in events]
        timeline = Timeline.of(wanted, sources, lambda function: file.module.function_name(function) or str(function))
        name = board.selector
    title = f"{file.name} on {name}"
    write_file(output, json.dumps(timeline.trace_events(title)).encode())
    if svg is not None:
        write_file(svg, picture(timeline, title).encode())
    handlers = sum(span.source is not None for span in timeline.spans)
    missing = recorder.missing
    lost = f"; {missing} records were lost: the ring was full" if missing else ""
    ended_well = result.ok or (result.trap is not None and result.trap.stopped)  # by --for or Ctrl-C
    how = ""
    if explained is not None and not ended_well:
        how = f"{explained.text}\n"
    elif not ended_well:
        how = f"the app ended with {result.status}\n"
    context.result(
        f"{how}wrote {output}: {timeline.end:,} us, {len(timeline.instants)} raises and masks, {handlers} handler runs"
        f"{lost}",
        ok=ended_well,
        output=str(output),
        picture=str(svg) if svg else None,
        microseconds=timeline.end,
        handler_runs=handlers,
        instants=len(timeline.instants),
        lost=missing,
        app_status=None if result.trap else result.status,
        trap=trap_object(result.trap, explained),
    )
    ctx.exit(0 if ended_well else 1)
