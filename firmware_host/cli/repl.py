"""`wirq repl`: the board's console, with line editing on a terminal, line by line otherwise, or plain bytes."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from firmware_host.board import Board
from firmware_host.cli.context import Context
from firmware_host.cli.stream import TextStream
from firmware_host.selector import open_target

_HELP = """Type to a board's console. `help` lists the board's commands; Ctrl-C stops a running guest, Ctrl-D leaves.

Lines read from a pipe are sent one after another. --plain opens no session: bytes go both ways as in any terminal
program, and Ctrl-] leaves.
"""

#: Completed on a terminal: the board's commands.
_WORDS = ("help", "info", "ps", "irq list", "irq raise", "peek")

#: After this much silence a line is taken as answered, when lines come from a pipe.
_QUIET = 0.2

_LEAVE = b"\x1d"  # Ctrl-]


@click.command("repl", help=_HELP)
@click.option("--plain", is_flag=True, help="A plain terminal: no session, no line editing.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write what it says to FILE.")
@click.pass_obj
def command(context: Context, plain: bool, save: Path | None) -> None:
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context(save.open("wb")) if save else None
        if plain:
            _plain(context, copy)
        else:
            board = stack.enter_context(context.connect())
            lines = _lines_of_terminal(board, stack) if sys.stdin.isatty() and not context.json else None
            _session(context, board, lines, copy)
    context.result()


def _session(context: Context, board: Board, lines: Iterator[str] | None, copy: BinaryIO | None) -> None:
    stream = TextStream(context, stamped=False)

    def show(data: bytes) -> None:
        if copy is not None:
            copy.write(data)
        stream.feed(data)

    board.on_text = show
    if lines is not None:
        context.note(f"{board.info.name}, VM {board.info.vm_version}; help lists its commands, Ctrl-D leaves")
        board.console.write_line()
        for line in lines:
            board.console.write_line(line)
    else:
        for line in sys.stdin:
            board.console.write_line(line.rstrip("\r\n"))
            board.console.wait_quiet(_QUIET, context.timeout)
    stream.finish()


def _lines_of_terminal(board: Board, stack: contextlib.ExitStack) -> Iterator[str]:
    """Lines with editing, history and completion, while what the board says appears above them."""
    import platformdirs
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.patch_stdout import patch_stdout

    history = Path(platformdirs.user_state_dir("wirq")) / "repl-history"
    history.parent.mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)), completer=WordCompleter(list(_WORDS), sentence=True)
    )
    stack.enter_context(patch_stdout(raw=True))
    while True:
        try:
            yield session.prompt("")
        except KeyboardInterrupt:
            board.stop()
        except EOFError:
            return


def _plain(context: Context, copy: BinaryIO | None) -> None:
    """Bytes both ways, until Ctrl-] or the end of the input."""
    target = open_target(context.board_selector, timeout=context.timeout, reset=context.reset, note=context.note)
    keyboard = sys.stdin.fileno()
    with contextlib.ExitStack() as stack:
        stack.callback(target.close)
        if sys.stdin.isatty():
            context.note("plain terminal; Ctrl-] leaves")
            stack.enter_context(_raw(keyboard))
        open_input = True
        while True:
            data = target.transport.read(0.02 if open_input else _QUIET)
            if data:
                if copy is not None:
                    copy.write(data)
                os.write(sys.stdout.fileno(), data)
            elif not open_input:
                return
            if open_input and select.select([keyboard], [], [], 0)[0]:
                typed = os.read(keyboard, 4096)
                if not typed or _LEAVE in typed:
                    typed, open_input = typed.partition(_LEAVE)[0], False
                target.transport.write(typed)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal was closed meanwhile
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
