"""Modules for tests of interrupts, as text: what they import, their handlers, their interrupt block."""

from __future__ import annotations

UART, TIMER, BUTTON, SOFT = range(4)
POLLED, QUIESCENT, FORCED = range(3)

IMPORTS = """
  (import "test" "log" (func $log (param i32)))
  (import "test" "raise" (func $raise (param i32 i32)))
  (import "test" "slow" (func $slow (param i32) (result i32)))
  (import "test" "yield" (func $yield))
  (import "test" "stop" (func $stop))
  (import "test" "soft" (func $soft))
  (import "wirq" "attach" (func $attach (param i32 i32 i32 i32) (result i32)))
  (import "wirq" "detach" (func $detach (param i32) (result i32)))
  (import "wirq" "enable" (func $enable (param i32 i32) (result i32)))
  (import "wirq" "pend" (func $pend (param i32) (result i32)))
  (import "wirq" "take" (func $take (param i32) (result i32)))
  (import "wirq" "poll" (func $poll))
  (import "wirq" "wait" (func $wait (param i64) (result i32)))
  (import "wirq" "deliver" (func $deliver))
  (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "budget" (func $budget (param i32 i32 i32) (result i32)))
  (import "wirq" "query" (func $query (param i32) (result i64)))
"""

#: The interrupt block at address 0 with four slots: magic "WIRQ", version 1, threshold open.
BLOCK = """(memory (export "memory") 1)
  (data (i32.const 0) "WIRQ\\01\\00\\04\\00") (data (i32.const 16) "\\ff")"""


def module(body: str) -> str:
    return f"(module {IMPORTS} {body})"


def handler(source: str, body: str = "") -> str:
    """Logs 1000 * source + count, and then does what body says."""
    return f"""(func (export "irq:{source}") (param $source i32) (param $count i32) (param $context i32)
      (call $log (i32.add (i32.mul (local.get $source) (i32.const 1000)) (local.get $count))) {body})"""


def log(number: int) -> str:
    return f"(call $log (i32.const {number}))"


#: A control operation: a safe point if one was asked for.
STEP = "(block (br 0))"


def function(name: str, body: str, type_: str = "") -> str:
    return f'(func (export "{name}") {type_} {body})'


#: Words of the block's head.
DEPTH, THRESHOLD, NEED, LEVEL, DELIVERED, FAULTS = 12, 16, 20, 24, 28, 32


def set_word(address: int, value: int) -> str:
    return f"(i32.store (i32.const {address}) (i32.const {value}))"


def word(address: int) -> str:
    return f"(call $log (i32.load (i32.const {address})))"


OPEN_BLOCK = "(drop (call $block (i32.const 0) (i32.const 192) (i32.const 1)))"
RAISE_UART = "(call $raise (i32.const 0) (i32.const 0))"


def slot(source: int, offset: int) -> int:
    """Address of a word in the block's slot of a source."""
    return 64 + 32 * source + offset


#: What calls that answer with a signed number say is wrong with, as machine.log() has it.
MINUS_ONE = 0xFFFFFFFF

WAIT = "(call $log (call $wait (i64.const {})))"
FOREVER = WAIT.format(-1)
