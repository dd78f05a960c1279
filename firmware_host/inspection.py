"""What can be told of a module without running it: its parts, what it needs, what a board makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property

from firmware_host.errors import BadModule, WirqError
from firmware_host.guest import AppFile
from firmware_host.symbols.disassemble import disassemble
from firmware_host.symbols.lowering import LoweringMap
from firmware_host.symbols.stacks import Stacks, stack_slack
from firmware_host.symbols.symbols import Symbols
from firmware_host.wasm import Kind, MemoryType, SectionId, TableType
from firmware_host.wasm.features import needed
from firmware_host.wasm.types import ExternType, GlobalType, Limits

#: Functions of C libraries that must not be interrupted by themselves.
_ALLOCATORS = frozenset(f"{prefix}{name}" for prefix in ("", "dl") for name in ("malloc", "free", "calloc", "realloc"))


@dataclass(frozen=True)
class SectionLine:
    """One section; `sent` tells whether it goes to a board."""

    name: str
    offset: int
    size: int
    sent: bool


@dataclass(frozen=True)
class Named:
    """An import ("module.name") or export, its kind and type."""

    name: str
    kind: str
    type: str


@dataclass(frozen=True)
class FunctionLine:
    """One function that the module defines: bytes of its body and of its lowered code, cells of its frame and of the
    deepest chain of calls, None if that is not known (`why_not`)."""

    index: int
    name: str
    type: str
    body: int
    lowered: int
    frame: int
    stack: int | None
    why_not: str


@dataclass(frozen=True)
class CodeLine:
    """One operation of the lowered code: its byte in the function's, what it was made from, and where that is."""

    offset: int
    text: str
    module_offset: int | None
    where: str


class Inspection:
    """One module. If the VM refuses it, `refusal` says why, and there is no lowered code to tell of."""

    def __init__(self, file: AppFile) -> None:
        self.file = file
        self.module = file.module
        self.symbols = Symbols(file.module, file.stripped)
        self.refusal = ""
        self.lowered: LoweringMap | None = None
        try:
            self.lowered = self.symbols.map
        except BadModule as error:
            self.refusal = str(error)

    def sections(self) -> Iterator[SectionLine]:
        kept = {one.name for one in file_sections(self.file.stripped)}
        for one in self.module.sections:
            name = one.name if one.id == SectionId.CUSTOM else SectionId(one.id).name.lower().replace("_", " ")
            yield SectionLine(name, one.start, one.size, one.id != SectionId.CUSTOM or one.name in kept)

    def imports(self) -> Iterator[Named]:
        for one in self.module.imports:
            yield Named(f"{one.module}.{one.name}", one.kind.name.lower(), type_text(one.type))

    def exports(self) -> Iterator[Named]:
        spaces: dict[Kind, tuple[ExternType, ...]] = {
            Kind.FUNCTION: self.module.functions,
            Kind.TABLE: self.module.tables,
            Kind.MEMORY: self.module.memories,
            Kind.GLOBAL: self.module.globals,
            Kind.TAG: self.module.tags,
        }
        for one in self.module.exports:
            space = spaces.get(one.kind, ())
            type_ = type_text(space[one.index]) if one.index < len(space) else ""
            yield Named(one.name, one.kind.name.lower(), type_)

    def features(self) -> list[str]:
        """Features beyond WebAssembly 1.0 that it needs, in alphabetical order."""
        return sorted(needed(self.module))

    @cached_property
    def stacks(self) -> Stacks | None:
        """What its functions call and take of the stack; None if the module is refused."""
        if self.lowered is None:
            return None
        return Stacks(self.lowered, self.module.imported(Kind.FUNCTION), stack_slack())

    def warnings(self) -> Iterator[str]:
        """What is valid and runs, but hardly what was meant: of the handlers that it exports."""
        handlers = [one for one in self.module.exports if one.kind == Kind.FUNCTION and one.name.startswith("irq:")]
        allocators = {index for index, name in self.module.function_names.items() if name in _ALLOCATORS}
        for handler in handlers:
            way = self.stacks.way(handler.index, allocators) if self.stacks else []
            if way:
                names = [self.module.function_name(index) or f"function {index}" for index in way]
                reaches = f"calls {' -> '.join(names[1:])}" if names[1:] else f"is {names[0]}"
                yield f"{handler.name} {reaches}, and may interrupt just that half done (R47)"
        if handlers and self.module.memory and self._hides_its_stack_pointer():
            yield (
                "__stack_pointer is not exported: handlers must leave the red zone alone, "
                "as those of WIRQ_HANDLER do (R34)"
            )

    def block(self) -> str:
        """How visible its interrupt block is (R30); empty if it has none."""
        declared = self.module.export("wirq_block") is not None
        opened = any((one.module, one.name) == ("wirq", "block") for one in self.module.imports)
        return "C2" if declared or opened else ""

    def _hides_its_stack_pointer(self) -> bool:
        """Whether it may have one, as it has a global of that type, and the VM cannot know it (R34)."""
        exported = {one.index: one.name for one in self.module.exports if one.kind == Kind.GLOBAL}
        variables = [i for i, one in enumerate(self.module.globals) if one == GlobalType("i32", True)]
        seen = any(exported.get(i) == "__stack_pointer" for i in variables)
        return not seen and any(i not in exported for i in variables)

    def functions(self) -> list[FunctionLine]:
        """The functions it defines, in order."""
        stacks = self.stacks
        if self.lowered is None or stacks is None:
            return []
        imported = self.module.imported(Kind.FUNCTION)
        rows = []
        for index, function in self.lowered.functions.items():
            body, need = self.module.code[index - imported], stacks.need(index)
            rows.append(
                FunctionLine(
                    index,
                    self.module.function_name(index) or f"function {index}",
                    str(self.module.functions[index]),
                    body.end - body.start,
                    function.size,
                    stacks.frame(index),
                    need.cells,
                    need.why_not,
                )
            )
        return rows

    def code(self, function: int) -> Iterator[CodeLine]:
        """The lowered code of a function."""
        if self.lowered is None:
            return
        for line in disassemble(self.lowered.functions[function].units):
            try:
                at = self.symbols.module_offset(function, line.offset)
                where = self.symbols.at(function, line.offset)[0].where
            except WirqError:
                at, where = None, ""
            yield CodeLine(line.offset, line.text, at, where)


