"""A module that uses a feature which this build lacks is refused by that feature's name, and the board stays usable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from firmware_host import Board, status
from firmware_host.build import features
from firmware_host.errors import BadModule
from firmware_host.inprocess import InProcessBoard
from firmware_host.wasm.sections import MAGIC, VERSION
from firmware_host.wast.assemble import assemble

#: Feature, and the smallest modules that need it.
MODULES = [
    ("simd", "(module (func (drop (v128.const i32x4 0 0 0 0))))"),
    ("simd", "(module (func (param v128)))"),
    ("threads", "(module (memory 1 1 shared))"),
    ("threads", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
    ("memory64", "(module (memory i64 1))"),
    ("gc", "(module (type (struct (field i32))))"),
    ("stack-switching", "(module (type $f (func)) (type $c (cont $f)))"),
]

#: The option that only a setting in a module needs: tests/interrupts/test_rings.py has its refusal.
NO_INSTRUCTION = "RINGS"


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board.connect("host", 10.0) as connected:
        yield connected


@pytest.mark.parametrize(("feature", "text"), MODULES)
def test_the_refusal_names_the_feature(board: Board, feature: str, text: str) -> None:
    assert feature not in board.info.features, "it is built: this case belongs into the scripts now"
    board.put(assemble(text.encode()), replace=True)
    with pytest.raises(BadModule, match=feature) as refused:
        board.instantiate()
    assert refused.value.code == status.code("ABSENT_FEATURE")
    assert status.feature(refused.value.detail).text == feature
    assert refused.value.exit_code == 6
    board.put(assemble(b'(module (func (export "f") (result i32) (i32.const 7)))'), replace=True)
    assert board.instantiate().invoke("f") == [7]


@pytest.mark.parametrize("opcode", [0x06, 0x07, 0x09, 0x18, 0x19])
def test_legacy_exceptions_are_told_from_those_of_today(board: Board, opcode: int) -> None:
    body = b"\x00" + bytes([opcode]) + b"\x40\x0b\x0b"
    board.put(
        MAGIC + VERSION + b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a" + bytes([len(body) + 2, 1, len(body)]) + body,
        replace=True,
    )
    with pytest.raises(BadModule) as refused:
        board.instantiate()
    assert refused.value.code == status.code("ABSENT_FEATURE")
    assert status.feature(refused.value.detail).text == "legacy-exceptions"


def test_every_absent_feature_has_a_case(board: Board) -> None:
    absent = {feature.text for feature in status.features().values()} - board.info.features
    # Named by no opcode or section of its own that a module could need alone, or by no assembler here.
    without = {"legacy-exceptions", "relaxed-simd", "wide-arithmetic"}
    assert absent - without - {NO_INSTRUCTION.lower()} == {feature for feature, _ in MODULES}


# ---- builds without what is optional


@pytest.fixture(scope="module")
def bare() -> Iterator[InProcessBoard]:
    """A VM with every feature option off."""
    define = features.defines(dict.fromkeys(features.feature_options(), False))
    with InProcessBoard(1 << 20, define=define) as board:
        yield board


#: Option, an instruction that needs it, and the first bytes of that instruction.
INSTRUCTIONS = {
    "SATURATING_TRUNCATION": ("(drop (i32.trunc_sat_f32_s (f32.const 1)))", b"\xfc\x00"),
    "BULK_COPY_FILL": ("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))", b"\xfc\x0b"),
    "BULK_MEMORY": ("(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 0))", b"\xfc\x0e"),
    "REFERENCE_TYPES": ("(drop (ref.null func))", b"\xd0\x70"),
    "TYPED_FUNCTION_REFERENCES": ("(drop (ref.as_non_null (unreachable)))", b"\xd4"),
    "TAIL_CALL": ("(return_call $last)", b"\x12\x01"),
    "EXCEPTIONS": ("(block $b (try_table (catch_all $b)))", b"\x1f\x40"),
}

#: Option, and what of a module needs it outside of functions.
OUTSIDE = {
    "CUSTOM_PAGE_SIZES": "(memory 1 (pagesize 1))",
    "EXTENDED_CONST": "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    "MULTI_MEMORY": "(memory 1) (memory 1)",
    "MULTI_TABLE": "(table 1 funcref) (table 1 funcref)",
    "EXCEPTIONS": "(tag)",
    "REFERENCE_TYPES": "(table 1 externref)",
    "BULK_MEMORY": '(data "passive")',
}


def _feature_of(option: str) -> str:
    return features.feature_options()[option].text


def _refusal(board: InProcessBoard, module: bytes) -> BadModule:
    board.put(assemble(b"(module)"), replace=True)
    before = board.used
    board.put(module)
    with pytest.raises(BadModule) as refused:
        board.instantiate()
    assert board.used == before, "a refusal gives everything back"
    assert refused.value.code == status.code("ABSENT_FEATURE")
    return refused.value


def test_a_build_without_options_has_what_none_of_them_is_for(bare: InProcessBoard) -> None:
    assert bare.features == {"mutable-globals", "sign-extension", "multi-value"}
    bare.put(assemble(b'(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const 8))))'), replace=True)
    assert bare.instantiate().invoke("f") == [0]


@pytest.mark.parametrize("option", INSTRUCTIONS)
def test_an_instruction_of_an_absent_feature_is_refused_by_name_function_and_byte(
    bare: InProcessBoard, option: str
) -> None:
    text, encoded = INSTRUCTIONS[option]
    module = assemble(f"(module (memory 1) (table $t 1 funcref) (func) (func $last nop {text}))".encode())
    error = _refusal(bare, module)
    assert status.feature(error.detail).text == _feature_of(option)
    assert error.function == 1
    assert module.count(encoded) == 1
    assert module.index(encoded) < error.offset <= module.index(encoded) + len(encoded)
    assert f"it needs {_feature_of(option)}, which this board's build does not have" in str(error)
    assert f"(in function 1 (last), byte {error.offset:#x}: " in str(error)  # and which instruction it is


@pytest.mark.parametrize("option", OUTSIDE)
def test_what_else_of_a_module_needs_an_absent_feature_is_refused_by_name_and_byte(
    bare: InProcessBoard, option: str
) -> None:
    module = assemble(f"(module {OUTSIDE[option]})".encode())
    error = _refusal(bare, module)
    assert status.feature(error.detail).text == _feature_of(option)
    assert error.function is None
    assert 8 < error.offset <= len(module)


def test_every_option_has_a_case_here() -> None:
    assert set(features.feature_options()) == {*INSTRUCTIONS, *OUTSIDE, NO_INSTRUCTION}
