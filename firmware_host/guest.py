"""The guest that a board is given: a module, or C that is compiled to one; what goes to the board, and its names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware_host.errors import BadModule
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


def load(path: Path, report: Callable[[str], None] | None = None) -> AppFile:
    """Reads a module, compiling it first if it is C; `report` is given the compiler's warnings. Raises BuildError,
    BadModule, ToolMissing."""
    module = compiled(path, report) if path.suffix in C_SUFFIXES else path
    try:
        data = module.read_bytes()
    except OSError as error:
        raise BadModule(f"cannot read {path}: {error.strerror}; nothing was sent") from error
    return of_bytes(data, path.name, path.absolute())


def of_bytes(data: bytes, name: str = "app.wasm", path: Path | None = None) -> AppFile:
    """A module that is in memory already. Raises BadModule."""
    try:
        module = Module.parse(data)
        return AppFile(name, module, module.strip(), path or Path())
    except BadModule as error:
        hint = error.hint if data.startswith(b"\0asm") else _instead_of(data, name)
        message = f"{name} is refused: {error}; nothing was sent"
        raise BadModule(message, hint=hint, offset=error.offset) from error


def _instead_of(data: bytes, name: str) -> str:
    """What to give instead of a file that is no module."""
    if data.lstrip().startswith((b"(", b";;")):
        output = f"{Path(name).stem}.wasm"
        return f"it is text: wat2wasm {name} -o {output}, or wasm-tools parse {name} -o {output}, makes a module of it"
    return "give a binary module (.wasm) or a C file (.c)"


def compiled(source: Path, report: Callable[[str], None] | None = None) -> Path:
    """The module made of a C file. It stays in the cache: traps are told by its names."""
    from firmware_host import resources
    from firmware_host.build.guest import compile_c

    key = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:8]
    output = resources.cache_dir() / "guests" / f"{source.stem}-{key}.wasm"
    return compile_c(source, output, report=report)
