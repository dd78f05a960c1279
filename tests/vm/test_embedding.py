"""The public interface, used as an embedder's program uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.vm.machine import wat

GUEST = """(module
  (import "env" "peek" (func $peek (param i32 i32) (result i32)))
  (func (export "peek") (param i32 i32) (result i32) (call $peek (local.get 0) (local.get 1)))
  (memory (export "memory") 1)
  (export "again" (func $peek))
  (data (i32.const 0) "abcdef"))"""


def test_the_public_interface_does_what_it_says(run_program: Callable[..., str], tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(wat(GUEST))
    assert run_program("embedding_program", str(guest)) == "done\n"
