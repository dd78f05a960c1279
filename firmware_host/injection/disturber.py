"""A handler for programs that have none: it uses its stack and the VM's registers as it can, and keeps nothing."""

from __future__ import annotations

from firmware_host.wasm import FunctionType, Kind
from firmware_host.wasm.encode import END, ModuleWriter, function_type, name, signed, unsigned
from firmware_host.wasm.rewrite import append, count
from firmware_host.wasm.types import SectionId

_HANDLER = FunctionType(("i32", "i32", "i32"))

_I32_CONST, _I64_CONST, _F64_CONST = b"\x41", b"\x42", b"\x44"
_GET, _SET, _TEE = b"\x20", b"\x21", b"\x22"
_LOOP, _BR_IF, _DROP = b"\x03\x40", b"\x0d", b"\x1a"

#: Locals: the three parameters, an i64, an f64 and an i32 that counts.
_WIDE, _REAL, _LEFT = b"\x03", b"\x04", b"\x05"
_LOCALS = b"\x03" + b"\x01\x7e" + b"\x01\x7c" + b"\x01\x7f"

_ROUNDS = 8

_BODY = (
    _LOCALS
    + (_I64_CONST + signed(0x0123456789ABCDEF) + _SET + _WIDE)
    + (_I32_CONST + signed(_ROUNDS) + _SET + _LEFT)
    + _LOOP
    # wide = rotl(wide * 0x9E3779B97F4A7C15, left) ^ left
    + (_GET + _WIDE + _I64_CONST + signed(0x9E3779B97F4A7C15 - (1 << 64)) + b"\x7e")
    + (_GET + _LEFT + b"\xad" + b"\x89" + _GET + _LEFT + b"\xad" + b"\x85" + _SET + _WIDE)
    # real = real + wide
    + (_GET + _REAL + _GET + _WIDE + b"\xb9" + b"\xa0" + _SET + _REAL)
    + (_GET + _LEFT + _I32_CONST + signed(1) + b"\x6b" + _TEE + _LEFT + _BR_IF + b"\x00")
    + END
    + END
)


def export_name(source: str) -> str:
    """The export that makes a function the handler of a source."""
    return f"irq:{source}"


def alone(source: str) -> bytes:
    """A module that is nothing but this handler."""
    writer = ModuleWriter()
    locals_ = len(_LOCALS)
    index = writer.function(_HANDLER, _BODY[locals_:], ("i64", "f64", "i32"))
    writer.export(export_name(source), Kind.FUNCTION, index)
    return writer.finish()


def added(module: bytes, source: str, functions: int) -> bytes:
    """The module with this handler as its last function; `functions` is how many it has, imported ones included."""
    type_index = count(module, SectionId.TYPE)
    module = append(module, SectionId.TYPE, function_type(_HANDLER))
    module = append(module, SectionId.FUNCTION, unsigned(type_index))
    export = name(export_name(source)) + bytes([Kind.FUNCTION]) + unsigned(functions)
    module = append(module, SectionId.EXPORT, export)
    return append(module, SectionId.CODE, unsigned(len(_BODY)) + _BODY)
