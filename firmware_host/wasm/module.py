"""Takes a binary module apart: types, imports, exports, memory, names. Code stays bytes: the board validates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from firmware_host.errors import BadModule
from firmware_host.wasm.reader import Reader, malformed
from firmware_host.wasm.sections import SETTINGS, split, strip
from firmware_host.wasm.types import (
    DEFAULT_PAGE_SIZE,
    VALUE_TYPES,
    Code,
    Export,
    ExternType,
    FunctionType,
    GlobalType,
    Import,
    Kind,
    Limits,
    MemoryType,
    Section,
    SectionId,
    TableType,
)

_LIMIT_HAS_MAXIMUM = 0x01
_LIMIT_SHARED = 0x02
_LIMIT_WIDE = 0x04
_LIMIT_PAGE_SIZE = 0x08

#: Subsection of the custom section "name" that holds names of functions.
_FUNCTION_NAMES = 1
#: … and of tags.
_TAG_NAMES = 11


#: How functions begin that guests/c/wirq_guest.h gives names that no source has.
_RENAMED = ("wirq_guest_", "wirq_irq_")


@dataclass(frozen=True)
class Module:
    """A module in its binary form and what its sections say.

    Make one with Module.parse. Index spaces count imports first: `functions[i]` is the type of function i.
    """

    data: bytes = field(repr=False)
    sections: tuple[Section, ...]
    types: tuple[FunctionType | None, ...]  # None: a type that is no function type
    imports: tuple[Import, ...]
    functions: tuple[FunctionType, ...]
    tables: tuple[TableType, ...]
    memories: tuple[MemoryType, ...]
    globals: tuple[GlobalType, ...]
    exports: tuple[Export, ...]
    start: int | None
    code: tuple[Code, ...]
    function_names: dict[int, str]
    tags: tuple[FunctionType, ...] = ()
    tag_names: dict[int, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes) -> Module:
        """Takes `data` apart. Raises BadModule where the bytes are no module, naming the offset."""
        return _Parser(bytes(data)).parse()

    @property
    def memory(self) -> MemoryType | None:
        """Memory 0, the only one that most modules have."""
        return self.memories[0] if self.memories else None

    @property
    def code_size(self) -> int:
        """Bytes of all function bodies."""
        return sum(code.end - code.start for code in self.code)

    def imported(self, kind: Kind) -> int:
        """How many imports of a kind there are; the first index that the module defines itself."""
        return sum(1 for one in self.imports if one.kind == kind)

    def export(self, name: str) -> Export | None:
        """The export of that name."""
        return next((one for one in self.exports if one.name == name), None)

    def exported_function(self, name: str) -> FunctionType | None:
        """Type of the function exported under that name; None if there is none."""
        export = self.export(name)
        if export is None or export.kind != Kind.FUNCTION or export.index >= len(self.functions):
            return None
        return self.functions[export.index]

    def function_name(self, index: int) -> str | None:
        """What to call function `index`: its name in the name section, its export or its import. What wirq_guest.h has
        named is called as it is exported, which is how it stands in the source: main, irq:button."""
        name = self.function_names.get(index)
        if name is not None and not name.startswith(_RENAMED):
            return name
        for export in self.exports:
            if export.kind == Kind.FUNCTION and export.index == index:
                return export.name
        if name is not None:
            return name
        imports = [one for one in self.imports if one.kind == Kind.FUNCTION]
        return f"{imports[index].module}.{imports[index].name}" if index < len(imports) else None

    def tag_name(self, index: int) -> str | None:
        """What to call tag `index`: its name in the name section, its export or its import."""
        if index in self.tag_names:
            return self.tag_names[index]
        for export in self.exports:
            if export.kind == Kind.TAG and export.index == index:
                return export.name
        imports = [one for one in self.imports if one.kind == Kind.TAG]
        return f"{imports[index].module}.{imports[index].name}" if index < len(imports) else None

    def custom(self, name: str) -> bytes | None:
        """Contents of the first custom section of that name."""
        for section in self.sections:
            if section.id == SectionId.CUSTOM and section.name == name:
                reader = Reader(self.data, section.body, section.end)
                reader.name()
                return self.data[reader.position : section.end]
        return None

    def strip(self, keep: Callable[[str], bool] = lambda name: name == SETTINGS) -> bytes:
        """The module without its custom sections, but for those whose name `keep` accepts. Nothing else is touched."""
        return strip(self.data, keep)


class _Parser:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sections = split(data)
        self.types: list[FunctionType | None] = []
        self.imports: list[Import] = []
        self.functions: list[FunctionType] = []
        self.tables: list[TableType] = []
        self.memories: list[MemoryType] = []
        self.globals: list[GlobalType] = []
        self.tags: list[FunctionType] = []
        self.exports: list[Export] = []
        self.start: int | None = None
        self.code: list[Code] = []
        self.names: dict[int, str] = {}
        self.tag_names: dict[int, str] = {}

    def parse(self) -> Module:
        for section in self.sections:
            self._section(section)
        return Module(
            data=self.data,
            sections=self.sections,
            types=tuple(self.types),
            imports=tuple(self.imports),
            functions=tuple(self.functions),
            tables=tuple(self.tables),
            memories=tuple(self.memories),
            globals=tuple(self.globals),
            exports=tuple(self.exports),
            start=self.start,
            code=tuple(self.code),
            function_names=self.names,
            tags=tuple(self.tags),
            tag_names=self.tag_names,
        )

    def _section(self, section: Section) -> None:
        content = Reader(self.data, section.body, section.end)
        if section.id == SectionId.START:
            self.start = content.unsigned()
            return
        if section.id == SectionId.CUSTOM:
            if section.name == "name":
                content.name()
                self._names(content)
            return
        parse_one: Callable[[Reader], None] | None = {
            int(SectionId.TYPE): self._type,
            int(SectionId.IMPORT): self._import,
            int(SectionId.FUNCTION): self._function,
            int(SectionId.TABLE): self._defined_table,
            int(SectionId.MEMORY): self._defined_memory,
            int(SectionId.GLOBAL): self._defined_global,
            int(SectionId.TAG): self._tag,
            int(SectionId.EXPORT): self._export,
            int(SectionId.CODE): self._code,
        }.get(section.id)
        if parse_one is None:
            return
        for _ in range(content.unsigned()):
            parse_one(content)
        if content:
            raise malformed(f"section {section.id} is longer than its contents", content.position)

    def _value_type(self, reader: Reader) -> str:
        offset = reader.position
        byte = reader.byte()
        if byte in VALUE_TYPES:
            return VALUE_TYPES[byte]
        if byte in (0x63, 0x64):  # (ref null ht), (ref ht)
            heap = reader.signed(33)
            return f"(ref {'null ' if byte == 0x63 else ''}{heap})"
        if 0x60 < byte < 0x7F:
            return f"type {byte:#x}"
        raise malformed(f"{byte:#x} is no value type", offset)

    def _value_types(self, reader: Reader) -> tuple[str, ...]:
        return tuple(self._value_type(reader) for _ in range(reader.unsigned()))

    def _type(self, reader: Reader) -> None:
        offset = reader.position
        form = reader.byte()
        if form != 0x60:
            raise malformed(f"type form {form:#x} is not read by this tool, only function types are", offset)
        self.types.append(FunctionType(self._value_types(reader), self._value_types(reader)))

    def _function_type(self, reader: Reader) -> FunctionType:
        offset = reader.position
        index = reader.unsigned()
        found = self.types[index] if index < len(self.types) else None
        if found is None:
            raise malformed(f"there is no function type {index}", offset)
        return found

    def _limits(self, reader: Reader) -> tuple[Limits, int]:
        """Limits, and the page size where they carry one."""
        offset = reader.position
        flags = reader.byte()
        if flags > 0x0F:
            raise malformed(f"limits flags {flags:#x}", offset)
        wide = bool(flags & _LIMIT_WIDE)
        bits = 64 if wide else 32
        minimum = reader.unsigned(bits)
        maximum = reader.unsigned(bits) if flags & _LIMIT_HAS_MAXIMUM else None
        page_size = DEFAULT_PAGE_SIZE
        if flags & _LIMIT_PAGE_SIZE:
            exponent = reader.unsigned()
            if exponent > 16:
                raise malformed(f"page size of 2^{exponent} bytes", offset)
            page_size = 1 << exponent
        return Limits(minimum, maximum, bool(flags & _LIMIT_SHARED), wide), page_size

    def _table_type(self, reader: Reader) -> TableType:
        return TableType(self._value_type(reader), self._limits(reader)[0])

    def _memory_type(self, reader: Reader) -> MemoryType:
        return MemoryType(*self._limits(reader))

    def _global_type(self, reader: Reader) -> GlobalType:
        return GlobalType(self._value_type(reader), bool(reader.byte()))

    def _import(self, reader: Reader) -> None:
        module = reader.name()
        name = reader.name()
        offset = reader.position
        number = reader.byte()
        if number > Kind.TAG:
            raise malformed(f"import kind {number:#x}", offset)
        kind = Kind(number)
        declared: ExternType
        if kind == Kind.FUNCTION:
            declared = self._function_type(reader)
            self.functions.append(declared)
        elif kind == Kind.TABLE:
            declared = self._table_type(reader)
            self.tables.append(declared)
        elif kind == Kind.MEMORY:
            declared = self._memory_type(reader)
            self.memories.append(declared)
        elif kind == Kind.GLOBAL:
            declared = self._global_type(reader)
            self.globals.append(declared)
        else:
            self._tag(reader)
            declared = self.tags[-1]
        self.imports.append(Import(module, name, kind, declared))

    def _function(self, reader: Reader) -> None:
        self.functions.append(self._function_type(reader))

    def _defined_table(self, reader: Reader) -> None:
        if reader.data[reader.position : reader.position + 2] == b"\x40\x00":  # with an initial value
            reader.bytes(2)
            self.tables.append(self._table_type(reader))
            self._skip_expression(reader)
        else:
            self.tables.append(self._table_type(reader))

    def _tag(self, reader: Reader) -> None:
        reader.byte()  # its attribute: an exception
        self.tags.append(self._function_type(reader))

    def _defined_memory(self, reader: Reader) -> None:
        self.memories.append(self._memory_type(reader))

    def _defined_global(self, reader: Reader) -> None:
        self.globals.append(self._global_type(reader))
        self._skip_expression(reader)

    def _skip_expression(self, reader: Reader) -> None:
        """A constant expression, up to and with its `end`."""
        while True:
            offset = reader.position
            opcode = reader.byte()
            if opcode == 0x0B:
                return
            if opcode == 0x41:
                reader.signed(32)
            elif opcode == 0x42:
                reader.signed(64)
            elif opcode == 0x43:
                reader.bytes(4)
            elif opcode == 0x44:
                reader.bytes(8)
            elif opcode in (0x23, 0xD2):
                reader.unsigned()
            elif opcode == 0xD0:
                reader.signed(33)
            elif opcode == 0xFD and reader.unsigned() == 12:
                reader.bytes(16)
            elif opcode not in (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E):
                raise malformed(f"{opcode:#x} in a constant expression is not read by this tool", offset)

    def _export(self, reader: Reader) -> None:
        name = reader.name()
        offset = reader.position
        number = reader.byte()
        if number > Kind.TAG:
            raise malformed(f"export kind {number:#x}", offset)
        self.exports.append(Export(name, Kind(number), reader.unsigned()))

    def _code(self, reader: Reader) -> None:
        size = reader.unsigned()
        start = reader.position
        reader.bytes(size)
        self.code.append(Code(start, start + size))

    def _names(self, reader: Reader) -> None:
        """Names are a help, not part of the module: a name section that cannot be read is passed over."""
        try:
            while reader:
                subsection = reader.byte()
                size = reader.unsigned()
                content = Reader(self.data, reader.position, reader.position + size)
                reader.bytes(size)
                names = {_FUNCTION_NAMES: self.names, _TAG_NAMES: self.tag_names}.get(subsection)
                for _ in range(content.unsigned() if names is not None else 0):
                    index = content.unsigned()
                    names[index] = content.name()  # type: ignore[index]
        except BadModule:
            self.names, self.tag_names = {}, {}
