"""Makes a module's memory as small as what its linker laid out in it: up to __heap_base, in pages of one byte.

Compilers ask for whole pages of 64 KiB, which small boards do not have. A module that never grows its memory, nor asks
how large it is, has no use for what lies behind its heap's base. The rewrite is the user's decision: a program that
computes addresses behind __heap_base by itself would trap there.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_host.errors import BadModule
from firmware_host.wasm.encode import unsigned
from firmware_host.wasm.instructions import expression_end, instructions, locals_end
from firmware_host.wasm.module import Module
from firmware_host.wasm.reader import Reader
from firmware_host.wasm.rewrite import edited
from firmware_host.wasm.types import Kind, SectionId

_HEAP_BASE = "__heap_base"

#: Limits with a maximum and a page size of their own; the exponent 0 is a page of one byte.
_LIMITS = b"\x09"
_ONE_BYTE = b"\x00"

_I32_CONST, _END = 0x41, 0x0B
_MEMORY_SIZE, _MEMORY_GROW = 0x3F, 0x40


@dataclass(frozen=True)
class Shrunk:
    """The module with its new memory; bytes of that memory before and now."""

    data: bytes
    before: int
    now: int


def shrink(data: bytes) -> Shrunk:
    """Rewrites the memory section, nothing else. Raises BadModule saying why it cannot be done."""
    module = Module.parse(data)
    memory = module.memory
    if memory is None:
        raise BadModule("it has no memory, so there is nothing to shrink")
    if module.imported(Kind.MEMORY) or len(module.memories) > 1:
        raise BadModule("its memory is imported, or it has several: only one memory of its own can be shrunk")
    base = _heap_base(module)
    for code in module.code:
        for one in instructions(data, locals_end(data, code.start, code.end), code.end):
            if one.opcode in (_MEMORY_SIZE, _MEMORY_GROW):
                what = "grows its memory" if one.opcode == _MEMORY_GROW else "asks for its memory's size"
                raise BadModule(
                    f"it {what} (byte {one.start:#x}), so what lies behind {_HEAP_BASE} is in use",
                    hint="build it without malloc, or give it a fixed memory: -Wl,--page-size=1 -Wl,-z,stack-size=N",
                )
    end = _data_end(module)
    if end > base:
        raise BadModule(f"a data segment ends at {end}, behind {_HEAP_BASE}, which is {base}")
    if base >= memory.minimum_bytes:
        raise BadModule(
            f"its memory is {memory.minimum_bytes} bytes, and {_HEAP_BASE} is {base}: it is as small already"
        )
    limits = _LIMITS + unsigned(base) + unsigned(base) + _ONE_BYTE
    return Shrunk(edited(data, SectionId.MEMORY, lambda items, body: (items, limits)), memory.minimum_bytes, base)


def _heap_base(module: Module) -> int:
    """The value of the exported global __heap_base."""
    export = module.export(_HEAP_BASE)
    if export is None or export.kind != Kind.GLOBAL:
        raise BadModule(
            f"it does not export {_HEAP_BASE}, so nobody can tell what of its memory is in use",
            hint=f"link it with -Wl,--export={_HEAP_BASE}",
        )
    index = export.index - module.imported(Kind.GLOBAL)
    for section in module.sections:
        if section.id == SectionId.GLOBAL and index >= 0:
            reader = Reader(module.data, section.body, section.end)
            for i in range(reader.unsigned()):
                type_, mutable = reader.byte(), reader.byte()
                start = reader.position
                reader.bytes(expression_end(module.data, start, section.end) - start)
                if i == index:
                    value = _constant(module.data, start)
                    if type_ == 0x7F and not mutable and value is not None:
                        return value
    raise BadModule(f"its global {_HEAP_BASE} is no constant i32")


def _constant(data: bytes, start: int) -> int | None:
    """The value of an expression that is one i32.const."""
    reader = Reader(data, start)
    if reader.byte() != _I32_CONST:
        return None
    value = reader.signed(32) & 0xFFFFFFFF
    return value if reader.byte() == _END else None


def _data_end(module: Module) -> int:
    """Where the last active data segment ends. Raises BadModule if one has an address that is no constant."""
    end = 0
    for section in module.sections:
        if section.id != SectionId.DATA:
            continue
        reader = Reader(module.data, section.body, section.end)
        for _ in range(reader.unsigned()):
            form = reader.unsigned()
            address = 0
            if form != 1:
                if form == 2:
                    reader.unsigned()
                start = reader.position
                found = _constant(module.data, start)
                if found is None:
                    raise BadModule("a data segment has an address that only a board can compute")
                address = found
                reader.bytes(expression_end(module.data, start, section.end) - start)
            size = reader.unsigned()
            reader.bytes(size)
            end = max(end, address + size if form != 1 else 0)
    return end
