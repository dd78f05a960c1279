"""The app that a command is given: a module, or C that is compiled to one; checked against the board and sent to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from firmware_host.board import Board
from firmware_host.cli.context import Context
from firmware_host.errors import BadModule, NoSpace
from firmware_host.info import BoardInfo
from firmware_host.symbols.report import SHOWN, build_of
from firmware_host.wasm import Module

#: Suffixes of files that the guest compiler takes.
C_SUFFIXES = (".c",)


@dataclass(frozen=True)
class AppFile:
    """A module with its names, and what goes to the board: the same without custom sections."""

    name: str
    module: Module
    stripped: bytes
    path: Path

    @property
    def build(self) -> str:
        """A short name of exactly these bytes."""
        return build_of(self.stripped)[:SHOWN]

    @property
    def module_name(self) -> str:
        """What to call the module, also when it was made of C."""
        return f"{Path(self.name).stem}.wasm"


def load_app(path: Path, context: Context) -> AppFile:
    """Reads a module, compiling it first if it is C. Raises BuildError, BadModule, ToolMissing."""
    source = path
    if path.suffix in C_SUFFIXES:
        path = compiled(path, context)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadModule(f"cannot read {source}: {error.strerror}; nothing was sent") from error
    try:
        module = Module.parse(data)
        return AppFile(source.name, module, module.strip(), source.absolute())
    except BadModule as error:
        is_module = data.startswith(b"\0asm")
        hint = error.hint if is_module else "give a binary module (.wasm) or a C file (.c)"
        message = f"{source.name} is refused: {error}; nothing was sent"
        raise BadModule(message, hint=hint, offset=error.offset) from error


def compiled(source: Path, context: Context) -> Path:
    """The module made of a C file. It stays in the cache: traps are told by its names."""
    from firmware_host import resources
    from firmware_host.build.guest import compile_c

    key = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:8]
    output = resources.cache_dir() / "guests" / f"{source.stem}-{key}.wasm"
    context.detail(f"compiling {source.name}")
    return compile_c(source, output, report=context.note)


def check_entry(app: AppFile) -> None:
    """Refuses a module that there is nothing to run of, before it is sent: no entry point and no interrupt handler. One
    that can attach handlers while it is initialised is the board's to judge."""
    functions = [one.name for one in app.module.exports if one.kind == 0]
    if any(name in ("_start", "main") or name.startswith("irq:") for name in functions):
        return
    if any(one.module == "wirq" and one.name.startswith("attach") for one in app.module.imports):
        return
    if functions:
        hint = f"it exports {', '.join(functions)}: wirq call {app.name} EXPORT calls one"
    elif Path(app.name).suffix in C_SUFFIXES:
        hint = '#include "wirq_guest.h" in it: that exports main'
    else:
        hint = "export _start or main, or a handler irq:SOURCE"
    raise BadModule(f"{app.name} has neither an entry point nor an interrupt handler; nothing was sent", hint=hint)


def check_memory(app: AppFile, info: BoardInfo) -> None:
    """Refuses a module whose linear memory cannot fit the board, before it is sent."""
    memory = app.module.memory
    if memory is None or memory.minimum_bytes <= info.arena_size:
        return
    asked = f"{memory.minimum_bytes} bytes of linear memory"
    if memory.page_size > 1:
        asked += f" ({memory.limits.minimum} pages of {memory.page_size // 1024} KiB)"
    raise NoSpace(
        f"{app.name} asks for {asked}; {info.name} has {info.arena_size} bytes for everything; nothing was sent",
        hint="link it with --page-size=1 and a small -z stack-size=N: wirq run does so for a C file",
        memory_bytes=memory.minimum_bytes,
        arena_size=info.arena_size,
    )


def send(board: Board, app: AppFile, context: Context) -> None:
    """Checks it against the board and sends it."""
    check_memory(app, board.info)
    with context.progress(app.name, lambda: board.resent) as progress:
        board.put(app.stripped, app.name, progress, symbols=app.module.data, replace=True)
