"""Where a module is refused: the byte of the file, the section or the function, and the instruction by its name."""

from __future__ import annotations

import pytest
import wasmtime

from firmware_host import status
from firmware_host.names import ModuleNames
from firmware_host.refusals import refusal
from firmware_host.symbols.mnemonics import mnemonic
from firmware_host.wasm import Module
from firmware_host.wasm.encode import custom_section
from firmware_host.wasm.instructions import instructions, locals_end

NOBODY = 0xFFFFFFFF
TEXT = """(module
  (import "env" "f" (func))
  (memory 1)
  (func $wrong (param i32) (result i32) (i64.const 1) (i32.load offset=300 (local.get 0)) i32.add))"""


def said(names: ModuleNames, offset: int, function: int = NOBODY) -> str:
    values = {"offset": offset, "function": function, "detail": 0, "text": ""}
    return str(refusal(status.code("TYPE_MISMATCH"), values, names))


def instruction_ends(module: bytes) -> list[tuple[str, int]]:
    (code,) = Module.parse(module).code
    found = instructions(module, locals_end(module, code.start, code.end), code.end)
    return [(mnemonic(one.opcode) or "?", one.end) for one in found]


def test_an_instruction_is_named_by_the_byte_behind_it_or_within() -> None:
    module = bytes(wasmtime.wat2wasm(TEXT))
    names = ModuleNames("app.wasm", module)
    ends = dict(instruction_ends(module))
    assert list(ends) == ["i64.const", "local.get", "i32.load", "i32.add", "end"]
    for name, end in ends.items():
        where = f"app.wasm is refused: type mismatch (in function 1 (wrong), byte {end:#x}: {name})"
        assert said(names, end, 1) == where
    assert said(names, ends["i32.load"] - 1, 1).endswith(": i32.load)")


def test_a_section_is_named_where_there_is_no_function() -> None:
    module = bytes(wasmtime.wat2wasm(TEXT))
    assert "(in section import, byte 0x15)" in said(ModuleNames("app.wasm", module), 0x15)
    assert "(byte 0x4)" in said(ModuleNames("app.wasm", module), 4)
    assert "(in section elephants, byte 0x10)" in said(
        ModuleNames("app.wasm", module[:8] + custom_section("elephants", bytes(9))), 0x10
    )


def test_bytes_are_those_of_the_file_although_the_board_got_less() -> None:
    module = bytes(wasmtime.wat2wasm(TEXT))
    extra = custom_section("producers", bytes(100))
    file = module[:8] + extra + module[8:]
    end = dict(instruction_ends(module))["i32.add"]
    message = said(ModuleNames("app.wasm", file, stripped=True), end, 1)
    assert f"byte {end + len(extra):#x}: i32.add)" in message
    assert f"byte {end:#x}" in said(ModuleNames("app.wasm", file), end, 1)


@pytest.mark.parametrize("data", [b"", b"\0asm\1\0\0\0\1", bytes(40)])
def test_what_is_no_module_has_a_byte_only(data: bytes) -> None:
    assert said(ModuleNames("app.wasm", data, stripped=True), 0x20, 3).endswith("(in function 3, byte 0x20)")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("(drop (memory.grow (i32.const 1)))", "memory.grow"),
        ("(memory.copy (i32.const 0) (i32.const 0) (i32.const 0))", "memory.copy"),
        ("(drop (table.size))", "table.size"),
        ("(i64.store32 (i32.const 0) (i64.const 0))", "i64.store32"),
        ("(br_table 0 0 (i32.const 0))", "br_table"),
        ("(try_table)", "try_table"),
        ("(throw_ref (ref.null exn))", "throw_ref"),
        ("(return_call_indirect (i32.const 0))", "return_call_indirect"),
        ("(drop (i32.trunc_sat_f64_u (f64.const 0)))", "i32.trunc_sat_f64_u"),
        ("(drop (i64.extend32_s (i64.const 0)))", "i64.extend32_s"),
        ("(drop (ref.as_non_null (ref.null func)))", "ref.as_non_null"),
    ],
)
def test_instructions_have_the_names_of_the_text_format(text: str, name: str) -> None:
    module = bytes(wasmtime.wat2wasm(f"(module (memory 1) (table 1 funcref) (func {text}))"))
    assert name in [one for one, _ in instruction_ends(module)]
