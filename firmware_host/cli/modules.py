"""The app that a command is given: a module, or C that is compiled to one; checked against the board and sent to it."""

from __future__ import annotations

from pathlib import Path

from firmware_host.board import Board
from firmware_host.cli.context import Context
from firmware_host.errors import BadModule, NoSpace
from firmware_host.guest import C_SUFFIXES, AppFile, load
from firmware_host.info import BoardInfo

__all__ = ["C_SUFFIXES", "AppFile", "check_entry", "check_memory", "is_c", "load_app", "send"]


def is_c(path: Path) -> bool:
    """Is it a file that is compiled first?"""
    return path.suffix in C_SUFFIXES


def load_app(path: Path, context: Context) -> AppFile:
    """Reads a module, compiling it first if it is C. Raises BuildError, BadModule, ToolMissing."""
    if is_c(path):
        context.detail(f"compiling {path.name}")
    return load(path, context.note)


def check_entry(app: AppFile) -> None:
    """Refuses a module that there is nothing to run of, before it is sent: no entry point and no interrupt handler. One
    that can attach handlers while it is initialised is the board's to judge."""
    functions = [one.name for one in app.module.exports if one.kind == 0]
    if any(name in ("_start", "main") or name.startswith("irq:") for name in functions):
        return
    if any(one.module == "wirq" and one.name.startswith("attach") for one in app.module.imports):
        return
    hints = []
    if is_c(app.path):  # first, for its main may be there, and yet not be exported
        hints.append('#include "wirq_guest.h" in it: that exports main')
    if functions:
        hints.append(f"it exports {', '.join(functions)}: wirq call {app.name} EXPORT calls one")
    elif not hints:
        hints.append("export _start or main, or a handler irq:SOURCE")
    raise BadModule(
        f"{app.name} has neither an entry point nor an interrupt handler; nothing was sent", hint="\n".join(hints)
    )


def check_memory(app: AppFile, info: BoardInfo, taken: int = 0) -> None:
    """Refuses a module whose linear memory cannot fit the board, before it is sent. `taken`: bytes that the VM has for
    itself of the board's memory, its stacks and tables."""
    memory = app.module.memory
    room = info.arena_size - taken
    if memory is None or memory.minimum_bytes <= room:
        return
    asked = f"{memory.minimum_bytes} bytes of linear memory"
    if memory.page_size > 1:
        asked += f" ({memory.limits.minimum} pages of {memory.page_size // 1024} KiB)"
    raise NoSpace(
        f"{app.name} asks for {asked}; {info.name} has {room} bytes for modules; nothing was sent",
        hint="link it with --page-size=1 and a small -z stack-size=N: wirq run does so for a C file",
        memory_bytes=memory.minimum_bytes,
        arena_size=info.arena_size,
        room=room,
    )


def send(board: Board, app: AppFile, context: Context) -> None:
    """Checks it against the board, ends what the board runs, such as its autostart module, and sends it."""
    check_memory(app, board.info, board.memory().vm_bytes)
    if board.halt():
        context.note("what the board was running has been stopped")
    with context.progress(app.name, lambda: board.resent) as progress:
        board.put(app.stripped, app.name, progress, symbols=app.module.data, replace=True)
