"""guests/c/wirq_guest.h compiles everywhere without a warning and agrees with the boards: numbers, types, layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_host import resources, status
from firmware_host.boards import known_boards, load_board
from firmware_host.wasm import FunctionType, Kind, Module
from tests.guests.compiling import EXPORTED, PROGRAMS, STRICT, compile_object, link

HEADER = resources.path("guests", "c", "wirq_guest.h").read_text(encoding="utf-8")
HANDLER = FunctionType(("i32", "i32", "i32"))

IMPORT_TYPES = {
    "board.write": (("i32", "i32"), ("i32",)),
    "board.read": (("i32", "i32"), ("i32",)),
    "board.pin_write": (("i32", "i32"), ()),
    "board.pin_read": (("i32",), ("i32",)),
    "board.timer_start": (("i32", "i32"), ("i32",)),
    "board.timer_stop": (("i32",), ("i32",)),
    "board.clock_us": ((), ("i64",)),
    "wirq.block": (("i32", "i32", "i32"), ("i32",)),
    "wirq.attach": (("i32", "i32", "i32", "i32"), ("i32",)),
    "wirq.detach": (("i32",), ("i32",)),
    "wirq.enable": (("i32", "i32"), ("i32",)),
    "wirq.pend": (("i32",), ("i32",)),
    "wirq.take": (("i32",), ("i32",)),
    "wirq.poll": ((), ()),
    "wirq.wait": (("i64",), ("i32",)),
    "wirq.deliver": ((), ()),
    "wirq.budget": (("i32", "i32", "i32"), ("i32",)),
    "wirq.query": (("i32",), ("i64",)),
}


def _enumerators(prefix: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(rf"\b{prefix}(\w+) = (\d+)", HEADER)}


def _module(tmp_path: Path, *flags: str) -> Module:
    compile_object(PROGRAMS / "everything.c", tmp_path / "e.o", *STRICT, *flags)
    return Module.parse(link(tmp_path / "e.o", tmp_path / "e.wasm", "--export=__stack_pointer").read_bytes())


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3", "-Os", "-Oz"])
@pytest.mark.parametrize("way", [(), EXPORTED], ids=["trampoline", "exported"])
def test_it_compiles_without_warnings_at_every_level(tmp_path: Path, level: str, way: tuple[str, ...]) -> None:
    module = _module(tmp_path, level, *way)
    exports = {export.name for export in module.exports if export.kind == Kind.FUNCTION}
    assert exports == {"main", "irq:uart", "irq:timer"}
    assert module.exported_function("irq:uart") == module.exported_function("irq:timer") == HANDLER
    assert module.exported_function("main") == FunctionType((), ("i32",))


@pytest.mark.parametrize("flags", [("-mcpu=mvp",), ("-mcpu=generic",), ("-xc++", "-std=c++17")], ids=str)
def test_it_compiles_for_other_targets_and_as_cplusplus(tmp_path: Path, flags: tuple[str, ...]) -> None:
    cplusplus = "-xc++" in flags
    strict = tuple(flag for flag in STRICT if not (cplusplus and flag == "-std=c11"))
    language = "c++" if cplusplus else "cc"
    compile_object(PROGRAMS / "everything.c", tmp_path / "e.o", *strict, *flags, "-O2", language=language)


def test_imports_have_the_names_and_types_that_boards_provide(tmp_path: Path) -> None:
    imports = {f"{one.module}.{one.name}": one.type for one in _module(tmp_path, "-Os").imports}
    assert imports == {name: FunctionType(*type_) for name, type_ in IMPORT_TYPES.items()}


def test_nothing_of_the_trampoline_is_left_in_the_module(tmp_path: Path) -> None:
    names = set(_module(tmp_path, "-Os").function_names.values())
    assert not {name for name in names if name.startswith("wirq_mention")}


@pytest.mark.parametrize("board", known_boards())
def test_sources_and_pins_have_the_numbers_of_every_board(board: str) -> None:
    facts = load_board(board)
    sources = {source.name.upper(): source.number for source in facts.irq_sources}
    assert _enumerators("WIRQ_SOURCE_").items() <= sources.items()
    assert _enumerators("WIRQ_PIN_").items() <= {pin.name.upper(): pin.number for pin in facts.pins}.items()


def test_the_portable_sources_and_the_pin_are_all_there() -> None:
    assert set(_enumerators("WIRQ_SOURCE_")) == {"UART", "TIMER", "BUTTON", "SOFT0"}
    assert set(_enumerators("WIRQ_PIN_")) == {"LED"}


def test_error_codes_are_those_of_the_one_list() -> None:
    (block,) = re.findall(r"enum wirq_error \{(.*?)\};", HEADER, re.DOTALL)
    codes = {name: int(code) for name, code in re.findall(r"WIRQ_(\w+) = (\d+)", block)}
    assert codes == {name: status.code(name) for name in codes}
    assert len(codes) > 5


def test_the_block_lies_as_boards_read_it(tmp_path: Path) -> None:
    compile_object(PROGRAMS / "layout.c", tmp_path / "l.o", *STRICT)


def test_it_refuses_to_be_compiled_natively(tmp_path: Path) -> None:
    source = tmp_path / "native.c"
    source.write_text('#include "wirq_guest.h"\n')
    with pytest.raises(AssertionError, match="for programs compiled to WebAssembly"):
        compile_object(source, tmp_path / "native.o", "-target", "native")
