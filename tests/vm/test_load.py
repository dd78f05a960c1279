"""Loading: pieces of any size, every section, what is refused and where; a refused module leaves nothing behind."""

from __future__ import annotations

import pytest

from tests.vm.machine import (
    FEATURE,
    PREAMBLE,
    STATUS_NAME,
    Machine,
    Refusal,
    leb,
    raw_section,
    section,
    wat,
)
from tests.vm.samples import EVERYTHING, PIECES

ADD = wat('(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')

# Pieces of modules by hand.
NO_TYPE = b"\x60\0\0"
TYPES = section(1, NO_TYPE)
FUNCTION = section(3, b"\0")
CODE = section(10, b"\x02\0\x0b")


def refused(machine: Machine, module: bytes, piece: int = 0) -> Refusal:
    with pytest.raises(Refusal) as caught:
        machine.load(module, piece)
    return caught.value


@pytest.mark.parametrize("piece", PIECES)
def test_a_module_is_the_same_in_pieces_of_any_size(machine: Machine, piece: int) -> None:
    whole = machine.load(EVERYTHING)
    cut = machine.load(EVERYTHING, piece)
    assert (cut.wasm, cut.lowered) == (whole.wasm, whole.lowered)
    instance = machine.instantiate(EVERYTHING, piece)
    assert machine.log() == [77]
    assert machine.call(instance, "sum", 100) == [5050]
    assert machine.call(instance, "pick", 1) == [20]
    assert machine.call(instance, "indirect", 7, 3) == [28]
    assert machine.value(instance, "counter") == [ord("5")]
    assert machine.value(instance, "wide") == [0x76543210, 0xFEDCBA98]
    assert machine.read(instance, 65526, 10) == b"0123456789"
    many = [value for i in range(40) for value in ([i, 0] if i % 2 else [i])]
    assert machine.call(instance, "many", *many) == [38, 0, 36]


def test_a_module_in_place_takes_less_memory_than_a_copied_one(machine: Machine) -> None:
    assert machine.load(EVERYTHING, 0).bytes < machine.load(EVERYTHING, 7).bytes


def test_the_name_of_an_export_may_be_longer_than_a_piece(machine: Machine) -> None:
    instance = machine.instantiate(EVERYTHING, 1)
    name = "a name that is longer than what the loader carries over between two pieces, ä€"
    assert machine.call(instance, name, 4) == [10]


@pytest.mark.parametrize("piece", [0, 1])
def test_a_module_cut_off_anywhere_is_refused_and_leaves_nothing_behind(machine: Machine, piece: int) -> None:
    before = machine.used()
    for length in range(len(EVERYTHING)):
        if length not in ends_of_sections(EVERYTHING):
            error = refused(machine, EVERYTHING[:length], piece)
            assert error.status == "TRUNCATED", length
            assert error.offset <= length
    assert machine.used() == before
    machine.load(EVERYTHING, piece)


def ends_of_sections(module: bytes) -> set[int]:
    """Where a module may end and still be well-formed as far as it goes."""
    ends, at = {8}, 8
    while at < len(module):
        at, size, shift = at + 1, 0, 0
        while True:
            byte = module[at]
            size |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        at += size
        ends.add(at)
    return ends


def test_functions_without_code_are_refused_at_the_end(machine: Machine) -> None:
    assert refused(machine, PREAMBLE + TYPES + FUNCTION).status == "BAD_COUNT"


def test_a_changed_byte_is_refused_or_makes_another_module_but_never_more(machine: Machine) -> None:
    before = machine.used()
    for at in range(len(EVERYTHING)):
        for change in (0x01, 0x40, 0x80, 0xFF):
            changed = bytearray(EVERYTHING)
            changed[at] ^= change
            try:
                loaded = machine.load(bytes(changed), -at - 1 if change == 0xFF else 0)
            except Refusal as error:
                assert 32 <= code(error) < 112, (at, error)
            else:
                machine.unload(loaded.handle)
    assert machine.used() == before


def code(error: Refusal) -> int:
    return next(number for number, name in STATUS_NAME.items() if name == error.status)


