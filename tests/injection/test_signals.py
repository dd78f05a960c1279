"""T12 for interrupts that nobody has planned: signals of the operating system, and the run again from their log."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from wasmtime import wat2wasm

from firmware_host.inprocess.virtual import Ended, Signalled, VirtualBoard

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="SKIPPED: raises by signals were NOT tested, for this operating system has none"
)

#: Everything that an interrupt can be told by goes into the result: what the handlers get, the block's counts and a
#: ring's records, when they come between operations, in handlers, amidst bulk operations and in waits.
TEXT = """(module (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "wait" (func $wait (param i64) (result i32)))
  (import "wirq" "take" (func $take (param i32) (result i32)))
  (import "board" "clock_us" (func $clock (result i64)))
  (memory 1) (global $mix (mut i32) (i32.const 1))
  (data (i32.const 64) "WIRQ\\01\\00\\05\\00") (data (i32.const 80) "\\ff")
  (data (i32.const 216) "\\00\\01\\00\\00\\08\\03\\00\\00")
  (func $stir (param i32) (global.set $mix
    (i32.add (i32.rotl (i32.xor (global.get $mix) (local.get 0)) (i32.const 7)) (i32.const 0x9E3779B1))))
  (func $stir_block (local $at i32)
    (loop $next (call $stir (i32.load (i32.add (i32.const 64) (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 224)))))
  (func $stir_long (local $n i32)
    (loop $next (call $stir_block) (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
      (i32.const 20)))))
  (func (export "main") (param $rounds i32) (result i32) (local $i i32)
    (call $stir (call $block (i32.const 64) (i32.const 224) (i32.const 1)))
    (loop $again
      (call $stir (local.get $i))
      (call $stir (i32.wrap_i64 (call $clock)))
      (memory.fill (i32.add (i32.const 0x1000) (i32.and (global.get $mix) (i32.const 0xFFF))) (local.get $i)
        (i32.const 9000))
      (memory.copy (i32.const 0x5000) (i32.add (i32.const 0x1000) (i32.and (global.get $mix) (i32.const 0xFFF)))
        (i32.const 7000))
      (call $stir (i32.load (i32.const 0x5100)))
      (i32.store (i32.const 76) (i32.const 1)) (call $stir_block) (i32.store (i32.const 76) (i32.const 0))
      (call $stir (call $take (i32.const 4)))
      (if (i32.eqz (i32.and (local.get $i) (i32.const 63))) (then (call $stir (call $wait (i64.const -1)))))
      (if (i32.eqz (i32.and (local.get $i) (i32.const 15))) (then (call $stir (call $wait (i64.const 9)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
    (global.get $mix))
  (func (export "irq:1:0") (param i32 i32 i32) (call $stir (local.get 1)) (call $stir_long)
    (memory.fill (i32.const 900) (local.get 1) (i32.const 900)))
  (func (export "irq:2:1") (param i32 i32 i32) (call $stir (i32.load (i32.const 0x2100))) (call $stir_long)
    (memory.copy (i32.const 0x8000) (i32.const 0x4F80) (i32.const 2500)) (call $stir (local.get 1)))
  (func (export "irq:3:1") (param i32 i32 i32) (call $stir_long) (call $stir (local.get 1))))"""

#: Of the program, until signals have come in all its moments.
ROUNDS = (2500, 10000, 40000)
#: A timer of the operating system, another thread, another process; the last source is one that has no handler.
SIGNALS = {signal.SIGALRM: 1, signal.SIGUSR1: 2, signal.SIGUSR2: 3, signal.SIGVTALRM: 4}
SENDER = """import os, random, signal, sys, time
rng = random.Random(int(sys.argv[2]))
print("ready", flush=True)
while os.getppid() == int(sys.argv[1]):
    os.kill(int(sys.argv[1]), signal.SIGUSR2)
    time.sleep(rng.random() / 2000)
"""


@contextmanager
def senders(seed: int) -> Iterator[None]:
    """All signals come, at random times, until this is left."""
    over = threading.Event()
    target = threading.get_ident()

    def send() -> None:
        rng = random.Random(seed)
        while not over.wait(rng.random() / 1000):
            signal.pthread_kill(target, signal.SIGUSR1)

    thread = threading.Thread(target=send)
    process = subprocess.Popen([sys.executable, "-c", SENDER, str(os.getpid()), str(seed)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.00037)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0001, 0.004)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        over.set()
        thread.join()
        process.kill()
        process.communicate()
        time.sleep(0.01)  # for what is on its way


class Recorded:
    """A run that signals interrupt, and others of the same program."""

    def __init__(self, seed: int, rounds: int) -> None:
        self._rounds = rounds
        self.board = VirtualBoard(1 << 20)
        self.board.put(bytes(wat2wasm(TEXT)))
        self.instance = self.board.instantiate()
        self._begin = self.board.save()
        self.board.listen({int(number): source for number, source in SIGNALS.items()})
        try:
            with senders(seed):
                self.ended = self._call()
        finally:
            self.log = self.board.recorded()
        self.end = self.board.save()

    def _call(self) -> Ended:
        return self.board.call(self.instance, b"main", [self._rounds], 60.0)

    @property
    def has_all(self) -> bool:
        """Signals of all senders, in the program and in handlers of both priorities, amidst bulk operations and as the
        end of waits."""
        log = self.log
        moments = {entry.source for entry in log} == {1, 2, 3, 4} and {entry.level for entry in log} == {0, 1, 2}
        return moments and any(entry.asleep for entry in log) and any(entry.repeated > 2 for entry in log)

    def again(self, log: list[Signalled]) -> tuple[Ended, list[Signalled], bool]:
        """How a run under a log ends, what came in it, and whether it left all memory, globals and tables as the
        recorded one did."""
        self.board.restore(self._begin)
        self.board.replay(log)
        try:
            ended = self._call()
        finally:
            came = self.board.recorded()
        return ended, came, self.board.difference(self.end) is None


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Iterator[Recorded]:
    for rounds in ROUNDS:
        one = Recorded(request.param, rounds)
        with one.board:
            if one.has_all:
                yield one
                return
    pytest.fail(f"signals have not come in all moments, only {one.log}")


@pytest.mark.parametrize("recorded", [1, 2, 3], indirect=True)
def test_t12_a_run_that_signals_interrupt_comes_back_from_its_log(recorded: Recorded) -> None:
    log = recorded.log
    assert recorded.ended.code == 0
    for _ in range(2):
        assert recorded.again(log) == (recorded.ended, log, True)


@pytest.mark.parametrize("recorded", [4], indirect=True)
def test_t12_a_log_that_is_another_one_gives_another_run(recorded: Recorded) -> None:
    """What came in the run above is not what would have come in any case."""
    log = recorded.log
    middle = next(i for i in range(len(log) // 3, len(log)) if log[i].level == 2 and not log[i].asleep)
    without = [*log[:middle], *log[middle + 1 :]]
    late = [replace(one, operation=one.operation + (i == middle)) for i, one in enumerate(log)]
    other = [replace(one, argument=one.argument + (i == middle)) for i, one in enumerate(log)]
    for changed in (without, late, other):
        ended, came, is_same = recorded.again(changed)
        assert not is_same
        assert ended != recorded.ended
        assert came == changed[: len(came)]
    assert recorded.again(late)[1] == late[:middle], "the place tells that the log does not fit"
    assert recorded.again([])[1] == []


def test_nothing_is_recorded_by_a_signal_that_cannot_be_listened_to() -> None:
    with VirtualBoard(1 << 20) as board, pytest.raises(Exception, match="cannot listen to signal 9"):
        board.listen({int(signal.SIGKILL): 1})
