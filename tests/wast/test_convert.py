"""Scripts to commands: modules in their binary form, values as exact bits, lines, and what cannot be converted."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from firmware_host.wast import commands as c
from firmware_host.wast.constants import parse_float, parse_integer
from firmware_host.wast.convert import convert
from firmware_host.wast.sexpr import ScriptError
from firmware_host.wast.values import Either, Nan, Number, Reference, Vector


def _one(text: str) -> Any:
    (command,) = convert(text.encode())
    return command


def test_a_textual_module_is_assembled() -> None:
    command = _one('(module $m (func (export "f")))')
    assert isinstance(command, c.ModuleCommand)
    assert command.module.name == "$m"
    assert command.module.binary is not None
    assert command.module.binary.startswith(b"\0asm\x01\0\0\0")


def test_a_binary_module_is_taken_as_it_is() -> None:
    command = _one('(module binary "\\00asm" "\\01\\00\\00\\00" "\\ff\\u{e9}")')
    assert command.module.binary == b"\0asm\x01\0\0\0\xff\xc3\xa9"


def test_malformed_text_has_no_binary_form() -> None:
    command = _one('(assert_malformed (module quote "(func") "unexpected end")')
    assert isinstance(command, c.AssertModule)
    assert command.module.binary is None


def test_valid_quoted_text_is_assembled() -> None:
    assert _one('(module quote "(memory" " 1)")').module.binary is not None


def test_a_script_may_be_the_fields_of_one_module() -> None:
    command = _one('(func) (memory 1) (export "m" (memory 0))')
    assert isinstance(command, c.ModuleCommand)
    assert command.module.binary is not None


def test_lines_are_those_of_the_file() -> None:
    commands = convert(b';; one\n(; two\nthree ;)\n(module)\n\n  (assert_return (invoke "f"))\n')
    assert [command.line for command in commands] == [4, 6]


def test_actions_name_an_instance_or_mean_the_current_one() -> None:
    assert _one('(invoke $m "f" (i32.const 1))').action == c.Invoke("$m", "f", (Number("i32", 1),))
    assert _one('(assert_return (get "g") (i64.const -1))').action == c.Get("", "g")


def test_results_of_all_kinds_are_understood() -> None:
    command = _one(
        '(assert_return (invoke "f") (f32.const nan:canonical) (ref.null func) (ref.extern 7) (ref.func)'
        " (v128.const i32x4 1 2 3 -1) (either (i32.const 1) (i32.const 2)))"
    )
    lanes = tuple(Number("i32", bits) for bits in (1, 2, 3, 0xFFFFFFFF))
    assert command.expected == (
        Nan("f32", "canonical"),
        Reference("funcref", "null"),
        Reference("externref", 7),
        Reference("funcref", None),
        Vector("i32", lanes),
        Either((Number("i32", 1), Number("i32", 2))),
    )


def test_a_trapping_instantiation_is_told_from_a_trapping_call() -> None:
    assert _one('(assert_trap (module (func $f (unreachable)) (start $f)) "unreachable")').keyword == (
        "assert_uninstantiable"
    )
    assert _one('(assert_trap (invoke "f") "unreachable")').keyword == "assert_trap"


def test_what_cannot_be_converted_becomes_a_failure_and_the_rest_goes_on() -> None:
    commands = convert(b'(module (frobnicate))\n(conjure "x")\n(invoke "f")')
    assert [type(command) for command in commands] == [c.Unconvertible, c.Unconvertible, c.ActionCommand]
    (whole,) = convert(b'(module "never closed')
    assert isinstance(whole, c.Unconvertible)


@pytest.mark.parametrize(
    ("text", "bits"),
    [("0", 0), ("-1", 0xFFFFFFFF), ("0xffff_ffff", 0xFFFFFFFF), ("-0x8000_0000", 0x80000000), ("+1_000", 1000)],
)
def test_integers_become_unsigned_bit_patterns(text: str, bits: int) -> None:
    assert parse_integer(text, 32) == bits


@pytest.mark.parametrize("text", ["4294967296", "-2147483649", "0x1_0000_0000"])
def test_an_integer_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ScriptError):
        parse_integer(text, 32)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0",
        "1",
        "0.1",
        "-1e10",
        "1e-45",
        "3.4028234663852886e38",
        "1.17549435e-38",
        "7.006492321624085e-46",
        "1e-320",
    ],
)
def test_decimal_floats_are_rounded_as_python_rounds_them(text: str) -> None:
    assert parse_float(text, 64) == struct.unpack("<Q", struct.pack("<d", float(text)))[0]


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("0x1.000001p0", 0x3F800000),  # a tie, to even
        ("0x1.000003p0", 0x3F800002),
        ("0x1.00000100000000001p0", 0x3F800001),  # just above the tie
        ("0x1p-149", 1),
        ("0x1p-150", 0),
        ("0x1.8p-150", 1),
        ("0x0.fffffe8p-126", 0x007FFFFF),
        ("0x1.fffffep127", 0x7F7FFFFF),
        ("inf", 0x7F800000),
        ("-nan", 0xFFC00000),
        ("nan:0x1", 0x7F800001),
    ],
)
def test_hexadecimal_floats_are_rounded_exactly(text: str, bits: int) -> None:
    assert parse_float(text, 32) == bits


def test_a_float_that_rounds_to_infinity_is_refused() -> None:
    with pytest.raises(ScriptError):
        parse_float("0x1.ffffffp127", 32)
