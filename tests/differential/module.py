"""A module that is being generated: types, index spaces, and the sections they come to in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_host.wasm.encode import name, section, unsigned, vector
from firmware_host.wasm.sections import MAGIC, VERSION
from firmware_host.wasm.types import Kind, SectionId

#: A value type: its name, or for a typed reference ("ref null 3") the index of its function type.
ValueType = str

_BYTES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "funcref": 0x70, "externref": 0x6F, "exnref": 0x69}
NUMBERS = ("i32", "i64", "f32", "f64")


def encode_type(type_: ValueType) -> bytes:
    if type_ in _BYTES:
        return bytes([_BYTES[type_]])
    *form, index = type_.split()
    return (b"\x63" if form == ["ref", "null"] else b"\x64") + unsigned(int(index))


def typed_reference(index: int, null: bool = True) -> ValueType:
    return f"ref null {index}" if null else f"ref {index}"


@dataclass(frozen=True)
class Signature:
    parameters: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def encode(self) -> bytes:
        return b"\x60" + vector(map(encode_type, self.parameters)) + vector(map(encode_type, self.results))


@dataclass(frozen=True)
class Global:
    type: ValueType
    mutable: bool
    init: bytes


@dataclass(frozen=True)
class Table:
    type: ValueType
    minimum: int
    maximum: int | None


@dataclass(frozen=True)
class Memory:
    minimum: int
    maximum: int
    page_shift: int  # 16, or 0

    @property
    def size(self) -> int:
        """Bytes at the beginning."""
        return self.minimum << self.page_shift

    def encode(self) -> bytes:
        custom = self.page_shift != 16
        flags = bytes([1 | custom << 3])
        return flags + unsigned(self.minimum) + unsigned(self.maximum) + (unsigned(self.page_shift) if custom else b"")


@dataclass(frozen=True)
class Data:
    content: bytes
    memory: int | None  # None: passive
    offset: bytes = b""

    def encode(self) -> bytes:
        if self.memory is None:
            head = b"\x01"
        elif self.memory == 0:
            head = b"\x00" + self.offset
        else:
            head = b"\x02" + unsigned(self.memory) + self.offset
        return head + vector(bytes([byte]) for byte in self.content)


@dataclass(frozen=True)
class Elements:
    functions: tuple[int | None, ...]  # None: null
    table: int | None  # None: passive, or declarative
    offset: bytes = b""
    declarative: bool = False

    def encode(self) -> bytes:
        if self.declarative:
            return b"\x03\x00" + vector(unsigned(one or 0) for one in self.functions)
        expressions = None in self.functions
        if expressions:
            items = vector(
                b"\xd0\x70\x0b" if one is None else b"\xd2" + unsigned(one) + b"\x0b" for one in self.functions
            )
        else:
            items = vector(unsigned(one or 0) for one in self.functions)
        if self.table is None:
            return (b"\x05\x70" if expressions else b"\x01\x00") + items
        if self.table == 0:
            return (b"\x04" if expressions else b"\x00") + self.offset + items
        head = b"\x06" if expressions else b"\x02"
        return head + unsigned(self.table) + self.offset + (b"\x70" if expressions else b"\x00") + items


@dataclass
class Module:
    """Index spaces as they are filled; functions are declared first and get their bodies later."""

    signatures: list[Signature] = field(default_factory=list)
    imports: list[tuple[str, str, int]] = field(default_factory=list)  # functions: module, name, type
    functions: list[int] = field(default_factory=list)  # type of each, imported ones first
    bodies: dict[int, bytes] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    data: list[Data] = field(default_factory=list)
    elements: list[Elements] = field(default_factory=list)
    exports: list[tuple[str, Kind, int]] = field(default_factory=list)
    start: int | None = None

    def type(self, signature: Signature) -> int:
        if signature not in self.signatures:
            self.signatures.append(signature)
        return self.signatures.index(signature)

    def import_function(self, module: str, field_: str, signature: Signature) -> int:
        self.imports.append((module, field_, self.type(signature)))
        self.functions.append(self.type(signature))
        return len(self.functions) - 1

    def declare(self, signature: Signature) -> int:
        self.functions.append(self.type(signature))
        return len(self.functions) - 1

    def signature(self, function: int) -> Signature:
        return self.signatures[self.functions[function]]

    def finish(self) -> bytes:
        tables = [
            encode_type(one.type)
            + (
                b"\x00" + unsigned(one.minimum)
                if one.maximum is None
                else b"\x01" + unsigned(one.minimum) + unsigned(one.maximum)
            )
            for one in self.tables
        ]
        own = range(len(self.imports), len(self.functions))
        sections: list[tuple[int, list[bytes]]] = [
            (SectionId.TYPE, [one.encode() for one in self.signatures]),
            (SectionId.IMPORT, [name(m) + name(f) + b"\x00" + unsigned(t) for m, f, t in self.imports]),
            (SectionId.FUNCTION, [unsigned(self.functions[i]) for i in own]),
            (SectionId.TABLE, tables),
            (SectionId.MEMORY, [one.encode() for one in self.memories]),
            (SectionId.TAG, [b"\x00" + unsigned(one) for one in self.tags]),
            (SectionId.GLOBAL, [encode_type(one.type) + bytes([one.mutable]) + one.init for one in self.globals]),
            (SectionId.EXPORT, [name(text) + bytes([kind]) + unsigned(index) for text, kind, index in self.exports]),
            (SectionId.ELEMENT, [one.encode() for one in self.elements]),
            (SectionId.CODE, [unsigned(len(self.bodies[i])) + self.bodies[i] for i in own]),
            (SectionId.DATA, [one.encode() for one in self.data]),
        ]
        out = bytearray(MAGIC + VERSION)
        for number, items in sections:
            if number == SectionId.ELEMENT and self.start is not None:
                out += section(SectionId.START, unsigned(self.start))
            if number == SectionId.CODE and any(one.memory is None for one in self.data):
                out += section(SectionId.DATA_COUNT, unsigned(len(self.data)))
            if items:
                out += section(number, vector(items))
        return bytes(out)
