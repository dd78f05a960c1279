"""WebAssembly values on the command line: what people type, what they read, and the cells between."""

from __future__ import annotations

import pytest

from firmware_host.values import format_value, parse_value

SAMPLES = [
    ("i32", "20", [20], "20"),
    ("i32", "-1", [0xFFFFFFFF], "-1"),
    ("i32", "0xffffffff", [0xFFFFFFFF], "-1"),
    ("i64", "-2", [0xFFFFFFFE, 0xFFFFFFFF], "-2"),
    ("i64", "0x100000002", [2, 1], "4294967298"),
    ("f32", "1.5", [0x3FC00000], "1.5"),
    ("f32", "0.1", [0x3DCCCCCD], "0.1"),
    ("f32", "-inf", [0xFF800000], "-inf"),
    ("f32", "nan", [0x7FC00000], "nan"),
    ("f32", "-nan:0x1", [0xFF800001], "-nan:0x1"),
    ("f32", "0x1p-149", [1], "1e-45"),
    ("f64", "-0.0", [0, 0x80000000], "-0.0"),
    ("f64", "1e300", [0x8800759C, 0x7E37E43C], "1e+300"),
    ("f64", "nan:0x1", [1, 0x7FF00000], "nan:0x1"),
    ("funcref", "null", [0], "null"),
    ("externref", "7", [7], "7"),
]


@pytest.mark.parametrize(("kind", "text", "cells", "shown"), SAMPLES, ids=[f"{s[0]} {s[1]}" for s in SAMPLES])
def test_a_value_becomes_cells_and_is_read_back(kind: str, text: str, cells: list[int], shown: str) -> None:
    assert parse_value(kind, text) == cells
    assert format_value(kind, cells) == shown


WRONG = [
    ("i32", "4294967296", "does not fit i32"),
    ("i32", "1.5", "is no i32"),
    ("i64", "ten", "is no i64"),
    ("f32", "1e39", "does not fit f32"),
    ("f32", "nan:0x0", "payload"),
    ("f64", "nano", "is no f64"),
    ("funcref", "3", "cannot be given"),
    ("v128", "0", "cannot be given"),
]


@pytest.mark.parametrize(("kind", "text", "problem"), WRONG, ids=[f"{w[0]} {w[1]}" for w in WRONG])
def test_a_value_that_is_none_is_refused_saying_why(kind: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_value(kind, text)
