"""`wirq irq`: a board's interrupt sources: listed, raised, masked, and raised everywhere."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from firmware_host.board import Board
from firmware_host.cli.context import Context, stamp
from firmware_host.cli.groups import Group
from firmware_host.cli.inject import command as inject_every
from firmware_host.cli.irq_bound import command as bound
from firmware_host.cli.irq_config import command as config
from firmware_host.cli.irq_latency import command as latency
from firmware_host.cli.tables import table
from firmware_host.cli.times import TimeType
from firmware_host.info import SourceInfo

_HELP = """A board's interrupt sources: list, show, raise, mask, bound them. SOURCE is a number or a name.

\b
Examples:
  wirq irq list
  wirq -b qemu:stm32f4 irq show timer
"""


@click.group("irq", cls=Group, help=_HELP)
def command() -> None:
    pass


_LIST_HELP = """Show every source: its handler, what is pending, and what was delivered and missed.

VECTOR is the hardware's number of it, HANDLER the function that is attached, LEVEL its priority. PENDING is 1 where
raises wait for their handler, however many. MISSED are raises that are counted but of which no record was kept. WORST
is the longest time from a raise to its handler that was seen, time for which it was held back included; `wirq irq
bound` shows how long it can be.

\b
Examples:
  wirq irq list
  wirq -b qemu:stm32f4 irq list --json
"""

_RAISE_HELP = """Raise SOURCE, once or more often.

\b
Examples:
  wirq irq raise button
  wirq irq raise soft0 --count 1000 --every 500us
  wirq irq raise timer --after 10ms
"""


_SHOW_HELP = """Show one SOURCE: all that `wirq irq list` shows, and its class and what becomes of a handler that traps.

\b
Examples:
  wirq irq show button
  wirq irq show timer --watch
"""

#: Seconds between two looks with --watch.
_LOOK = 0.2

_watch = click.option("--watch", is_flag=True, help="Go on, with a line whenever something has moved, until Ctrl-C.")


@command.command("list", help=_LIST_HELP)
@_watch
@click.pass_context
def list_(ctx: click.Context, watch: bool) -> None:
    context = ctx.ensure_object(Context)
    with context.connect() as board:
        sources = board.irq_named(board.irq_sources())
        if watch:
            context.say(listing(sources))
            ctx.exit(_watched(context, board, sources))
    context.result(listing(sources), sources=[asdict(source) for source in sources])


@command.command("show", help=_SHOW_HELP)
@click.argument("source")
@_watch
@click.pass_context
def show(ctx: click.Context, source: str, watch: bool) -> None:
    context = ctx.ensure_object(Context)
    with context.connect() as board:
        [info] = board.irq_named([_known(board, source)])
        if watch:
            context.say(details(info))
            ctx.exit(_watched(context, board, [info]))
    context.result(details(info), source=asdict(info))


def details(info: SourceInfo) -> str:
    """Everything of one source, a line each."""
    state = [name for name, on in (("pending", info.pending), ("active", info.active)) if on]
    handler = "none" if info.handler is None else f"{info.handler_text}, level {info.priority}"
    rows = [
        ("source", f"{info.number} {info.name}"),
        ("vector", "none: raised by software" if info.vector is None else str(info.vector)),
        ("class", info.class_name),
        ("handler", handler),
        ("if it traps", info.policy),
        ("state", ", ".join(["enabled" if info.enabled else "masked", *state])),
        ("raised", f"{info.raised}, {info.missed} missed"),
        ("delivered", f"{info.delivered}, {info.faults} faults"),
        ("worst", f"{info.worst_us} us" if info.delivered else "-"),
    ]
    return "\n".join(f"{name:12}{value}" for name, value in rows)


def _watched(context: Context, board: Board, before: list[SourceInfo]) -> int:
    """Prints what moves until Ctrl-C; the exit code."""
    seen = {source.number: source for source in before}
    try:
        while True:
            board.wait(_LOOK)
            for number, old in seen.items():
                source = replace(board.irq_show(number), handler_name=old.handler_name)
                if source != old:
                    seen[number] = source
                    text = f"{stamp()} {source.name}: raised {source.raised}, delivered {source.delivered}"
                    text += f", missed {source.missed}" + (", pending" if source.pending else "")
                    context.say(text)
                    _emit(context, old, source)
    except KeyboardInterrupt:
        context.result(sources=[asdict(source) for source in seen.values()])
    return 130


def _emit(context: Context, old: SourceInfo, source: SourceInfo) -> None:
    """An object for each counter that has moved, as `wirq run` has them; or one, if something else did."""
    moved = [event for event in ("raised", "delivered", "missed") if getattr(source, event) != getattr(old, event)]
    if context.json:
        for event in moved or ["changed"]:
            count = {"count": getattr(source, event)} if moved else {}
            context.emit("irq", source=source.number, event=event, board_time_us=None, **count, **asdict(source))


@command.command("raise", help=_RAISE_HELP)
@click.argument("source")
@click.option("--count", type=click.IntRange(1, 0xFFFFFFFF), default=1, help="How often (1).")
@click.option("--after", type=TimeType(), default=0, metavar="TIME", help="How long from now, such as 10ms (0).")
@click.option("--every", type=TimeType(), default=0, metavar="TIME", help="The time between two of them (0).")
@click.pass_obj
def raise_(context: Context, source: str, count: int, after: int, every: int) -> None:
    with context.connect() as board:
        info = _known(board, source)
        board.irq_raise(info.number, count, after, every)
        again = board.irq_show(info.number)
    times = "once" if count == 1 else f"{count:,} times"
    when = f", {every:,} us apart" if every and count > 1 else ""
    when += f", the first in {after:,} us" if after else ""
    is_done = (again.raised - info.raised) & 0xFFFFFFFF >= count  # many take their time, even at once
    verb, so_far = ("raised", "") if is_done else ("raises", "so far ")
    context.result(
        f"{verb} {info.number} {info.name} {times}{when}: {so_far}{again.raised:,} raised, "
        f"{again.delivered:,} delivered, {again.missed:,} missed",
        source=asdict(again),
        count=count,
    )


_MASK_HELP = """Hold SOURCE back: its raises stay pending and are counted, its handler does not run.

