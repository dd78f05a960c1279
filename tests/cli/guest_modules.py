"""Small modules with known behaviour, written byte by byte: what the tests of the command line run."""

from __future__ import annotations

from firmware_host.wasm.encode import END, ModuleWriter, signed
from firmware_host.wasm.types import FunctionType, Kind, Limits, MemoryType

_NOTHING = FunctionType()
_NUMBER = FunctionType((), ("i32",))
_TWO = FunctionType(("i32", "i32"), ("i32",))
HANDLER = FunctionType(("i32", "i32", "i32"))

_CONST = b"\x41"
_LOOP_FOR_EVER = b"\x03\x40\x0c\x00\x0b"


def add() -> bytes:
    """Exports add, and fail, which divides by zero."""
    module = ModuleWriter()
    module.export("add", Kind.FUNCTION, module.function(_TWO, b"\x20\x00\x20\x01\x6a" + END))
    module.export("fail", Kind.FUNCTION, module.function(_NUMBER, b"\x41\x01\x41\x00\x6d" + END))
    return module.finish()


def main_returns(value: int) -> bytes:
    module = ModuleWriter()
    module.export("main", Kind.FUNCTION, module.function(_NUMBER, _CONST + signed(value) + END))
    return module.finish()


def main_traps() -> bytes:
    module = ModuleWriter()
    module.export("main", Kind.FUNCTION, module.function(_NUMBER, b"\x00" + END))
    return module.finish()


def main_never_ends() -> bytes:
    module = ModuleWriter()
    module.export("main", Kind.FUNCTION, module.function(_NOTHING, _LOOP_FOR_EVER + END))
    return module.finish()


def loops_in_initialize_and_main(times: int) -> bytes:
    """Both go round a loop `times` times, one branch each time."""
    module = ModuleWriter()
    loop = _CONST + signed(times) + b"\x21\x00\x03\x40\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b"
    for name in ("_initialize", "main"):
        module.export(name, Kind.FUNCTION, module.function(_NOTHING, loop + END, ("i32",)))
    return module.finish()


def memory_of(pages: int) -> bytes:
    """Asks for so many pages of 64 KiB."""
    module = ModuleWriter()
    module.memory(MemoryType(Limits(pages)))
    module.export("main", Kind.FUNCTION, module.function(_NUMBER, b"\x41\x00" + END))
    return module.finish()


def code_of(size: int) -> bytes:
    """A valid module of about so many bytes."""
    module = ModuleWriter()
    body = b"\x01" * 4000 + END
    for _ in range(size // 4000 + 1):
        module.function(_NOTHING, body)
    return module.finish()


def imports(module_name: str, name: str) -> bytes:
    module = ModuleWriter()
    module.import_function(module_name, name, _TWO)
    module.export("main", Kind.FUNCTION, module.function(_NOTHING))
    return module.finish()


def handler(source: str, type_: FunctionType = HANDLER) -> bytes:
    """A reactor with a handler of that source and nothing else."""
    module = ModuleWriter()
    module.export(f"irq:{source}", Kind.FUNCTION, module.function(type_))
    return module.finish()


def nothing_to_run() -> bytes:
    """Exports a function, but no entry point and no handler."""
    return add()


def invalid() -> bytes:
    """Well-formed, but a function that owes an i32 gives none."""
    module = ModuleWriter()
    module.export("main", Kind.FUNCTION, module.function(_NUMBER))
    return module.finish()


def simd() -> bytes:
    """Uses a feature that no build has yet: v128.const and drop."""
    module = ModuleWriter()
    code = b"\xfd\x0c" + bytes(16) + b"\x1a"
    module.export("main", Kind.FUNCTION, module.function(_NOTHING, code + END))
    return module.finish()