def file_sections(data: bytes) -> tuple[SectionLine, ...]:
    """Custom sections of a module's bytes."""
    from firmware_host.wasm.sections import split

    return tuple(SectionLine(one.name, one.start, one.size, True) for one in split(data) if one.id == SectionId.CUSTOM)


def type_text(type_: ExternType) -> str:
    """Such as "[i32 i32] -> [i32]", "mutable i32", "1 to 4 pages of 64 KiB", "3 funcref"."""
    if isinstance(type_, GlobalType):
        return f"mutable {type_.value}" if type_.mutable else type_.value
    if isinstance(type_, TableType):
        return f"{_limits(type_.limits)} {type_.element}"
    if isinstance(type_, MemoryType):
        if type_.page_size == 1:
            return f"{_limits(type_.limits)} bytes"
        page = f"{type_.page_size // 1024} KiB" if type_.page_size >= 1024 else f"{type_.page_size} B"
        pages = "page" if type_.limits.minimum == type_.limits.maximum == 1 else "pages"
        return f"{_limits(type_.limits)} {pages} of {page}"
    return str(type_)


def _limits(limits: Limits) -> str:
    if limits.maximum is None:
        return f"{limits.minimum} or more"
    if limits.maximum == limits.minimum:
        return str(limits.minimum)
    return f"{limits.minimum} to {limits.maximum}"


def to_json(inspection: Inspection) -> dict[str, object]:
    """Everything but the code."""
    return {
        "sections": [asdict(one) for one in inspection.sections()],
        "imports": [asdict(one) for one in inspection.imports()],
        "exports": [asdict(one) for one in inspection.exports()],
        "features": inspection.features(),
        "functions": [asdict(one) for one in inspection.functions()],
        "block": inspection.block(),
        "warnings": list(inspection.warnings()),
        "refusal": inspection.refusal,
    }
