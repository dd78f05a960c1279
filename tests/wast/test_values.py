"""Results held against patterns, bit by bit."""

from __future__ import annotations

import pytest

from firmware_host.wast.values import NULL_REFERENCE, Either, Nan, Number, Reference, Value, Vector, mismatch, to_cells


def test_wide_values_take_two_cells_low_word_first() -> None:
    assert to_cells([Number("i32", 1), Number("i64", 0x100000002), Number("f64", 1 << 63)]) == [1, 2, 1, 0, 0x80000000]


def test_references_take_one_cell() -> None:
    values = [Reference("externref", 7), Reference("externref", 0), Reference("funcref", "null")]
    assert to_cells(values) == [8, 1, NULL_REFERENCE]


@pytest.mark.parametrize("value", [Nan("f32", "canonical"), Reference("funcref", None), Either(())])
def test_patterns_are_no_arguments(value: Value) -> None:
    with pytest.raises(ValueError, match="argument"):
        to_cells([value])


@pytest.mark.parametrize(
    ("bits", "kinds"),
    [
        (0x7FC00000, {"canonical", "arithmetic"}),
        (0xFFC00000, {"canonical", "arithmetic"}),
        (0x7FC00001, {"arithmetic"}),
        (0x7F800001, set()),  # signalling
        (0x7F800000, set()),  # infinity
        (0x3F800000, set()),
    ],
)
def test_nans_are_of_two_kinds_whatever_their_sign(bits: int, kinds: set[str]) -> None:
    matching = {kind for kind in ("canonical", "arithmetic") if mismatch([Nan("f32", kind)], [bits]) is None}
    assert matching == kinds


def test_a_nan_without_type_takes_the_width_of_the_result() -> None:
    assert mismatch([Nan("", "canonical")], [0x7FC00000]) is None
    assert mismatch([Nan("", "canonical")], [0, 0x7FF80000]) is None
    assert mismatch([Nan("", "canonical")], [1, 0x7FF80000]) is not None
    assert mismatch([Nan("", "canonical")], []) is not None


def test_zeros_differ_by_their_sign() -> None:
    assert mismatch([Number("f32", 0)], [0x80000000]) is not None


def test_too_many_and_too_few_results_are_mismatches() -> None:
    one = Number("i32", 1)
    assert mismatch([one], [1, 1]) is not None
    assert mismatch([one, one], [1]) is not None
    assert mismatch([Number("i64", 1)], [1]) is not None
    assert mismatch([], [1]) is not None
    assert mismatch([], []) is None


def test_lanes_are_compared_one_by_one() -> None:
    lanes = (Number("f32", 0x3F800000), Nan("f32", "canonical"), Number("f32", 0), Nan("f32", "arithmetic"))
    assert mismatch([Vector("f32", lanes)], [0x3F800000, 0xFFC00000, 0, 0x7FC12345]) is None
    assert mismatch([Vector("f32", lanes)], [0x3F800000, 0xFFC00001, 0, 0x7FC12345]) is not None


def test_a_mismatch_says_what_was_expected_and_what_came() -> None:
    assert mismatch([Number("i32", 42)], [43]) == "expected i32:0x2a, got cells 0000002b"
