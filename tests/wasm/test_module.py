"""Modules taken apart: what their sections say, padded numbers included, and clear errors where the bytes are none."""

from __future__ import annotations

import pytest

from firmware_host.errors import BadModule
from firmware_host.wasm import FunctionType, Kind, Limits, MemoryType, Module, SectionId, strip
from firmware_host.wasm import encode as e

HEADER = b"\0asm\x01\0\0\0"
EMPTY = FunctionType()
I32 = FunctionType((), ("i32",))


def _answer(value: int = 42, padding: int = 0) -> bytes:
    """A module with one exported function, every number of its frame padded."""

    def number(n: int) -> bytes:
        return e.unsigned(n, padding)

    def section(identity: int, body: bytes) -> bytes:
        return bytes([identity]) + number(len(body)) + body

    code = b"\x00" + e.constant("i32", value)
    return HEADER + b"".join(
        (
            section(1, number(1) + b"\x60" + number(0) + number(1) + b"\x7f"),
            section(3, number(1) + number(0)),
            section(7, number(1) + number(6) + b"answer" + b"\x00" + number(0)),
            section(10, number(1) + number(len(code)) + code),
        )
    )


@pytest.mark.parametrize("padding", [0, 2, 5])
def test_numbers_may_be_padded_to_five_bytes(padding: int) -> None:
    module = Module.parse(_answer(padding=padding))
    assert module.exported_function("answer") == I32
    assert module.code_size == 4


def test_offsets_are_measured_in_the_file() -> None:
    data = _answer(padding=5)
    module = Module.parse(data)
    (code,) = module.code
    assert data[code.start : code.end] == b"\x00\x41\x2a\x0b"


def test_a_number_of_six_bytes_is_malformed() -> None:
    with pytest.raises(BadModule, match="longer than it may be"):
        Module.parse(_answer(padding=6))


def test_a_number_of_more_than_32_bits_is_malformed() -> None:
    with pytest.raises(BadModule, match="too large"):
        Module.parse(HEADER + b"\x01\xff\xff\xff\xff\x1f")


@pytest.mark.parametrize("length", range(1, len(_answer())))
def test_a_truncated_module_is_refused_unless_it_ends_between_sections(length: int) -> None:
    data = _answer()
    ends = {8} | {section.end for section in Module.parse(data).sections}
    if length in ends:
        Module.parse(data[:length])
    else:
        with pytest.raises(BadModule, match="byte 0x"):
            Module.parse(data[:length])


def test_text_is_no_module() -> None:
    with pytest.raises(BadModule, match="magic number") as error:
        Module.parse(b"(module)")
    assert error.value.exit_code == 6
    assert error.value.hint


def test_a_component_is_refused() -> None:
    with pytest.raises(BadModule, match="version"):
        Module.parse(b"\0asm\x0d\0\x01\0")


def test_index_spaces_count_imports_first() -> None:
    writer = e.ModuleWriter()
    writer.import_function("board", "write", FunctionType(("i32", "i32"), ("i32",)))
    mine = writer.function(EMPTY)
    writer.export("mine", Kind.FUNCTION, mine)
    module = Module.parse(writer.finish())
    assert mine == 1
    assert module.functions == (FunctionType(("i32", "i32"), ("i32",)), EMPTY)
    assert module.exported_function("mine") == EMPTY
    assert module.imports[0].module == "board"
    assert module.function_name(0) == "board.write"
    assert module.function_name(1) == "mine"


def test_memory_in_bytes_is_told_from_memory_in_pages() -> None:
    for page_size, minimum in ((1, 1000), (65536, 65536)):
        writer = e.ModuleWriter()
        writer.memory(MemoryType(Limits(1000 if page_size == 1 else 1), page_size))
        memory = Module.parse(writer.finish()).memory
        assert memory is not None
        assert memory.page_size == page_size
        assert memory.minimum_bytes == minimum


def test_names_come_from_the_name_section() -> None:
    names = b"\x01" + e.unsigned(10) + e.vector([e.unsigned(0) + e.name("compute")])
    module = Module.parse(_answer() + e.custom_section("name", names))
    assert module.function_name(0) == "compute"


def test_a_broken_name_section_does_not_matter() -> None:
    module = Module.parse(_answer() + e.custom_section("name", b"\x01\x7f\x01"))
    assert module.function_names == {}
    assert module.function_name(0) == "answer"


def test_stripping_takes_out_custom_sections_only() -> None:
    plain = _answer()
    dressed = HEADER + e.custom_section("producers", b"zig") + plain[8:] + e.custom_section("name", b"")
    assert strip(dressed) == plain
    assert Module.parse(dressed).strip() == plain
    assert Module.parse(strip(dressed, lambda name: name == "name")).custom("name") == b""


def test_stripping_does_not_need_to_understand_the_module() -> None:
    unknown_types = HEADER + e.section(1, b"\x01\x5f\x00") + e.custom_section("name", b"")
    assert strip(unknown_types) == unknown_types[:-7]


def test_sections_know_their_place() -> None:
    module = Module.parse(_answer())
    assert [section.id for section in module.sections] == [
        SectionId.TYPE,
        SectionId.FUNCTION,
        SectionId.EXPORT,
        SectionId.CODE,
    ]
    assert module.sections[0].start == 8
    assert all(a.end == b.start for a, b in zip(module.sections, module.sections[1:], strict=False))


@pytest.mark.parametrize("value", [0, 63, 64, -64, -65, 127, 128, 2**31 - 1, -(2**31)])
def test_signed_numbers_survive_writing_and_reading(value: int) -> None:
    from firmware_host.wasm.reader import Reader

    reader = Reader(e.signed(value))
    assert reader.signed(32) == value
    assert not reader
