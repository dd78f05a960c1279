"""The module `spectest` that scripts import from: print functions that do nothing, constants, a table, a memory.

It is an ordinary module and goes to the board like any other, so that its table and memory are shared the ordinary way.
"""

from __future__ import annotations

from collections.abc import Collection

from firmware_host.wasm.encode import ModuleWriter
from firmware_host.wasm.types import FunctionType, GlobalType, Kind, Limits, MemoryType, TableType

NAME = "spectest"

FUNCTIONS = {
    "print": FunctionType(),
    "print_i32": FunctionType(("i32",)),
    "print_i64": FunctionType(("i64",)),
    "print_f32": FunctionType(("f32",)),
    "print_f64": FunctionType(("f64",)),
    "print_i32_f32": FunctionType(("i32", "f32")),
    "print_f64_f64": FunctionType(("f64", "f64")),
}

#: Immutable globals and the bit patterns of 666 and 666.6.
GLOBALS = {
    "global_i32": ("i32", 666),
    "global_i64": ("i64", 666),
    "global_f32": ("f32", 0x4426A666),
    "global_f64": ("f64", 0x4084D4CCCCCCCCCD),
}

#: Members that cost memory and hold state, each with the feature without which it cannot be.
TABLES = {
    "table": (TableType("funcref", Limits(10, 20)), None),
    "table64": (TableType("funcref", Limits(10, 20, wide=True)), "memory64"),
}
MEMORIES = {
    "memory": (MemoryType(Limits(1, 2)), None),
    "shared_memory": (MemoryType(Limits(1, 2, shared=True)), "threads"),
}

#: Names of the members that are made only when a script imports them.
STATEFUL = frozenset(TABLES) | frozenset(MEMORIES)


def spectest(wanted: Collection[str], features: Collection[str]) -> bytes:
    """The module, with those of the tables and memories in `wanted` that the board's features allow."""
    writer = ModuleWriter()
    for name, type_ in FUNCTIONS.items():
        writer.export(name, Kind.FUNCTION, writer.function(type_))
    for name, (value, bits) in GLOBALS.items():
        writer.export(name, Kind.GLOBAL, writer.global_(GlobalType(value), bits))
    for name, (table, feature) in TABLES.items():
        if name in wanted and (feature is None or feature in features):
            writer.export(name, Kind.TABLE, writer.table(table))
    for name, (memory, feature) in MEMORIES.items():
        if name in wanted and (feature is None or feature in features):
            writer.export(name, Kind.MEMORY, writer.memory(memory))
    return writer.finish()
