"""WebAssembly text for tests of interrupts: the imports of the test driver, handlers that log, the interrupt block."""

from __future__ import annotations

UART, TIMER, BUTTON, SOFT = range(4)
POLLED, QUIESCENT, FORCED = range(3)

IMPORTS = """
  (import "test" "log" (func $log (param i32)))
  (import "test" "raise" (func $raise (param i32 i32)))
  (import "test" "slow" (func $slow (param i32) (result i32)))
  (import "test" "soft" (func $soft))
  (import "test" "yield" (func $yield))
  (import "test" "stop" (func $stop))
  (import "test" "active" (func $active (param i32) (result i32)))
  (import "test" "spend" (func $spend (param i32)))
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

#: Words of the interrupt block, which these modules have at address 0, with four slots and the threshold open.
DOORBELL, DEPTH, THRESHOLD, NEED, LEVEL, DELIVERED, FAULTS = 8, 12, 16, 20, 24, 28, 32
BLOCK = """(memory (export "memory") 1)
  (data (i32.const 0) "WIRQ\\01\\00\\04\\00") (data (i32.const 16) "\\ff")"""
OPEN_BLOCK = "(drop (call $block (i32.const 0) (i32.const 192) (i32.const 1)))"

#: A control operation: a safe point if one was asked for.
STEP = "(block (br 0))"


#: What wait and query answer if there is nothing to tell, as machine.log() has it.
MINUS_ONE = 0xFFFFFFFF

WAIT = "(call $log (call $wait (i64.const {})))"
FOREVER = WAIT.format(-1)


def bare(body: str, imports: str = "") -> str:
    """A module with the imports, and others."""
    return f"(module {IMPORTS} {imports} {body})"


def module(body: str, imports: str = "") -> str:
    """The same with a memory that holds an interrupt block."""
    return bare(BLOCK + body, imports)


def handler(source: str, body: str = "", locals_: str = "") -> str:
    """A handler that logs 1000 * source + count, and then does what body says."""
    return f"""(func (export "irq:{source}") (param $source i32) (param $count i32) (param $context i32) {locals_}
      (call $log (i32.add (i32.mul (local.get $source) (i32.const 1000)) (local.get $count))) {body})"""


def function(name: str, body: str, type_: str = "") -> str:
    return f'(func (export "{name}") {type_} {body})'


def log(number: int) -> str:
    return f"(call $log (i32.const {number}))"


def raise_(source: int, argument: int = 0) -> str:
    return f"(call $raise (i32.const {source}) (i32.const {argument}))"


def set_word(address: int, value: int) -> str:
    return f"(i32.store (i32.const {address}) (i32.const {value}))"


def log_word(address: int) -> str:
    return f"(call $log (i32.load (i32.const {address})))"


def slot(source: int, offset: int) -> int:
    """Address of a word in the block's slot of a source."""
    return 64 + 32 * source + offset
