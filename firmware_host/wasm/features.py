"""Which features beyond WebAssembly 1.0 a module needs, by its bytes. A loader decides; tests compare the two."""

from __future__ import annotations

from collections.abc import Iterator

from firmware_host.errors import BadModule
from firmware_host.wasm.instructions import PREFIX, instructions, locals_end
from firmware_host.wasm.module import Module
from firmware_host.wasm.reader import Reader
from firmware_host.wasm.types import DEFAULT_PAGE_SIZE, FunctionType, GlobalType, Kind, SectionId

#: First and last opcode (prefix in the high byte), and the feature as vm/include/wirq_errors.h calls it.
_OPCODES: tuple[tuple[int, int, str], ...] = (
    (0x06, 0x07, "legacy-exceptions"),
    (0x08, 0x08, "exceptions"),
    (0x09, 0x09, "legacy-exceptions"),
    (0x0A, 0x0A, "exceptions"),
    (0x12, 0x13, "tail-call"),
    (0x14, 0x15, "function-references"),
    (0x18, 0x19, "legacy-exceptions"),
    (0x1C, 0x1C, "reference-types"),
    (0x1F, 0x1F, "exceptions"),
    (0x25, 0x26, "reference-types"),
    (0xC0, 0xC4, "sign-extension"),
    (0xD0, 0xD2, "reference-types"),
    (0xD3, 0xD3, "gc"),
    (0xD4, 0xD6, "function-references"),
    (0xE0, 0xE6, "stack-switching"),
    (0xFB, 0xFB, "gc"),
    (0xFD, 0xFD, "simd"),
    (0xFE, 0xFE, "threads"),
    (0xFC00, 0xFC07, "nontrapping-fptoint"),
    (0xFC08, 0xFC09, "bulk-memory"),
    (0xFC0A, 0xFC0B, "bulk-memory-opt"),
    (0xFC0C, 0xFC0E, "bulk-memory"),
    (0xFC0F, 0xFC11, "reference-types"),
    (0xFC13, 0xFC16, "wide-arithmetic"),
)

#: Value types by their text.
_TYPES = {"v128": "simd", "funcref": "reference-types", "externref": "reference-types", "exnref": "exceptions"}

_RETURN_CALL_REF = 0x15
_EXTENDED_CONSTANTS = (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E)
_BLOCKS = (0x02, 0x03, 0x04, 0x1F)
_MEMORY_OPERANDS = range(0x28, 0x3F)
_HAS_MEMORY_INDEX = 0x40


def needed(module: Module) -> frozenset[str]:
    """Names of the features. Of code that this tool cannot walk, those up to there."""
    found = set(_of_types(module)) | set(_of_sections(module))
    for code in module.code:
        found |= set(_of_code(module.data, code.start, code.end))
    return frozenset(found)


def _of_opcode(opcode: int) -> Iterator[str]:
    yield from (name for first, last, name in _OPCODES if first <= opcode <= last)
    if opcode == _RETURN_CALL_REF:
        yield "tail-call"


def _of_code(data: bytes, start: int, end: int) -> Iterator[str]:
    reader = Reader(data, start, end)
    for _ in range(reader.unsigned()):
        reader.unsigned()
        yield from _of_value(data[reader.position])
        reader = Reader(data, _after_type(data, reader.position, end), end)
    begin = at = locals_end(data, start, end)
    try:
        for one in instructions(data, begin, end):
            at = one.end
            yield from _of_opcode(one.opcode)
            operands = data[one.operands : one.end]
            if one.opcode in _BLOCKS and Reader(data, one.operands, end).signed(33) >= 0:
                yield "multi-value"
            if one.opcode in _MEMORY_OPERANDS and Reader(data, one.operands, end).unsigned() & _HAS_MEMORY_INDEX:
                yield "multi-memory"
            if one.opcode == 0xD0 and operands[0] in (0x63, 0x64):
                yield "function-references"
    except BadModule:  # an instruction that this tool cannot walk over: told by its first byte
        yield from _of_opcode(data[at] if data[at] != PREFIX else PREFIX << 8 | Reader(data, at + 1, end).unsigned())


def _after_type(data: bytes, at: int, end: int) -> int:
    reader = Reader(data, at, end)
    if reader.byte() in (0x63, 0x64):
        reader.signed(33)
    return reader.position


def _of_value(byte: int) -> Iterator[str]:
    if byte in (0x63, 0x64, 0x72, 0x73):
        yield "function-references"
    elif byte == 0x7B:
        yield "simd"
    elif byte in (0x70, 0x6F):
        yield "reference-types"
    elif byte in (0x69, 0x74):
        yield "exceptions"
    elif byte in (0x68, 0x75):
        yield "stack-switching"
    elif 0x60 < byte < 0x7B:
        yield "gc"


