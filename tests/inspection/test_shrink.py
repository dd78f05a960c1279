"""`wirq shrink`: only what never grows, only behind the heap's base, and the program computes the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host import Board, NoSpace
from firmware_host.errors import BadModule
from firmware_host.wasm import Module
from firmware_host.wasm.shrink import shrink
from firmware_host.wast.assemble import assemble
from tests.cli.conftest import Wirq, nothing_of_the_users, wirq

__all__ = ["nothing_of_the_users", "wirq"]

MODULE = """(module
  (memory (export "memory") {memory})
  (global (export "__heap_base") {type} (i32.const {base}))
  (data (i32.const {data}) "some text")
  (func (export "sum") (result i32) (i32.add (i32.load8_u (i32.const 1000)) (i32.load8_u (i32.const 1008))))
  {more})"""


def module(memory: str = "2", base: int = 2000, data: int = 1000, more: str = "", type: str = "i32") -> bytes:
    return assemble(MODULE.format(memory=memory, base=base, data=data, more=more, type=type).encode())


def test_the_memory_ends_at_the_heaps_base_and_the_program_computes_the_same() -> None:
    before = module()
    shrunk = shrink(before)
    assert (shrunk.before, shrunk.now) == (131072, 2000)
    memory = Module.parse(shrunk.data).memory
    assert memory is not None
    assert (memory.page_size, memory.limits.minimum, memory.limits.maximum) == (1, 2000, 2000)
    with Board.connect("host") as board:
        assert board.call(shrunk.data, "sum") == board.call(before, "sum") == ord("s") + ord("t")


def test_it_then_fits_a_board_that_it_did_not_fit() -> None:
    with Board.connect("host", arena_size=131072) as board:
        with pytest.raises(NoSpace):
            board.call(module(), "sum")
        assert board.call(shrink(module()).data, "sum") == ord("s") + ord("t")


def test_nothing_else_of_the_module_is_touched() -> None:
    before, after = Module.parse(module()), Module.parse(shrink(module()).data)
    parts = [[(one.id, old.data[one.body : one.end]) for one in old.sections if one.id != 5] for old in (before, after)]
    assert parts[0] == parts[1]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"more": "(func (drop (memory.grow (i32.const 1))))"}, "it grows its memory"),
        ({"more": "(func (drop (memory.size)))"}, "it asks for its memory's size"),
        ({"data": 1995}, "a data segment ends at 2004, behind __heap_base"),
        ({"type": "(mut i32)"}, "__heap_base is no constant"),
        ({"base": 200000}, "it is as small already"),
    ],
)
def test_what_may_use_more_is_refused(given: dict[str, object], why: str) -> None:
    with pytest.raises(BadModule, match=why):
        shrink(module(**given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(module)", "it has no memory"),
        ('(module (memory 1) (func (export "f")))', "it does not export __heap_base"),
        ('(module (import "m" "m" (memory 1)) (global (export "__heap_base") i32 (i32.const 8)))', "is imported"),
    ],
)
def test_what_has_no_base_of_its_own_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadModule, match=why):
        shrink(assemble(text.encode()))


def test_the_command_shows_the_change_and_writes_beside(
    wirq: Wirq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.wasm").write_bytes(module())
    ran = wirq("shrink", "app.wasm")
    assert ran.code == 0
    assert ran.out == (
        "memory: 131,072 bytes (pages: 2 of 65,536 bytes) -> 2,000 bytes (__heap_base)\nwrote app.shrunk.wasm\n"
    )
    assert Path("app.shrunk.wasm").read_bytes() == shrink(module()).data
    again = wirq("shrink", "app.shrunk.wasm", "-o", "twice.wasm", "--json")
    assert again.code == 6
    assert not Path("twice.wasm").exists()
    assert "as small already" in again.last["message"]
