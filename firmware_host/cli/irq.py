"""`wirq irq`: a board's interrupt sources: listed, raised, masked, and raised everywhere."""

from __future__ import annotations

from dataclasses import asdict

import click

from firmware_host.board import Board
from firmware_host.cli.context import Context
from firmware_host.cli.inject import command as inject_every
from firmware_host.cli.tables import table
from firmware_host.cli.times import TimeType
from firmware_host.info import SourceInfo


@click.group("irq", help="A board's interrupt sources: list, raise, mask them. SOURCE is a number or a name.")
def command() -> None:
    pass


@command.command("list", help="Show every source: its handler, what is pending, and what was delivered and missed.")
@click.pass_obj
def list_(context: Context) -> None:
    with context.connect() as board:
        sources = board.irq_sources()
    context.result(listing(sources), sources=[asdict(source) for source in sources])


@command.command("raise", help="Raise SOURCE, once or more often.")
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
    times = "once" if count == 1 else f"{count} times"
    when = f", the first in {after} us" if after else ""
    context.result(
        f"raised {info.number} {info.name} {times}{when}: {again.raised} raised, {again.delivered} delivered, "
        f"{again.missed} missed",
        source=asdict(again),
        count=count,
    )


@command.command("mask", help="Hold SOURCE back: its raises stay pending and are counted, its handler does not run.")
@click.argument("source")
@click.pass_obj
def mask(context: Context, source: str) -> None:
    _enable(context, source, False)


@command.command("unmask", help="Let SOURCE through again. What is pending is delivered at once.")
@click.argument("source")
@click.pass_obj
def unmask(context: Context, source: str) -> None:
    _enable(context, source, True)


command.add_command(inject_every)


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
        "-" if source.handler is None else f"#{source.handler}",
        "-" if source.handler is None else str(source.priority),
        "yes" if source.enabled else "no",
        str(int(source.pending)),
        str(source.delivered),
        str(source.missed),
        str(source.faults),
        f"{source.worst_us} us" if source.delivered else "-",
    )
