"""python -m tests.fuzz.seeds: makes the kept corpus anew from this project's own modules."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from firmware_host.wast.commands import AssertModule, Command, ModuleCommand
from firmware_host.wast.convert import convert
from tests.fuzz.building import ROOT, TARGETS, build
from tests.fuzz.running import MOST_BYTES, SEEDS, environment
from tests.vm.machine import wat
from tests.vm.samples import EVERYTHING

#: How the names of inputs begin that once were findings: they stay.
FOUND = "found-"

HANDLERS = """(module
  (import "wirq" "attach" (func $attach (param i32 i32 i32 i32) (result i32)))
  (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "wait" (func $wait (param i32) (result i32)))
  (import "wirq" "deliver" (func $deliver (result i32)))
  (import "test" "slow" (func $slow (param i32) (result i32)))
  (import "h" "add" (func $add (param i32 i32) (result i32)))
  (import "h" "memory" (memory 1))
  (import "h" "i32" (global $shared (mut i32)))
  (table 4 funcref)
  (elem (i32.const 0) $handler)
  (func $handler (export "irq:button") (param i32 i32 i32)
    (i32.store (i32.const 256) (i32.add (i32.load (i32.const 256)) (local.get 1))))
  (func (export "irq:uart") (param i32 i32 i32) (global.set $shared (call $add (global.get $shared) (local.get 2))))
  (func (export "run") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (i32.load offset=256 (i32.and (local.get 0) (i32.const 65532)))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (call $slow (local.get 1))))"""

LEVELS = """(module
  (import "wirq" "budget" (func $budget (param i32 i32 i32) (result i32)))
  (import "test" "raise" (func $raise (param i32 i32)))
  (memory (export "memory") 1)
  (global $sp (export "__stack_pointer") (mut i32) (i32.const 4096))
  (data (i32.const 8192) "WIRQ\\01\\00\\04\\00")
  (global (export "wirq_block") i32 (i32.const 8192))
  (func (export "irq:uart:0") (param i32 i32 i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get 1))))
  (func (export "irq:timer:1") (param i32 i32 i32) (call $raise (i32.const 0) (i32.const 5)) (call $spin (i32.const 9)))
  (func (export "irq:button:2") (param i32 i32 i32) (call $raise (i32.const 1) (i32.const 5)) (unreachable))
  (func $spin (export "spin") (param i32)
    (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "mask") (param i32) (i32.store (i32.const 8204) (local.get 0)) (call $spin (i32.const 20))
    (i32.store (i32.const 8204) (i32.const 0)) (drop (call $budget (i32.const 1) (local.get 0) (i32.const 9)))))"""

SECTIONS_OF = """(module
  (import "h" "table" (table 8 funcref))
  (import "h" "constant" (global $c i32))
  (import "h" "wide" (func $wide (param i64 f64) (result f64 i64)))
  (import "test" "swap" (func $swap (param i64 f64) (result f64 i64)))
  (memory (export "m") 1 2)
  (global $g (export "g") (mut i32) (global.get $c))
  (elem (global.get $c) $wide)
  (elem (i32.const 4) $wide $swap)
  (data (global.get $c) "wirq")
  (func (export "indirect") (param i64 f64 i32) (result f64 i64)
    (call_indirect (param i64 f64) (result f64 i64) (local.get 0) (local.get 1) (local.get 2)))
  (func (export "bulk") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2))
    (memory.fill (local.get 1) (local.get 0) (local.get 2)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"""

EXCEPTIONS = """(module
  (import "h" "tag" (tag $theirs (param i32)))
  (import "h" "throw" (func $their_throw (param i32)))
  (import "test" "throw" (func $host_throw (param i32)))
  (tag $none) (tag $wide (export "t") (param i64 f64)) (tag $nested (param exnref))
  (global $kept (mut exnref) (ref.null exn))
  (table $caught 2 exnref)
  (func $throws (param i32)
    (if (i32.eqz (local.get 0)) (then (throw $none)))
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $wide (i64.const 7) (f64.const 0.5))))
    (if (i32.and (local.get 0) (i32.const 2)) (then (call $host_throw (local.get 0))))
    (return_call $their_throw (local.get 0)))
  (func (export "irq:button") (param i32 i32 i32) (call $throws (local.get 1)))
  (func (export "irq:timer") (param i32 i32 i32)
    (block $h (try_table (catch_all $h) (call $throws (local.get 2)))))
  (func (export "catch") (param i32) (result i32)
    (block $b (result i64 f64)
      (block $c (result i32 exnref)
        (block $a
          (try_table (catch $wide $b) (catch_ref $theirs $c) (catch_all $a) (call $throws (local.get 0)))
          (return (i32.const 1)))
        (return (i32.const 2)))
      (global.set $kept)
      (return))
    drop drop (i32.const 3))
  (func (export "rethrow") (param i32)
    (throw_ref (block $h (result exnref) (try_table (catch_all_ref $h) (call $throws (local.get 0))) (return))))
  (func (export "keep") (param i32)
    (table.set $caught (i32.and (local.get 0) (i32.const 1)) (global.get $kept))
    (throw $nested (global.get $kept)))
  (func (export "again") (throw_ref (table.get $caught (i32.const 1))))
  (func (export "loop") (param i32) (result i32)
    (loop $l
      (block $h (try_table (catch_all $h) (call $throws (local.tee 0 (i32.shr_u (local.get 0) (i32.const 1))))))
      (br_if $l (local.get 0)))
    (local.get 0)))"""

KEPT_ELSEWHERE = """(module
  (import "h" "tag" (tag $theirs (param i32)))
  (import "h" "caught" (table $caught 2 exnref))
  (tag $own (param exnref))
  (func (export "keep") (param i32)
    (table.set $caught (i32.const 1) (block $h (result exnref)
      (try_table (catch_all_ref $h)
        (if (local.get 0) (then (throw $own (table.get $caught (i32.const 1)))) (else (throw $theirs (i32.const 8)))))
      (return))))
  (func (export "again") (throw_ref (table.get $caught (i32.const 1))))
  (func (export "irq:soft0") (param i32 i32 i32)
    (table.fill $caught (i32.const 0) (table.get $caught (i32.const 1)) (i32.const 2))))"""

MEMORIES = """(module
  (import "h" "bytes" (memory $theirs 100 (pagesize 1)))
  (import "test" "lent" (memory $lent 48 48 (pagesize 1)))
  (memory $own (export "own") 1 2)
  (memory $small 33 90 (pagesize 1))
  (data (memory $small) (i32.const 29) "wirq")
  (data $passive "passive")
  (func (export "between") (param i32 i32 i32)
    (memory.copy $lent $theirs (local.get 0) (local.get 1) (local.get 2))
    (memory.copy $small $lent (local.get 1) (local.get 0) (local.get 2))
    (memory.copy $own $small (local.get 0) (local.get 0) (local.get 2))
    (memory.fill $small (local.get 0) (local.get 1) (local.get 2))
    (memory.init $lent $passive (local.get 0) (local.get 1) (local.get 2))
    (data.drop $passive))
  (func (export "access") (param i32 i64) (result i64)
    (i64.store $lent (local.get 0) (local.get 1))
    (i32.store8 $theirs offset=7 (local.get 0) (i32.const 9))
    (f64.store $small (i32.const 25) (f64.const 1))
    (i64.add (i64.load $own (local.get 0)) (i64.load32_u $small offset=3 (local.get 0))))
  (func (export "irq:uart") (param i32 i32 i32)
    (i32.store16 $lent (i32.const 46) (i32.add (i32.load16_u $lent (i32.const 46)) (local.get 2))))
  (func (export "grow") (param i32) (result i32 i32 i32)
    (memory.grow $small (local.get 0)) (memory.grow $theirs (local.get 0)) (memory.grow $lent (local.get 0)))
  (func (export "sizes") (result i32)
    (i32.add (memory.size $theirs) (i32.add (memory.size $lent) (memory.size $small)))))"""


def _in(commands: list[Command]) -> Iterator[bytes]:
    for command in commands:
        if isinstance(command, ModuleCommand | AssertModule) and command.module.binary is not None:
            yield command.module.binary


def candidates() -> Iterator[bytes]:
    """Modules written for this project: samples, and those of the conformance scripts, wrong ones too."""
    yield EVERYTHING
    yield wat(HANDLERS)
    yield wat(LEVELS)
    yield wat(SECTIONS_OF)
    yield wat(EXCEPTIONS)
    yield wat(KEPT_ELSEWHERE)
    yield wat(MEMORIES)
    for script in sorted((ROOT / "tests/wast/scripts").glob("*.wast")):
        yield from _in(convert(script.read_bytes()))


def main() -> int:
    programs = build()
    with tempfile.TemporaryDirectory() as scratch:
        given, kept = Path(scratch, "given"), Path(scratch, "kept")
        given.mkdir()
        kept.mkdir()
        for module in candidates():
            if len(module) <= MOST_BYTES:
                (given / hashlib.sha256(module).hexdigest()[:12]).write_bytes(module)
        for target in reversed(TARGETS):  # what runs first: a module that runs is worth more than one that is refused
            command = [str(programs[target]), "-merge=1", str(kept), str(given)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=environment())
        SEEDS.mkdir(exist_ok=True)
        for path in SEEDS.iterdir():
            if not path.name.startswith(FOUND):
                path.unlink()
        for path in kept.iterdir():
            module = path.read_bytes()
            (SEEDS / f"{hashlib.sha256(module).hexdigest()[:12]}.wasm").write_bytes(module)
    files = sorted(SEEDS.iterdir())
    print(f"{len(files)} modules, {sum(path.stat().st_size for path in files):,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
