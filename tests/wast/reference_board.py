"""A board whose VM is wasmtime: what the runner is proved on, since wasmtime is known to pass the suites."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import wasmtime

from firmware_host import status
from firmware_host.errors import BadModule, BoardError, TrapError

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
    "undefined element": "TRAP_UNDEFINED_ELEMENT",
    "out of bounds table access": "TRAP_TABLE",
    "uninitialized element": "TRAP_UNINITIALIZED_ELEMENT",
    "indirect call type mismatch": "TRAP_INDIRECT_CALL_TYPE",
    "integer divide by zero": "TRAP_DIVIDE_BY_ZERO",
    "integer overflow": "TRAP_INTEGER_OVERFLOW",
    "invalid conversion to integer": "TRAP_INVALID_CONVERSION",
    "call stack exhausted": "TRAP_STACK_EXHAUSTED",
    "null reference": "TRAP_NULL_REFERENCE",
}


def _trap(error: Exception) -> TrapError:
    text = str(error)
    # wasmtime says "undefined element: out of bounds table access" of calls and of segments alike.
    for needle, name in _TRAPS.items():
        if needle in text:
            return TrapError(text, code=status.code(name))
    raise error


def _cells(kind: str, value: Any) -> list[int]:
    """Cells of a wasmtime_val_t, read as bytes: Python floats do not keep the payload of a NaN."""
    if kind not in ("i32", "i64", "f32", "f64"):
        return [1]
    width = 2 if kind.endswith("64") else 1
    return list(struct.unpack(f"<{width}I", ctypes.string_at(ctypes.addressof(value.of), 4 * width)))


class ReferenceInstance:
    def __init__(self, board: ReferenceBoard, instance: wasmtime.Instance) -> None:
        self._board = board
        self._instance = instance

    def register(self, name: str) -> None:
        self._board.linker.define_instance(self._board.store, name, self._instance)

    def _export(self, name: str) -> Any:
        try:
            return self._instance.exports(self._board.store)[name]
        except KeyError:
            raise BoardError(f"no export {name}", code=status.code("UNKNOWN_EXPORT")) from None

    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]:
        function = self._export(name)
        store = self._board.store
        type_ = function.type(store)
        kinds = [str(kind) for kind in type_.params]
        arguments = (wasmtime._ffi.wasmtime_val_t * len(kinds))()
        rest = list(cells)
        for argument, kind in zip(arguments, kinds, strict=True):
            if kind not in ("i32", "i64", "f32", "f64"):
                raise BoardError(f"argument of type {kind}", code=status.code("ARGUMENT_TYPES"))
            width = 2 if kind.endswith("64") else 1
            raw, rest = rest[:width], rest[width:]
            argument.kind = ("i32", "i64", "f32", "f64").index(kind)
            ctypes.memmove(ctypes.addressof(argument.of), struct.pack(f"<{width}I", *raw), 4 * width)
        return self._call(function, arguments, [str(kind) for kind in type_.results])

    def _call(self, function: wasmtime.Func, arguments: Any, kinds: list[str]) -> list[int]:
        ffi = wasmtime._ffi
        results = (ffi.wasmtime_val_t * len(kinds))()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self._board.store._context(),
            ctypes.byref(function._func),
            arguments,
            len(arguments),
            results,
            len(kinds),
            ctypes.byref(trap),
        )
        if error:
            raise _trap(wasmtime.WasmtimeError._from_ptr(error))
        if trap:
            raise _trap(wasmtime.Trap._from_ptr(trap))
        cells: list[int] = []
        for result, kind in zip(results, kinds, strict=True):
            cells += _cells(kind, result)
        return cells

    def global_get(self, name: str) -> tuple[int, list[int]]:
        found = self._export(name)
        kind = str(found.type(self._board.store).content)
        value = wasmtime._ffi.wasmtime_val_t()
        wasmtime._ffi.wasmtime_global_get(
            self._board.store._context(), ctypes.byref(found._global), ctypes.byref(value)
        )
        return 0, _cells(kind, value)


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
        self.dropped += 1

    def put(self, data: bytes, *, replace: bool = False) -> None:
        self._upload = data

    def instantiate(self, *, keep: bool = False, start: bool = True, timeout: float | None = None) -> ReferenceInstance:
        if not keep:
            self._drop()
        try:
            module = wasmtime.Module(self.engine, self._upload)
        except wasmtime.WasmtimeError as error:
            raise BadModule(str(error), code=status.code("TYPE_MISMATCH")) from None
        try:
            return ReferenceInstance(self, self.linker.instantiate(self.store, module))
        except wasmtime.Trap as error:
            if "out of bounds table access" in str(error):  # a segment: not the call that _trap takes it for
                raise TrapError(str(error), code=status.code("TRAP_TABLE")) from None
            raise _trap(error) from None
        except wasmtime.WasmtimeError as error:
            unknown = "unknown import" in str(error)
            raise BadModule(str(error), code=status.code("UNKNOWN_IMPORT" if unknown else "IMPORT_TYPE")) from None

    def __enter__(self) -> ReferenceBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()
