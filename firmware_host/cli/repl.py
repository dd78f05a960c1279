"""`wirq repl`: the board's console, with line editing on a terminal, line by line otherwise, or plain bytes."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import click

from firmware_host.board import Board
from firmware_host.cli.attached import PAUSE, Attached
from firmware_host.cli.context import Context
from firmware_host.cli.output import open_file
from firmware_host.cli.repl_session import ReplSession
from firmware_host.cli.stream import TextStream
from firmware_host.errors import LinkError
from firmware_host.selector import open_target

_HELP = """Type to a board's console. `help` lists what can be typed; Ctrl-C stops a running guest, Ctrl-D leaves.

`load FILE` sends a module or a C file, `call EXPORT ARGS` calls one of its functions with values of its own types. TAB
completes commands, files, exports and interrupt sources. A board that is unplugged or restarted is waited for.

Lines read from a pipe are done one after another. --plain opens no session: bytes go both ways as in any terminal
program, and Ctrl-] leaves.

\b
Examples:
  wirq -b qemu:stm32f4 repl
  printf 'load fib.wasm\\ncall fib 20\\n' | wirq -b host repl
"""

#: After this much silence a line is taken as answered, when lines come from a pipe.
_QUIET = 0.2

#: How long the board is listened to before the keyboard is looked at again.
_GLANCE = 0.03

_LEAVE = b"\x1d"  # Ctrl-]


@click.command("repl", help=_HELP)
@click.option("--plain", is_flag=True, help="A plain terminal: no session, no line editing.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write what it says to FILE.")
@click.pass_obj
def command(context: Context, plain: bool, save: Path | None) -> None:
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context(open_file(save)) if save else None
        if plain:
            _plain(context, copy)
        else:
            _session(context, stack, copy)
    context.result()


def _session(context: Context, stack: contextlib.ExitStack, copy: BinaryIO | None) -> None:
    stream = TextStream(context, clock="none")

    def show(data: bytes) -> None:
        if copy is not None:
            copy.write(data)
        stream.feed(data)

    def attach(board: Board) -> None:
        board.on_text = show

    attached = stack.enter_context(Attached(context, attach))
    session = ReplSession(context, attached, show)
    if sys.stdin.isatty() and not context.json:
        info = attached.board.info
        context.note(f"{info.name}, VM {info.vm_version}; help lists its commands, Ctrl-D leaves")
        attached.board.console.write_line()
        watch = Watch(attached, session)
        for line in _lines_of_terminal(watch, stack):
            watch.guarded(lambda line=line: session.do(line))  # type: ignore[misc]
    else:
        for line in sys.stdin:
            session.do(line.rstrip("\r\n"))
            attached.board.console.wait_quiet(_QUIET, context.timeout)
    stream.finish()


class Watch:
    """Notices while nobody types that the board has gone, and that it is back."""

    def __init__(self, attached: Attached, session: ReplSession) -> None:
        self.attached = attached
        self.session = session
        self._lost = False

    def guarded(self, action: Callable[[], object]) -> None:
        """Does something with the board, if it is there. Raises LinkError if it has gone for ever."""
        if self._lost:
            return
        try:
            action()
        except LinkError as error:
            self._lost = True
            self.session.forget()
            self.attached.lost(error)

    def while_idle(self, typed: Callable[[], bool]) -> None:
        """Returns when a key was typed."""
        while not typed():
            if not self._lost:
                self.guarded(lambda: self.attached.board.wait(_GLANCE))
            elif self.attached.is_back():
                self._lost = False
            else:
                time.sleep(PAUSE)


def _lines_of_terminal(watch: Watch, stack: contextlib.ExitStack) -> Iterator[str]:
    """Lines with editing, history and completion, while what the board says appears above them."""
    import platformdirs
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.patch_stdout import patch_stdout

    class Words(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            before = document.text_before_cursor
            typed = "" if not before or before[-1].isspace() else before.split()[-1]
            for word, remark in watch.session.completions(before):
                yield Completion(word, start_position=-len(typed), display_meta=remark)

    history = Path(platformdirs.user_state_dir("wirq")) / "repl-history"
    history.parent.mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)), completer=Words(), complete_while_typing=False
    )
    stack.enter_context(patch_stdout(raw=True))
    while True:
        try:
            yield session.prompt("", inputhook=lambda hook: watch.while_idle(hook.input_is_ready))
        except KeyboardInterrupt:
            watch.guarded(watch.attached.board.stop)
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
