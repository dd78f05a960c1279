"""`wirq log`: shows what a board says, and sends nothing."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import click

from firmware_host.cli.context import Context, now
from firmware_host.cli.stream import CLOCKS, TextStream
from firmware_host.errors import LinkError
from firmware_host.info import BoardInfo

_HELP = """Show what a board prints, each line with the time of its first byte, until Ctrl-C.

Nothing that runs is disturbed. With --time board it is the board's own time, in seconds since its start, with both
this computer's stands before it. A board waits rather than drop a line. --save writes the same lines to a file, with
full dates and no colours. A board that is unplugged or restarted is waited for.

\b
Examples:
  wirq log
  wirq log --time both
  wirq -b port:/dev/ttyACM0 log --filter "temp|error" --save bench.log
"""


#: What makes a terminal colour text: of no use in a file.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@click.command("log", help=_HELP)
@click.option("--time", "clock", type=click.Choice(CLOCKS), default="host", help="Whose time stands before each line.")
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the lines there, too."
)
@click.option("--filter", "pattern", metavar="REGEX", help="Only lines in which this is found.")
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="End after this."
)
@click.pass_obj
def command(context: Context, clock: str, save: Path | None, pattern: str | None, seconds: float | None) -> int:
    from firmware_host.cli.attached import Attached

    try:
        wanted = re.compile(pattern) if pattern else None
    except re.error as error:
        raise click.UsageError(f"--filter {pattern}: {error}") from error
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context(save.open("a", encoding="utf-8", newline="\n")) if save else None

        def keep(line: str) -> bool:
            if wanted is not None and not wanted.search(line):
                return False
            if copy is not None:
                copy.write(f"{now()} {_COLOUR.sub('', line)}\n")
                copy.flush()
            return True

        stream = TextStream(context, clock=clock, accept=keep, whole_lines=wanted is not None)
        attached = stack.enter_context(Attached(context, stream.attach))
        context.note(f"{_name(attached.board.info)}; Ctrl-C ends")
        try:
            attached.stay(seconds)
        except KeyboardInterrupt:
            stream.finish()
            context.result()
            return 130
        except LinkError:
            stream.finish()
            raise
        stream.finish()
    context.result()
    return 0


def _name(info: BoardInfo) -> str:
    return f"{info.name}, VM {info.vm_version}"
