"""The module spectest has the members, types and values of its reference."""

from __future__ import annotations

import wasmtime

from firmware_host.wasm import Kind, Module
from firmware_host.wast import spectest
from firmware_host.wast.spectest import STATEFUL
from tests.wast import suites

ALL_FEATURES = ("threads", "memory64")


def _members(data: bytes) -> dict[str, tuple[Kind, object]]:
    module = Module.parse(data)
    spaces: dict[Kind, tuple[object, ...]] = {
        Kind.FUNCTION: module.functions,
        Kind.TABLE: module.tables,
        Kind.MEMORY: module.memories,
        Kind.GLOBAL: module.globals,
    }
    return {export.name: (export.kind, spaces[export.kind][export.index]) for export in module.exports}


def _global_values(data: bytes) -> dict[str, object]:
    config = wasmtime.Config()
    config.wasm_memory64 = True
    config.wasm_threads = True
    config.shared_memory = True
    store = wasmtime.Store(wasmtime.Engine(config))
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, data), []).exports(store)
    return {name: value.value(store) for name, value in exports.items() if isinstance(value, wasmtime.Global)}


def test_members_types_and_values_are_those_of_the_reference() -> None:
    reference = bytes(wasmtime.wat2wasm(suites.need("spectest.wat").read_text(encoding="utf-8")))
    ours = spectest.spectest(STATEFUL, ALL_FEATURES)
    assert _members(ours) == _members(reference)
    assert _global_values(ours) == _global_values(reference)


def test_tables_and_memories_are_made_only_when_wanted() -> None:
    assert not STATEFUL & set(_members(spectest.spectest((), ALL_FEATURES)))
    assert STATEFUL & set(_members(spectest.spectest(("memory",), ()))) == {"memory"}


def test_members_that_the_board_cannot_have_are_left_out() -> None:
    assert STATEFUL & set(_members(spectest.spectest(STATEFUL, ()))) == {"memory", "table"}
