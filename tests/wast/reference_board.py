"""A board whose VM is wasmtime: what the runner is proved on, since wasmtime is known to pass the suites."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import wasmtime

from firmware_host import status
from firmware_host.errors import BadModule, BoardError, TrapError
from firmware_host.inprocess import InProcessMemory
from firmware_host.wasm import Module
from firmware_host.wast.values import NULL_REFERENCE, cell_count, host_cell

_FEATURES = (
    "multi-value",
    "bulk-memory",
    "reference-types",
    "custom-page-sizes",
    "extended-const",
    "tail-call",
    "multi-memory",
    "function-references",
    "simd",
)

_TRAPS = {
    "unreachable": "TRAP_UNREACHABLE",
    "out of bounds memory access": "TRAP_MEMORY",
    "uninitialized element": "TRAP_UNINITIALIZED_ELEMENT",
    "indirect call type mismatch": "TRAP_INDIRECT_CALL_TYPE",
    "integer divide by zero": "TRAP_DIVIDE_BY_ZERO",
    "integer overflow": "TRAP_INTEGER_OVERFLOW",
    "invalid conversion to integer": "TRAP_INVALID_CONVERSION",
    "call stack exhausted": "TRAP_STACK_EXHAUSTED",
    "null reference": "TRAP_NULL_REFERENCE",
    "thrown Wasm exception": "TRAP_UNCAUGHT_EXCEPTION",
}

#: wasmtime says this of calls, of accesses and of segments alike.
_TABLE = "out of bounds table access"
#: The instructions of which a script says "undefined element" instead: call_indirect, return_call_indirect.
_INDIRECT_CALLS = (b"\x11", b"\x13")
#: The one of which it says "null exception reference".
_THROW_REF = b"\x0a"

_NUMBERS = ("i32", "i64", "f32", "f64")


def _trap(error: Exception, modules: Sequence[bytes]) -> TrapError:
    """`modules`: those of the store, one of whose code trapped."""
    text = str(error)
    frames = error.frames if isinstance(error, wasmtime.Trap) else []
    places = [module[frame.module_offset :][:1] for frame in frames[:1] for module in modules]
    if "null reference" in text and _THROW_REF in places:
        return TrapError(text, code=status.code("TRAP_NULL_EXCEPTION"))
    if _TABLE in text:
        by_call = any(place in _INDIRECT_CALLS for place in places)
        return TrapError(text, code=status.code("TRAP_UNDEFINED_ELEMENT" if by_call else "TRAP_TABLE"))
    for needle, name in _TRAPS.items():
        if needle in text:
            return TrapError(text, code=status.code(name))
    raise error


class ReferenceInstance:
    """Values go in and out as wasmtime_val_t: Python floats do not keep the payload of a NaN.

    What types they have is asked of the module and of the values, never of wasmtime's types: the binding can be asked
    for the name of a numeric type, funcref or externref, and ends the process for any other, as for (ref $t).
    """

    def __init__(self, board: ReferenceBoard, instance: wasmtime.Instance, binary: bytes) -> None:
        self._board = board
        self._instance = instance
        self._binary = binary
        self._module: Module | None = None

    def register(self, name: str) -> None:
        self._board.linker.define_instance(self._board.store, name, self._instance)

    def _export(self, name: str) -> Any:
        try:
            return self._instance.exports(self._board.store)[name]
        except KeyError:
            raise BoardError(f"no export {name}", code=status.code("UNKNOWN_EXPORT")) from None

    def _parameters(self, name: str) -> tuple[str, ...]:
        if self._module is None:
            self._module = Module.parse(self._binary)
        type_ = self._module.exported_function(name)
        if type_ is None:
            raise BoardError(f"{name} is no function", code=status.code("UNKNOWN_EXPORT"))
        return type_.parameters

    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]:
        function = self._export(name)
        types = self._parameters(name)
        arguments = (wasmtime._ffi.wasmtime_val_t * len(types))()
        rest = list(cells)
        for i, type_ in enumerate(types):
            width = cell_count(type_)
            arguments[i] = self._value(type_, rest[:width])
            rest = rest[width:]
        return self._call(function, arguments, len(function.type(self._board.store).results))

    def _value(self, type_: str, cells: list[int]) -> Any:
        """A wasmtime_val_t. A reference is null or one of the host's, which is interned as its number."""
        if type_ in _NUMBERS:
            value = wasmtime._ffi.wasmtime_val_t(kind=_NUMBERS.index(type_))
            ctypes.memmove(ctypes.addressof(value.of), struct.pack(f"<{len(cells)}I", *cells), 4 * len(cells))
            return value
        null = cells == [NULL_REFERENCE]
        if type_ in ("externref", "(ref -17)"):
            return wasmtime.Val.externref(None if null else cells[0])._new_raw(self._board.store)
        if type_ == "funcref" and null:
            return wasmtime.Val.funcref(None)._new_raw(self._board.store)
        raise BoardError(f"argument of type {type_}", code=status.code("ARGUMENT_TYPES"))

    def _cells(self, value: Any) -> list[int]:
        if value.kind < len(_NUMBERS):
            width = cell_count(_NUMBERS[value.kind])
            return list(struct.unpack(f"<{width}I", ctypes.string_at(ctypes.addressof(value.of), 4 * width)))
        if not struct.unpack("<Q", ctypes.string_at(ctypes.addressof(value.of), 8))[0]:  # of no store
            return [NULL_REFERENCE]
        if value.kind == wasmtime._ffi.WASMTIME_EXTERNREF.value:
            return [wasmtime.Val._from_raw(self._board.store, value, owned=False).value]
        return [host_cell(0)]

    def _call(self, function: wasmtime.Func, arguments: Any, count: int) -> list[int]:
        ffi = wasmtime._ffi
        results = (ffi.wasmtime_val_t * count)()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self._board.store._context(),
            ctypes.byref(function._func),
            arguments,
            len(arguments),
            results,
            count,
            ctypes.byref(trap),
        )
        if error:
            raise _trap(wasmtime.WasmtimeError._from_ptr(error), self._board.modules)
        if trap:
            raise _trap(wasmtime.Trap._from_ptr(trap), self._board.modules)
        return [cell for result in results for cell in self._cells(result)]

    def global_get(self, name: str) -> tuple[int, list[int]]:
        found = self._export(name)
        value = wasmtime._ffi.wasmtime_val_t()
        wasmtime._ffi.wasmtime_global_get(
            self._board.store._context(), ctypes.byref(found._global), ctypes.byref(value)
        )
        return 0, self._cells(value)


