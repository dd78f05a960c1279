"""Real asynchronous signals interrupt a guest: none is lost, and the computation does not notice (T1, T2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.vm.machine import wat

# Memory: 8 the sum of the handlers' counts, 12 the number of their runs. Both functions end when as many raises were
# counted as they are told, and answer how often the computation went wrong.
GUEST = """(module
  (import "wirq" "wait" (func $wait (param i64) (result i32)))
  (memory (export "memory") 1)
  (func $count (export "irq:even") (param i32 i32 i32)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 1)))
    (i32.store (i32.const 12) (i32.add (i32.load (i32.const 12)) (i32.const 1)))
    (drop (call $fib (i32.const 5))))
  (export "irq:odd" (func $count))
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "compute") (param $target i32) (result i32) (local $wrong i32)
    (loop $again
      (local.set $wrong (i32.add (local.get $wrong) (i32.ne (call $fib (i32.const 12)) (i32.const 144))))
      (memory.fill (i32.const 1000) (i32.const 3) (i32.const 3000))
      (br_if $again (i32.lt_u (i32.load (i32.const 8)) (local.get $target))))
    (local.get $wrong))
  (func (export "wait") (param $target i32) (result i32)
    (loop $again
      (drop (call $wait (i64.const -1)))
      (br_if $again (i32.lt_u (i32.load (i32.const 8)) (local.get $target))))
    (i32.const 0)))"""


def test_no_signal_is_lost_while_the_guest_computes_or_waits(run_program: Callable[..., str], tmp_path: Path) -> None:
    """R8, R10: raised by signal handlers, each source by its own."""
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(wat(GUEST))
    lines = run_program("signals_program", str(guest)).splitlines()
    assert [line.split(":")[0] for line in lines] == ["compute", "wait"]