@pytest.mark.parametrize(
    ("module", "status", "offset"),
    [
        (b"", "TRUNCATED", 0),
        (b"\0as", "TRUNCATED", 3),
        (b"\0asn\1\0\0\0", "BAD_MAGIC", 4),
        (b"\0asm\2\0\0\0", "BAD_VERSION", 8),
        (b"\0asm\x0d\0\1\0", "BAD_VERSION", 8),  # a component
        (PREAMBLE + b"\x0e\0", "BAD_SECTION", 10),
        (PREAMBLE + b"\x01\x80\x80\x80\x80\x10", "BAD_LEB", 14),
        (PREAMBLE + TYPES + TYPES, "BAD_SECTION", 16),
        (PREAMBLE + FUNCTION + TYPES, "UNKNOWN_TYPE", 12),
        (PREAMBLE + raw_section(1, section(1, NO_TYPE)[2:] + b"\0"), "BAD_SECTION", 14),
        (PREAMBLE + raw_section(1, b"\2" + NO_TYPE), "TRUNCATED", 11),
        (PREAMBLE + raw_section(1, b"\xff\xff\xff\xff\x0f" + NO_TYPE), "TRUNCATED", 15),
        (PREAMBLE + section(1, b"\x60\1\x7b\0"), "ABSENT_FEATURE", 14),
        (PREAMBLE + section(1, b"\x60\1\x01\0"), "BAD_TYPE", 14),
        (PREAMBLE + section(1, b"\x61\0\0"), "BAD_TYPE", 12),
        (PREAMBLE + section(2, b"\1a\1b\5\0"), "BAD_IMPORT_KIND", 16),
        (PREAMBLE + section(2, b"\1a\1b\0\0"), "UNKNOWN_TYPE", 17),
        (PREAMBLE + section(2, b"\1\xff\1b\0\0"), "BAD_UTF8", 12),
        (PREAMBLE + section(2, b"\2\xc0\x80\1b\0\0"), "BAD_UTF8", 12),
        (PREAMBLE + section(2, b"\1\xc3\1\xa4\0\0"), "BAD_UTF8", 12),
        (PREAMBLE + section(2, b"\1a\1b\3\x7f\2"), "BAD_MUTABILITY", 18),
        (PREAMBLE + section(4, b"\x70\x10\1"), "BAD_LIMITS", 13),
        (PREAMBLE + section(4, b"\x70\1\2\1"), "BAD_LIMITS_RANGE", 15),
        (PREAMBLE + section(5, b"\x00\x81\x80\x04"), "BAD_LIMITS_RANGE", 15),
        (PREAMBLE + section(5, b"\x08\1\1"), "BAD_LIMITS", 14),
        (PREAMBLE + section(6, b"\x7f\0\x42\0\x0b"), "TYPE_MISMATCH", 16),
        (PREAMBLE + section(6, b"\x7f\0\x0b\0"), "TYPE_MISMATCH", 14),
        (PREAMBLE + section(6, b"\x7f\0\x23\0\x0b"), "UNKNOWN_GLOBAL", 15),
        (PREAMBLE + section(6, b"\x7f\0\x41\0\x41\0\x0b"), "TYPE_MISMATCH", 18),
        (PREAMBLE + section(6, b"\x7f\0\x10\0\x0b"), "BAD_CONSTANT_EXPRESSION", 14),
        (PREAMBLE + section(2, b"\0\0\3\x7f\1") + section(6, b"\x7f\0\x23\0\x0b"), "BAD_CONSTANT_EXPRESSION", 23),
        (PREAMBLE + section(7, b"\1a\0\0"), "UNKNOWN_FUNCTION", 15),
        (PREAMBLE + section(7, b"\1a\2\0"), "UNKNOWN_MEMORY", 15),
        (PREAMBLE + section(7, b"\1a\5\0"), "BAD_EXPORT_KIND", 15),
        (PREAMBLE + section(5, b"\0\1") + section(7, b"\1a\2\0", b"\1a\2\0"), "DUPLICATE_EXPORT", 24),
        (PREAMBLE + raw_section(8, b"\0"), "UNKNOWN_FUNCTION", 11),
        (PREAMBLE + section(1, b"\x60\1\x7f\0") + FUNCTION + raw_section(8, b"\0"), "BAD_START", 22),
        (PREAMBLE + section(4, b"\x40\x01\x70\0\1\xd0\x70\x0b"), "BAD_RESERVED_BYTE", 13),
        (PREAMBLE + section(9, b"\0\x41\0\x0b\0"), "UNKNOWN_TABLE", 12),
        (PREAMBLE + section(4, b"\x70\0\1") + section(9, b"\2\0\x41\0\x0b\1\0"), "BAD_SEGMENT", 23),
        (PREAMBLE + section(4, b"\x70\0\1") + section(9, b"\0\x41\0\x0b\1\0"), "UNKNOWN_FUNCTION", 23),
        (PREAMBLE + section(9, b"\x08\x41\0\x0b\0"), "BAD_SEGMENT", 12),
        (PREAMBLE + TYPES + FUNCTION + section(10, b"\2\0\x0b", b"\2\0\x0b"), "BAD_COUNT", 21),
        (PREAMBLE + TYPES + FUNCTION + section(10, b"\3\0\x0b\0"), "BAD_SECTION", 24),
        (PREAMBLE + TYPES + FUNCTION + section(10, b"\3\0\x01\x01"), "TRUNCATED", 25),
        (PREAMBLE + TYPES + FUNCTION + section(10, b"\2\0\xff"), "BAD_OPCODE", 24),
        (PREAMBLE + section(11, b"\0\x41\0\x0b\0"), "UNKNOWN_MEMORY", 12),
        (PREAMBLE + section(11, b"\3\x41\0\x0b\0"), "BAD_SEGMENT", 12),
        (PREAMBLE + raw_section(12, b"\1") + section(5, b"\0\1"), "BAD_SECTION", 13),
        (PREAMBLE + raw_section(12, b"\1") + raw_section(11, b"\0"), "BAD_COUNT", 14),
        (PREAMBLE + raw_section(12, b"\1"), "BAD_COUNT", 11),
        (PREAMBLE + raw_section(0, b"\2a"), "TRUNCATED", 11),
        (PREAMBLE + raw_section(0, b""), "TRUNCATED", 10),
        (PREAMBLE + raw_section(0, b"\2a\xff"), "BAD_UTF8", 11),
    ],
)
@pytest.mark.parametrize("piece", [0, 1])
def test_what_is_wrong_is_told_with_its_offset(
    machine: Machine, module: bytes, status: str, offset: int, piece: int
) -> None:
    before = machine.used()
    error = refused(machine, module, piece)
    assert error.status == status
    assert error.offset == offset or status == "BAD_UTF8"  # a name is checked piece by piece
    assert machine.used() == before