class ReferenceBoard:
    """The part of Board that the runner uses, over wasmtime."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.wasm_custom_page_sizes = True
        config.wasm_memory64 = False
        config.wasm_gc = True
        config.wasm_function_references = True
        config.wasm_tail_call = True
        config.wasm_multi_memory = True
        self.engine = wasmtime.Engine(config)
        self.features = frozenset(_FEATURES)
        self.dropped = 0
        self._drop()
        self._upload = b""

    def _drop(self) -> None:
        self.store = wasmtime.Store(self.engine)
        self.linker = wasmtime.Linker(self.engine)
        self.linker.allow_shadowing = True
        self.modules: list[bytes] = []
        self.dropped += 1

    def memory(self) -> InProcessMemory:
        return InProcessMemory(0, 0)

    def put(self, data: bytes, *, replace: bool = False) -> None:
        self._upload = data

    def instantiate(self, *, keep: bool = False, start: bool = True, timeout: float | None = None) -> ReferenceInstance:
        if not keep:
            self._drop()
        try:
            module = wasmtime.Module(self.engine, self._upload)
        except wasmtime.WasmtimeError as error:
            raise BadModule(str(error), code=status.code("TYPE_MISMATCH")) from None
        self.modules.append(self._upload)
        try:
            return ReferenceInstance(self, self.linker.instantiate(self.store, module), self._upload)
        except wasmtime.Trap as error:
            raise _trap(error, self.modules) from None
        except wasmtime.WasmtimeError as error:
            unknown = "unknown import" in str(error)
            raise BadModule(str(error), code=status.code("UNKNOWN_IMPORT" if unknown else "IMPORT_TYPE")) from None

    def __enter__(self) -> ReferenceBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()