\b
Example:
  wirq irq mask button
"""

_UNMASK_HELP = """Let SOURCE through again. What is pending is delivered at once.

\b
Example:
  wirq irq unmask button
"""


@command.command("mask", help=_MASK_HELP)
@click.argument("source")
@click.pass_obj
def mask(context: Context, source: str) -> None:
    _enable(context, source, False)


@command.command("unmask", help=_UNMASK_HELP)
@click.argument("source")
@click.pass_obj
def unmask(context: Context, source: str) -> None:
    _enable(context, source, True)


for subcommand in (inject_every, bound, config, latency):
    command.add_command(subcommand)


def _enable(context: Context, source: str, on: bool) -> None:
    with context.connect() as board:
        info = _known(board, source)
        board.irq_enable(info.number, on)
        again = board.irq_show(info.number)
    pending = ", pending" if again.pending else ""
    context.result(f"{'unmasked' if on else 'masked'} {info.number} {info.name}{pending}", source=asdict(again))


def _known(board: Board, source: str) -> SourceInfo:
    return board.irq_show(board.irq_number(source))


def listing(sources: list[SourceInfo]) -> str:
    """The table of `irq list`."""
    header = (
        "SOURCE",
        "NAME",
        "VECTOR",
        "HANDLER",
        "LEVEL",
        "ENABLED",
        "PENDING",
        "DELIVERED",
        "MISSED",
        "FAULTS",
        "WORST",
    )
    return table(header, [_row(source) for source in sources], right=(0, 2, 4, 6, 7, 8, 9))


def _row(source: SourceInfo) -> tuple[str, ...]:
    return (
        str(source.number),
        source.name,
        "-" if source.vector is None else str(source.vector),
        source.handler_text,
        "-" if source.handler is None else str(source.priority),
        "yes" if source.enabled else "no",
        str(int(source.pending)),
        str(source.delivered),
        str(source.missed),
        str(source.faults),
        f"{source.worst_us} us" if source.delivered else "-",
    )
