"""A module that lives on a board: call its exports, read its globals and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from firmware_host.errors import BadModule
from firmware_host.info import Digest
from firmware_host.link import messages, table
from firmware_host.link.messages import Values
from firmware_host.values import check_count, from_python, split_results, to_python

if TYPE_CHECKING:
    from firmware_host.board import Board
    from firmware_host.names import ModuleNames

_CODE_PLACES = {number: name for name, number in table.CODE_PLACES.items()}


class Instance:
    """What `Board.instantiate` made. Values are 32-bit cells: i32 and f32 (bit pattern) take one, i64 and f64 two, low
    word first; references take one."""

    def __init__(self, board: Board, values: Values, names: ModuleNames) -> None:
        self._board = board
        self.names = names
        self.handle: int = values["instance"]
        self.lowered_code_bytes: int = values["lowered_code_bytes"]
        self.wasm_code_bytes: int = values["wasm_code_bytes"]
        self.module_bytes: int = values["module_bytes"]
        #: Where its lowered code lies: "ram"; "written": in the board's store, since this load; "found": since before.
        self.code_place: str = _CODE_PLACES.get(values["code"], f"place {values['code']}")

    def register(self, name: str) -> None:
        """Modules instantiated later find its exports under this module name."""
        self._ask("app.register", name=name)

    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]:
        """Calls an export and returns its result cells. Raises TrapError if it traps.

        Without a timeout it waits for as long as the board lives; with one, the call is stopped and LinkTimeout raised.
        """
        call = messages.call_values(name, cells)
        values = self._board.deferred("app.invoke", timeout, self.names, instance=self.handle, **call)
        return messages.unpack_cells(values["cells"])

    def call(self, name: str, *arguments: float | str | None, timeout: float | None = None) -> Any:
        """Calls an export with Python values and returns its result: None, an int or float, or a tuple of several.

        Integers may be given signed or unsigned and come back signed; text is read as the command line reads it.
        Raises BadModule for an export that is not there, ValueError for arguments that do not fit its type, TrapError.
        """
        type_ = self.names.exported_function(name)
        if type_ is None:
            there = ", ".join(self.names.exported_functions())
            hint = f"it exports {there}" if there else "it exports no function at all"
            raise BadModule(f"{self.names.name} exports no function {name!r}; nothing was called", hint=hint)
        check_count(name, type_, len(arguments))
        cells = []
        for kind, value in zip(type_.parameters, arguments, strict=True):
            cells += from_python(kind, value)
        parts = split_results(type_.results, self.invoke(name, cells, timeout))
        results = [to_python(kind, part) for kind, part in zip(type_.results, parts, strict=True)]
        return None if not results else results[0] if len(results) == 1 else tuple(results)

    def global_get(self, name: str) -> tuple[int, list[int]]:
        """Type byte and cells of an exported global."""
        values = self._ask("app.global_get", name=name)
        return values["type"], messages.unpack_cells(values["cells"])

    def memory_read(self, address: int, length: int) -> bytes:
        """Bytes of linear memory 0. Raises TrapError if the range is out of bounds."""
        largest = min(self._board.info.max_frame - messages.HEADER_SIZE - 1, 0xFFFF)
        data = b""
        while len(data) < length or not length:
            part = min(length - len(data), largest)
            data += self._ask("app.memory_read", address=address + len(data), length=part)["data"]
            if not length:
                break
        return data

    def digest(self) -> Digest:
        """Checksums of its memory, globals and tables."""
        return Digest(**self._ask("app.digest"))

    def _ask(self, command: str, **values: Any) -> Values:
        return self._board.ask(command, self.names, instance=self.handle, **values)