@pytest.mark.parametrize("values", range(8))
def test_a_type_that_its_section_cuts_off_writes_nothing_beyond_its_room(machine: Machine, values: int) -> None:
    before = machine.used()
    for types in range(1, 9):
        whole = b"\x60" + leb(values) + b"\x7f" * values + b"\0"
        cut = PREAMBLE + raw_section(1, leb(types + 1) + whole * types + b"\x60")
        assert refused(machine, cut).status == "TRUNCATED"
    assert machine.used() == before


@pytest.mark.parametrize("piece", PIECES)
def test_an_error_is_told_where_it_is_whatever_the_pieces(machine: Machine, piece: int) -> None:
    too_long = PREAMBLE + b"\x05\x0c" + b"\x01\x01" + b"\xff" * 6 + b"\x03\x02\x01\x00"
    error = refused(machine, too_long, piece)
    assert (error.status, error.offset) == ("BAD_LEB", 17)


def test_the_function_that_is_wrong_is_named(machine: Machine) -> None:
    code_section = section(10, b"\2\0\x0b", b"\4\0\x20\0\x0b")
    error = refused(machine, PREAMBLE + TYPES + section(3, b"\0", b"\0") + code_section)
    assert (error.status, error.function) == ("UNKNOWN_LOCAL", 1)


@pytest.mark.parametrize(
    ("module", "feature"),
    [
        (PREAMBLE + section(1, b"\x60\1\x7b\0"), "SIMD"),
        (PREAMBLE + section(1, b"\x5f\0"), "GC"),
        (PREAMBLE + section(1, b"\x4e\1\x60\0\0"), "GC"),
        (PREAMBLE + section(1, b"\x5d\0"), "STACK_SWITCHING"),
        (PREAMBLE + section(5, b"\3\1\1"), "THREADS"),
        (PREAMBLE + section(5, b"\4\1"), "MEMORY64"),
        (PREAMBLE + TYPES + FUNCTION + section(10, b"\4\0\x06\x40\x0b"), "LEGACY_EXCEPTIONS"),
        (PREAMBLE + TYPES + FUNCTION + section(10, b"\4\0\xfe\3\0\x0b"), "THREADS"),
    ],
)
def test_an_absent_feature_is_refused_by_its_name(machine: Machine, module: bytes, feature: str) -> None:
    error = refused(machine, module)
    assert (error.status, error.detail) == ("ABSENT_FEATURE", FEATURE[feature])


