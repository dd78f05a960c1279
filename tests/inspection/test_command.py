"""`wirq inspect`: everything of a module in one page, and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host.wast.assemble import assemble
from tests.cli.conftest import Wirq, nothing_of_the_users, wirq

__all__ = ["nothing_of_the_users", "wirq"]

TEXT = b"""(module
  (import "board" "write" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1 2)
  (global (export "count") (mut i32) (i32.const 0))
  (func (export "irq:soft0") (param i32 i32 i32) (global.set 0 (local.get 1)))
  (func $twice (export "twice") (param i64) (result i64) (i64.add (local.get 0) (local.get 0))))"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.wasm"
    path.write_bytes(assemble(TEXT))
    return path


def test_a_module_is_shown_whole(wirq: Wirq, app: Path) -> None:
    ran = wirq("inspect", app)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    for line in (
        "board.write  function  [i32 i32] -> [i32]",
        "memory     memory    1 to 2 pages of 64 KiB",
        "count      global    mutable i32",
        "irq:soft0  function  [i32 i32 i32] -> []",
        "twice      function  [i64] -> [i64]",
        "features: mutable-globals",
        "LATENCY BOUNDS",
    ):
        assert line in lines
    assert any(line.endswith("stays here") and line.startswith("name ") for line in lines)


def test_the_lowered_code_of_one_function_is_shown(wirq: Wirq, app: Path) -> None:
    ran = wirq("inspect", app, "--code", "--function", "twice")
    assert ran.code == 0
    assert ran.out.startswith("function 2, twice: [i64] -> [i64]\n    0000  ")
    assert "return64" in ran.out
    assert "SECTION" not in ran.out


def test_it_is_an_object_with_json(wirq: Wirq, app: Path) -> None:
    ran = wirq("inspect", app, "--code", "--json")
    result = ran.last
    assert result["ok"]
    assert result["imports"] == [{"name": "board.write", "kind": "function", "type": "[i32 i32] -> [i32]"}]
    assert result["features"] == ["mutable-globals"]
    assert [one["name"] for one in result["functions"]] == ["irq:soft0", "twice"]
    assert [one["name"] for one in result["bounds"]] == ["soft0"]
    assert set(result["code"]) == {"1", "2"}
    assert result["code"]["2"][-1]["text"].startswith("return64")


HANDLERS = b"""(module (memory 1) (global $__stack_pointer EXPORT (mut i32) (i32.const 1024))
  (func $malloc (param i32) (result i32) (local.get 0))
  (func $free (param i32))
  (func $grow (param i32) (drop (call $malloc (local.get 0))))
  (func $push (call $grow (i32.const 3)))
  (func $harmless (param i32))
  (func (export "irq:uart") (param i32 i32 i32) (call $harmless (i32.const 1)) (call $push))
  (func (export "irq:timer") (param i32 i32 i32) (call $harmless (i32.const 1)))
  (func (export "main") (call $free (i32.const 1))))"""
ALLOCATES = "irq:uart calls push -> grow -> malloc, and may interrupt just that half done (R47)"
RED_ZONE = "__stack_pointer is not exported: handlers must leave the red zone alone, as those of WIRQ_HANDLER do (R34)"


@pytest.mark.parametrize(
    ("export", "warnings"),
    [
        (b'(export "__stack_pointer")', [ALLOCATES]),
        (b"", [ALLOCATES, RED_ZONE]),
    ],
)
def test_handlers_that_are_hardly_what_was_meant_are_warned_of(
    wirq: Wirq, tmp_path: Path, export: bytes, warnings: list[str]
) -> None:
    """R34, R47."""
    path = tmp_path / "app.wasm"
    path.write_bytes(assemble(HANDLERS.replace(b"EXPORT", export)))
    assert wirq("inspect", path, "--json").last["warnings"] == warnings
    lines = wirq("inspect", path).out.splitlines()
    assert [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")] == warnings


@pytest.mark.parametrize(
    "text",
    [
        b'(module (import "wirq" "block" (func (param i32 i32 i32) (result i32))) (memory 1))',
        b'(module (memory 1) (global (export "wirq_block") i32 (i32.const 64)))',
    ],
)
def test_how_visible_the_interrupt_block_is_is_told(wirq: Wirq, tmp_path: Path, text: bytes) -> None:
    """R30."""
    path = tmp_path / "app.wasm"
    path.write_bytes(assemble(text))
    assert wirq("inspect", path, "--json").last["block"] == "C2"
    assert "interrupt block: level C2, " in wirq("inspect", path).out


def test_a_module_without_handlers_is_not_warned_of(wirq: Wirq, tmp_path: Path) -> None:
    path = tmp_path / "app.wasm"
    path.write_bytes(assemble(HANDLERS.replace(b"EXPORT", b"").replace(b"irq:", b"no:")))
    told = wirq("inspect", path, "--json").last
    assert (told["warnings"], told["block"]) == ([], "")


def test_what_is_not_there_is_a_usage_error(wirq: Wirq, app: Path) -> None:
    assert wirq("inspect", app, "--code", "--function", "thrice").code == 2
    assert wirq("inspect", app, "--function", "twice").code == 2


def test_a_module_that_cannot_run_is_shown_and_refused(wirq: Wirq, tmp_path: Path) -> None:
    path = tmp_path / "simd.wasm"
    path.write_bytes(assemble(b"(module (func (drop (v128.const i32x4 0 0 0 0))))"))
    ran = wirq("inspect", path, "--json")
    assert ran.code == 6
    assert not ran.last["ok"]
    assert "cannot be lowered" in ran.last["refusal"]
    assert ran.last["features"] == ["simd"]
