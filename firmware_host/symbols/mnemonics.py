"""What the instructions of WebAssembly are called: numeric ones in the VM's own table (vm/ops), the others here."""

from __future__ import annotations

from functools import cache

from firmware_host.symbols import operations

#: Names of opcodes one after another, by the first of them (WebAssembly spec 5.4). None: none that the VM has.
_RUNS: dict[int, tuple[str | None, ...]] = {
    0x00: ("unreachable", "nop", "block", "loop", "if", "else", None, None, "throw", None, "throw_ref", "end"),
    0x0C: ("br", "br_if", "br_table", "return", "call", "call_indirect", "return_call", "return_call_indirect"),
    0x14: ("call_ref", "return_call_ref", None, None, None, None, "drop", "select", "select", None, None, "try_table"),
    0x20: ("local.get", "local.set", "local.tee", "global.get", "global.set", "table.get", "table.set"),
    0x28: (
        "i32.load",
        "i64.load",
        "f32.load",
        "f64.load",
        "i32.load8_s",
        "i32.load8_u",
        "i32.load16_s",
        "i32.load16_u",
    ),
    0x30: ("i64.load8_s", "i64.load8_u", "i64.load16_s", "i64.load16_u", "i64.load32_s", "i64.load32_u"),
    0x36: ("i32.store", "i64.store", "f32.store", "f64.store", "i32.store8", "i32.store16"),
    0x3C: ("i64.store8", "i64.store16", "i64.store32", "memory.size", "memory.grow"),
    0x41: ("i32.const", "i64.const", "f32.const", "f64.const"),
    0xD0: ("ref.null", "ref.is_null", "ref.func", None, "ref.as_non_null", "br_on_null", "br_on_non_null"),
    0xFC08: ("memory.init", "data.drop", "memory.copy", "memory.fill", "table.init", "elem.drop", "table.copy"),
    0xFC0F: ("table.grow", "table.size", "table.fill"),
}


@cache
def _names() -> dict[int, str]:
    found = {first + i: name for first, names in _RUNS.items() for i, name in enumerate(names) if name is not None}
    return found | {one.opcode: one.name for one in operations.table("wasm").numeric()}


def mnemonic(opcode: int) -> str | None:
    """The name of an opcode; behind the prefix 0xFC its number is in the low byte. None if the VM has none such."""
    return _names().get(opcode)