def test_custom_sections_are_skipped_wherever_they_are(machine: Machine) -> None:
    custom = raw_section(0, b"\4name" + bytes(range(256)) * 5)
    sections = [TYPES, FUNCTION, raw_section(7, b"\1\1f\0\0"), CODE]
    module = PREAMBLE + custom + custom.join(sections) + custom
    for piece in PIECES:
        instance = machine.instantiate(module, piece)
        assert machine.call(instance, "f") == []


def test_numbers_may_be_padded_to_five_bytes(machine: Machine) -> None:
    def padded(value: int) -> bytes:
        return bytes([value & 0x7F | 0x80, 0x80, 0x80, 0x80, 0])

    body = b"\0" + b"\x41\0\x41\0" + b"\x11" + padded(0) + padded(0) + b"\x0b"
    module = (
        PREAMBLE
        + raw_section(1, padded(1) + b"\x60" + padded(1) + b"\x7f" + padded(1) + b"\x7f")
        + raw_section(3, padded(2) + padded(0) + padded(0))
        + raw_section(4, padded(1) + b"\x70\1" + padded(1) + padded(1))
        + raw_section(7, padded(1) + padded(1) + b"f\0" + padded(1))
        + raw_section(9, padded(1) + padded(2) + padded(0) + b"\x41" + padded(0) + b"\x0b\0" + padded(1) + padded(0))
        + raw_section(10, padded(2) + padded(4) + b"\0\x20\0\x0b" + padded(len(body)) + body)
    )
    for piece in (0, 1):
        instance = machine.instantiate(module, piece)
        assert machine.call(instance, "f", 5) == [0]


def test_a_count_that_its_section_cannot_hold_takes_no_memory(machine: Machine) -> None:
    peak = machine.memory()["peak"]
    for number in (1, 2, 3, 6, 7, 9, 10, 11):
        refused(machine, PREAMBLE + raw_section(number, leb(0xFFFFFFFF) + bytes(20)))
    assert machine.memory()["peak"] - peak < 2000  # the state of the load and the module


def test_a_section_larger_than_the_arena_is_refused_for_want_of_memory(machine: Machine) -> None:
    module = PREAMBLE + b"\x07" + leb(1 << 27) + leb(1) + leb(4) + b"abcd"
    assert refused(machine, module, piece=5).status == "NO_MEMORY"
    assert refused(machine, EVERYTHING[:20]).status == "TRUNCATED"


def test_limits_of_the_implementation_are_refused_as_such(machine: Machine) -> None:
    many = b"\x60" + leb(1001) + b"\x7f" * 1001 + b"\0"
    assert refused(machine, PREAMBLE + section(1, many)).status == "IMPLEMENTATION_LIMIT"
    functions = PREAMBLE + TYPES + raw_section(3, leb(65536) + bytes(65536))
    assert refused(machine, functions).status == "IMPLEMENTATION_LIMIT"


def test_equal_types_are_one_type(machine: Machine) -> None:
    module = wat("""(module
      (type $a (func (param i32) (result i32))) (type $b (func (param i32) (result i32)))
      (table 1 funcref) (elem (i32.const 0) $f)
      (func $f (type $a) (local.get 0))
      (func (export "g") (result i32) (call_indirect (type $b) (i32.const 9) (i32.const 0))))""")
    assert machine.call(machine.instantiate(module, 1), "g") == [9]


def test_a_module_may_be_empty(machine: Machine) -> None:
    for piece in (0, 1):
        machine.instantiate(PREAMBLE, piece)


def test_loading_gives_all_memory_back_when_unloaded(machine: Machine) -> None:
    before = machine.used()
    for piece in PIECES:
        machine.unload(machine.load(EVERYTHING, piece).handle)
        assert machine.used() == before
        assert machine.memory()["largest"] + 200 > machine.memory()["size"] - machine.memory()["vm"] - 4
