"""The engine that says what is right: wasmtime."""

from __future__ import annotations

import ctypes
import zlib
from typing import Any

import wasmtime
from wasmtime import TrapCode

from tests.differential.generator import Program
from tests.differential.outcome import Outcome

_PROPOSALS = (
    "bulk_memory",
    "custom_page_sizes",
    "exceptions",
    "function_references",
    "gc",
    "multi_memory",
    "multi_value",
    "reference_types",
    "tail_call",
)

#: What wirq refuses, so that both say the same of modules that nobody has made valid. Without "gc", wasmtime lacks
#: rules of 3.0 that wirq has, as that globals may be initialised from others; wirq refuses its types by its name.
_ABSENT = ("simd", "relaxed_simd", "memory64", "threads", "wide_arithmetic", "stack_switching")

#: The trap of a call that ran out of fuel.
OUT_OF_FUEL = "out of fuel"

#: Names of wirq's traps by wasmtime's codes.
TRAPS = {
    TrapCode.UNREACHABLE: "TRAP_UNREACHABLE",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "TRAP_MEMORY",
    TrapCode.TABLE_OUT_OF_BOUNDS: "TRAP_TABLE",
    TrapCode.INDIRECT_CALL_TO_NULL: "TRAP_UNINITIALIZED_ELEMENT",
    TrapCode.BAD_SIGNATURE: "TRAP_INDIRECT_CALL_TYPE",
    TrapCode.INTEGER_DIVISION_BY_ZERO: "TRAP_DIVIDE_BY_ZERO",
    TrapCode.INTEGER_OVERFLOW: "TRAP_INTEGER_OVERFLOW",
    TrapCode.BAD_CONVERSION_TO_INTEGER: "TRAP_INVALID_CONVERSION",
    TrapCode.STACK_OVERFLOW: "TRAP_STACK_EXHAUSTED",
    TrapCode.NULL_REFERENCE: "TRAP_NULL_REFERENCE",
    TrapCode.OUT_OF_FUEL: OUT_OF_FUEL,
    TrapCode.UNCAUGHT_EXCEPTION: "TRAP_UNCAUGHT_EXCEPTION",
}


class Oracle:
    """One engine; a store for each program.

    `strict` has no features but wirq's. With `fuel`, every call ends after about so many instructions. With
    `canonical_nans`, arithmetic makes one kind of NaN only; without, those of the processor.
    """

    def __init__(self, *, strict: bool = False, fuel: int = 0, canonical_nans: bool = False) -> None:
        config = wasmtime.Config()
        for proposal in _PROPOSALS:
            setattr(config, f"wasm_{proposal}", True)
        if strict:
            for proposal in _ABSENT:
                setattr(config, f"wasm_{proposal}", False)
        config.cranelift_opt_level = "none"
        config.cranelift_nan_canonicalization = canonical_nans
        config.max_wasm_stack = 2 << 20
        config.consume_fuel = fuel > 0
        self._fuel = fuel
        self._engine = wasmtime.Engine(config)

    def validates(self, module: bytes) -> str:
        """Why the module is not valid, or nothing."""
        try:
            wasmtime.Module.validate(self._engine, module)
        except wasmtime.WasmtimeError as error:
            return str(error).strip()
        return ""

    def run(self, program: Program) -> Outcome:
        outcome = Outcome()
        try:
            module = wasmtime.Module(self._engine, program.module)
        except wasmtime.WasmtimeError as error:
            outcome.refused = f"invalid: {error}"
            return outcome
        store = wasmtime.Store(self._engine)
        if self._fuel:
            store.set_fuel(self._fuel)

        def log(value: int) -> None:
            outcome.log.append(value & 0xFFFFFFFF)

        def log64(value: int) -> None:
            outcome.log.extend(_cells("i64", value))

        linker = wasmtime.Linker(self._engine)
        for name, type_, function in (("log", "i32", log), ("log64", "i64", log64)):
            kind = wasmtime.FuncType([getattr(wasmtime.ValType, type_)()], [])
            linker.define_func("test", name, kind, function)
        try:
            instance = linker.instantiate(store, module)
        except wasmtime.Trap as trap:
            outcome.refused = _name(trap)
            return outcome
        except wasmtime.WasmtimeError as error:
            outcome.refused = _name_of_error(error)
            return outcome
        exports = instance.exports(store)
        for call in program.calls:
            if self._fuel:
                store.set_fuel(self._fuel)
            outcome.calls.append(_call(store, exports[call.name], call.arguments))
        outcome.memories = [_memory(store, exports[name]) for name in _memory_names(module)]
        return outcome


def _memory_names(module: Any) -> list[str]:
    return [one.name for one in module.exports if isinstance(one.type, wasmtime.MemoryType)]


def _call(store: Any, function: Any, arguments: tuple[tuple[str, int], ...]) -> tuple[str, tuple[int, ...]]:
    try:
        given = function(store, *(_signed(type_, bits) for type_, bits in arguments))
    except wasmtime.Trap as trap:
        return _name(trap), ()
    except wasmtime.WasmtimeError as error:
        return _name_of_error(error), ()
    results = given if isinstance(given, list) else [] if given is None else [given]
    types = [str(one) for one in function.type(store).results]
    cells = [cell for type_, value in zip(types, results, strict=True) for cell in _cells(type_, value)]
    return "done", tuple(cells)


def _signed(type_: str, bits: int) -> int:
    width = int(type_[1:])
    return bits - (1 << width) if bits >> (width - 1) else bits


def _cells(type_: str, value: int) -> list[int]:
    return [value & 0xFFFFFFFF] if type_ == "i32" else [value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF]


def _name(trap: Any) -> str:
    return TRAPS.get(trap.trap_code) or _name_of_error(trap)


def _name_of_error(error: Exception) -> str:
    text = str(error)
    return "TRAP_UNCAUGHT_EXCEPTION" if "exception" in text else text


def _memory(store: Any, memory: Any) -> tuple[int, int]:
    length = memory.data_len(store)
    pointer = ctypes.cast(memory.data_ptr(store), ctypes.c_void_p).value
    return length, zlib.crc32(ctypes.string_at(pointer, length)) if length and pointer else 0