def _of_name(type_: str) -> Iterator[str]:
    if type_ in _TYPES:
        yield _TYPES[type_]
    elif type_.startswith("(ref"):
        yield "function-references"
    elif type_.startswith("type "):
        yield from _of_value(int(type_.split()[1], 16))


def _of_types(module: Module) -> Iterator[str]:
    for type_ in module.types:
        if type_ is None:
            yield "gc"
            continue
        for value in (*type_.parameters, *type_.results):
            yield from _of_name(value)
        if len(type_.results) > 1:
            yield "multi-value"
    for table in module.tables:
        if table.element != "funcref":
            yield from _of_name(table.element)
        if table.limits.wide:
            yield "memory64"
    for memory in module.memories:
        if memory.limits.wide:
            yield "memory64"
        if memory.limits.shared:
            yield "threads"
        if memory.page_size != DEFAULT_PAGE_SIZE:
            yield "custom-page-sizes"
    for one in module.globals:
        yield from _of_name(one.value)
    if len(module.memories) > 1:
        yield "multi-memory"
    if len(module.tables) > 1:
        yield "multi-table"
    if any(isinstance(one.type, GlobalType) and one.type.mutable for one in module.imports):
        yield "mutable-globals"
    for export in module.exports:
        if export.kind == Kind.TAG:
            yield "exceptions"
        if export.kind == Kind.GLOBAL and export.index < len(module.globals) and module.globals[export.index].mutable:
            yield "mutable-globals"
    if any(one.kind == Kind.TAG and isinstance(one.type, FunctionType) for one in module.imports):
        yield "exceptions"


def _of_sections(module: Module) -> Iterator[str]:
    for section in module.sections:
        reader = Reader(module.data, section.body, section.end)
        if section.id == SectionId.TAG:
            yield "exceptions"
        elif section.id == SectionId.MEMORY:
            yield from _of_memories(reader)
        elif section.id == SectionId.GLOBAL:
            yield from _of_globals(reader, module.imported(Kind.GLOBAL))
        elif section.id == SectionId.TABLE and reader.unsigned() and module.data[reader.position] == 0x40:
            yield "function-references"
        elif section.id == SectionId.DATA:
            yield from _of_data(reader)
        elif section.id == SectionId.ELEMENT:
            yield from _of_elements(reader)


def _of_constant(reader: Reader, imported_globals: int | None) -> Iterator[str]:
    """A constant expression; the reader is behind its `end` afterwards."""
    for one in instructions(reader.data, reader.position, reader.end):
        reader.bytes(one.end - one.start)
        yield from _of_opcode(one.opcode)
        if one.opcode in _EXTENDED_CONSTANTS:
            yield "extended-const"
        index = Reader(reader.data, one.operands, one.end).unsigned() if one.opcode == 0x23 else 0
        if imported_globals is not None and one.opcode == 0x23 and index >= imported_globals:
            yield "extended-const"
        if one.opcode == 0x0B:
            return


def _of_globals(reader: Reader, imported: int) -> Iterator[str]:
    for _ in range(reader.unsigned()):
        reader.bytes(_after_type(reader.data, reader.position, reader.end) - reader.position)
        reader.byte()
        yield from _of_constant(reader, imported)


def _of_memories(reader: Reader) -> Iterator[str]:
    """A page size that is said, even that of every page."""
    for _ in range(reader.unsigned()):
        flags = reader.byte()
        for _ in range(1 + (flags & 1)):
            reader.unsigned(64)
        if flags & 8:
            reader.unsigned()
            yield "custom-page-sizes"


def _of_data(reader: Reader) -> Iterator[str]:
    for _ in range(reader.unsigned()):
        form = reader.unsigned()
        if form == 1:
            yield "bulk-memory"
        else:
            if form == 2:
                reader.unsigned()
            yield from _of_constant(reader, None)
        reader.bytes(reader.unsigned())


def _of_elements(reader: Reader) -> Iterator[str]:
    for _ in range(reader.unsigned()):
        form = reader.unsigned()
        if form & 1:
            yield "bulk-memory"
        if form & 4:
            yield "reference-types"
        if not form & 1:
            if form & 2:
                reader.unsigned()
            yield from _of_constant(reader, None)
        if form & 3 and form & 4:
            reader.bytes(_after_type(reader.data, reader.position, reader.end) - reader.position)
        elif form & 3:
            reader.byte()
        for _ in range(reader.unsigned()):
            if form & 4:
                yield from (name for name in _of_constant(reader, None) if name != "bulk-memory")
            else:
                reader.unsigned()
