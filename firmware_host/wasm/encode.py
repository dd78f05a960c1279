"""Writes small binary modules: what tests and the conformance runner need beside what compilers make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from firmware_host.wasm.sections import MAGIC, VERSION
from firmware_host.wasm.types import (
    DEFAULT_PAGE_SIZE,
    VALUE_TYPE_BYTES,
    FunctionType,
    GlobalType,
    Kind,
    Limits,
    MemoryType,
    SectionId,
    TableType,
)

END = b"\x0b"


def unsigned(value: int, length: int = 0) -> bytes:
    """An unsigned LEB128 number, padded to `length` bytes if that is more than it needs."""
    if value < 0:
        raise ValueError(f"{value} is negative")
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if value or len(out) + 1 < length:
            out.append(byte | 0x80)
        else:
            out.append(byte)
            return bytes(out)


def signed(value: int) -> bytes:
    """A signed LEB128 number, as short as it can be."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def vector(items: Iterable[bytes]) -> bytes:
    """The number of items, then the items."""
    listed = list(items)
    return unsigned(len(listed)) + b"".join(listed)


def name(text: str) -> bytes:
    """Length in bytes, then UTF-8."""
    raw = text.encode("utf-8")
    return unsigned(len(raw)) + raw


def value_types(names: Sequence[str]) -> bytes:
    return vector(bytes([VALUE_TYPE_BYTES[one]]) for one in names)


def function_type(type_: FunctionType) -> bytes:
    return b"\x60" + value_types(type_.parameters) + value_types(type_.results)


def limits(value: Limits, page_size: int = DEFAULT_PAGE_SIZE) -> bytes:
    flags = (value.maximum is not None) | value.shared << 1 | value.wide << 2 | (page_size != DEFAULT_PAGE_SIZE) << 3
    out = bytes([flags]) + unsigned(value.minimum)
    if value.maximum is not None:
        out += unsigned(value.maximum)
    if page_size != DEFAULT_PAGE_SIZE:
        out += unsigned(page_size.bit_length() - 1)
    return out


def constant(value_type: str, bits: int) -> bytes:
    """The expression that gives a constant, its bit pattern given as an unsigned number."""
    if value_type in ("i32", "i64"):
        width = int(value_type[1:])
        number = bits - (1 << width) if bits >> (width - 1) else bits
        return (b"\x41" if width == 32 else b"\x42") + signed(number) + END
    if value_type in ("f32", "f64"):
        size = int(value_type[1:]) // 8
        return (b"\x43" if size == 4 else b"\x44") + bits.to_bytes(size, "little") + END
    if value_type == "funcref":
        return b"\xd0\x70" + END
    if value_type == "externref":
        return b"\xd0\x6f" + END
    raise ValueError(f"no constant of type {value_type}")


def section(number: int, body: bytes) -> bytes:
    return bytes([number]) + unsigned(len(body)) + body


def custom_section(title: str, contents: bytes) -> bytes:
    return section(SectionId.CUSTOM, name(title) + contents)


@dataclass
class ModuleWriter:
    """Collects the parts of a module; finish() gives its bytes.

    Functions are given as type and body (local declarations and the final `end` included, see `body`).
    """

    types: list[FunctionType] = field(default_factory=list)
    imports: list[bytes] = field(default_factory=list)
    imported: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    functions: list[tuple[int, bytes]] = field(default_factory=list)
    tables: list[TableType] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    globals: list[tuple[GlobalType, bytes]] = field(default_factory=list)
    exports: list[bytes] = field(default_factory=list)

    def type(self, type_: FunctionType) -> int:
        """Index of a function type, added if it is new."""
        if type_ not in self.types:
            self.types.append(type_)
        return self.types.index(type_)

    def import_function(self, module: str, field_name: str, type_: FunctionType) -> int:
        """Imports come before definitions of their kind. Answers the function's index."""
        if self.functions:
            raise ValueError("functions are imported before any is defined")
        self.imports.append(name(module) + name(field_name) + b"\x00" + unsigned(self.type(type_)))
        self.imported[Kind.FUNCTION] += 1
        return self.imported[Kind.FUNCTION] - 1

    def function(self, type_: FunctionType, code: bytes = END, locals_: Sequence[str] = ()) -> int:
        """Defines a function; `code` ends with END. Answers its index."""
        declared = vector(unsigned(1) + bytes([VALUE_TYPE_BYTES[one]]) for one in locals_)
        self.functions.append((self.type(type_), declared + code))
        return self.imported[Kind.FUNCTION] + len(self.functions) - 1

    def table(self, type_: TableType) -> int:
        self.tables.append(type_)
        return self.imported[Kind.TABLE] + len(self.tables) - 1

    def memory(self, type_: MemoryType) -> int:
        self.memories.append(type_)
        return self.imported[Kind.MEMORY] + len(self.memories) - 1

    def global_(self, type_: GlobalType, bits: int) -> int:
        self.globals.append((type_, constant(type_.value, bits)))
        return self.imported[Kind.GLOBAL] + len(self.globals) - 1

    def export(self, text: str, kind: Kind, index: int) -> None:
        self.exports.append(name(text) + bytes([kind]) + unsigned(index))

    def finish(self) -> bytes:
        sections = (
            (SectionId.TYPE, [function_type(one) for one in self.types]),
            (SectionId.IMPORT, self.imports),
            (SectionId.FUNCTION, [unsigned(index) for index, _ in self.functions]),
            (SectionId.TABLE, [bytes([VALUE_TYPE_BYTES[one.element]]) + limits(one.limits) for one in self.tables]),
            (SectionId.MEMORY, [limits(one.limits, one.page_size) for one in self.memories]),
            (SectionId.GLOBAL, [bytes([VALUE_TYPE_BYTES[t.value], t.mutable]) + init for t, init in self.globals]),
            (SectionId.EXPORT, self.exports),
            (SectionId.CODE, [unsigned(len(body)) + body for _, body in self.functions]),
        )
        return MAGIC + VERSION + b"".join(section(number, vector(items)) for number, items in sections if items)
