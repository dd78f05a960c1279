"""Names of a module's parts, for messages: the board keeps none, so the host looks them up in its own copy."""

from __future__ import annotations

from functools import cached_property

from firmware_host.errors import WirqError
from firmware_host.symbols.mnemonics import mnemonic
from firmware_host.wasm import FunctionType, Kind, Module, SectionId
from firmware_host.wasm.instructions import instructions, locals_end
from firmware_host.wasm.sections import split, unstripped


class ModuleNames:
    """Names of one module, looked up when a message needs them. A module that cannot be read has only numbers."""

    def __init__(
        self,
        name: str = "the module",
        data: bytes = b"",
        sources: tuple[str, ...] = (),
        build: str = "",
        *,
        stripped: bool = False,
    ) -> None:
        """`name` is the file's; `data` the module, best with its name section; `sources` the board's, by number;
        `build` its build id, the SHA-256 of what went to the board in hexadecimal. `stripped`: the board got the
        module without its custom sections."""
        self.name = name
        self.build = build
        self.data = data
        self._sources = sources
        self._stripped = stripped

    @cached_property
    def _module(self) -> Module | None:
        try:
            return Module.parse(self.data)
        except WirqError:
            return None

    def function_name(self, index: int) -> str | None:
        return self._module.function_name(index) if self._module else None

    def function(self, index: int) -> str:
        known = self.function_name(index)
        return f"function {index} ({known})" if known else f"function {index}"

    def offset(self, offset: int) -> int:
        """Where in the file lies what has this offset in what the board got."""
        return unstripped(self.data, offset) if self._stripped and self._module else offset

    def section(self, offset: int) -> str | None:
        """What the section around an offset in the file is called; a custom one by its own name."""
        try:
            found = next((one for one in split(self.data) if one.start < offset <= one.end), None)
        except WirqError:
            return None
        if found is None:
            return None
        return found.name or SectionId(found.id).name.lower() if found.id in set(SectionId) else f"{found.id}"

    def instruction(self, function: int, offset: int) -> str | None:
        """The name of the instruction of a function that ends at or lies around an offset in the file."""
        body = function - self._module.imported(Kind.FUNCTION) if self._module else -1
        if self._module is None or not 0 <= body < len(self._module.code):
            return None
        code = self._module.code[body]
        try:
            for one in instructions(self.data, locals_end(self.data, code.start, code.end), code.end):
                if one.start < offset <= one.end:
                    return mnemonic(one.opcode)
        except WirqError:  # what is malformed has no instructions
            pass
        return None

    def exported_function(self, name: str) -> FunctionType | None:
        """The type of an exported function; None if there is none, or if the module cannot be read."""
        return self._module.exported_function(name) if self._module else None

    def exported_functions(self) -> dict[str, FunctionType]:
        """Exported functions and their types, in the module's order."""
        found: dict[str, FunctionType] = {}
        for one in self._module.exports if self._module else ():
            type_ = self._module.exported_function(one.name) if self._module else None
            if type_ is not None:
                found[one.name] = type_
        return found

    def imported(self, index: int) -> str:
        if self._module is None or index >= len(self._module.imports):
            return f"number {index}"
        found = self._module.imports[index]
        return f"{found.module}.{found.name} {found.type if found.kind == 0 else found.kind.name.lower()}"

    def handlers(self) -> str:
        """The exports that declare interrupt handlers, with their types; empty if there are none."""
        if self._module is None:
            return ""
        names = (one.name for one in self._module.exports if one.kind == 0 and one.name.startswith("irq:"))
        return ", ".join(f"{name} {self._module.exported_function(name)}" for name in names)

    def source_name(self, index: int) -> str | None:
        return self._sources[index] if index < len(self._sources) else None

    def source(self, index: int) -> str:
        name = self.source_name(index)
        return f"source {index}, {name}" if name else f"source {index}"
