"""Guest programs that repeat one thing for ever, with everything about it in their memory: they are interrupted at
machine instructions.

A round begins when the guest drives the LED and ends when it reads it. What it has computed lies in STATE, and must be
the same whatever comes in between; what its handlers were told lies in a ring of words.
"""

from __future__ import annotations

from dataclasses import dataclass

from wasmtime import wat2wasm

from firmware_host.wasm import HandlerSettings, write_settings

UART, TIMER, BUTTON, SOFT = 0, 1, 2, 3
SOURCES = {UART: "uart", TIMER: "timer", BUTTON: "button", SOFT: "soft0"}

#: Bytes of the guest's memory, and where in it things are.
SIZE = 4096
MAGIC = bytes.fromhex("f20f524531051201")  # it puts it together at its start, so that it is found once
LOGGED, ELAPSED, WOKEN, ROUNDS = 16, 20, 24, 28
TEXT = 32  # what arrives at the serial line: a board that nobody reads from takes no more
BLOCK, LEVEL, NEED, DELIVERED = 64, 64 + 24, 64 + 20, 64 + 28
LOG, LOG_WORDS = 256, 64
STATE = 512

#: Of handlers, so many that the first operation of each is one that nothing else in the programs does: `enter`.
LOCALS = 40

#: In the low half of a word of the log: the handler returns. Else it is the count that it was told.
LEAVES = 0xFFFF

#: What most programs raise by themselves while they are interrupted.
_SOFT = f"(drop (call $pend (i32.const {SOFT})))"
_TIMER = f"(drop (call $pend (i32.const {TIMER})))"
_WORK = "(call $work)"
_ENTER_SECTION = "(i32.store (i32.const 76) (i32.const 1))"
_LEAVE_SECTION = """(i32.store (i32.const 76) (i32.const 0))
  (if (i32.load (i32.const 84)) (then (i32.store (i32.const 84) (i32.const 0)) (call $deliver)))"""
_WAIT = "(call $woken (call $wait (i64.const {})))"


@dataclass(frozen=True)
class Case:
    """A program: what it does in each round, what its handlers do besides writing their words, and their settings.

    `first` is raised when a round begins, each time. `sleeps`: now and then. `waits`: for ever, so that without an
    interrupt the round does not end. `faulty` handlers do not return. `holds`: it holds interrupts back, so that what
    is more urgent may come later.
    """

    name: str
    body: str
    handlers: tuple[tuple[int, str], ...] = ()
    settings: tuple[HandlerSettings, ...] = ()
    first: int | None = None
    sleeps: bool = False
    waits: bool = False
    faulty: frozenset[int] = frozenset()
    holds: bool = False

    def module(self, priorities: dict[int, int]) -> bytes:
        bodies = dict(self.handlers)
        handlers = "".join(
            f"""(func $on_{name} (export "irq:{name}:{priorities[source]}") (type $handler)
              (local {"i32 " * LOCALS})
              {_note(f"(i32.or (i32.const {source << 16}) (local.get 1))")}
              (call $nothing) {bodies.get(source, "")}
              (local.set {2 + LOCALS} (local.get 1))
              {_note(f"(i32.const {source << 16 | LEAVES})")})
            """
            for source, name in SOURCES.items()
        )
        text = _TEXT.replace("HANDLERS", handlers).replace("BODY", self.body)
        return write_settings(bytes(wat2wasm(text)), self.settings)


def _note(word: str) -> str:
    """Puts a word into the log, without a safe point within."""
    at = f"(i32.add (i32.const {LOG}) (i32.shl (i32.and (i32.load (i32.const {LOGGED})) (i32.const 63)) (i32.const 2)))"
    return f"""(i32.store {at} {word})
      (i32.store (i32.const {LOGGED}) (i32.add (i32.load (i32.const {LOGGED})) (i32.const 1)))"""


_TEXT = f"""(module
  (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "attach" (func $attach (param i32 i32 i32 i32) (result i32)))
  (import "wirq" "attach_ref" (func $attach_ref (param i32 funcref i32 i32) (result i32)))
  (import "wirq" "detach" (func $detach (param i32) (result i32)))
  (import "wirq" "enable" (func $enable (param i32 i32) (result i32)))
  (import "wirq" "pend" (func $pend (param i32) (result i32)))
  (import "wirq" "wait" (func $wait (param i64) (result i32)))
  (import "wirq" "deliver" (func $deliver))
  (import "board" "pin_write" (func $pin_write (param i32 i32)))
  (import "board" "pin_read" (func $pin_read (param i32) (result i32)))
  (import "board" "read" (func $read (param i32 i32) (result i32)))
  (import "board" "clock_us" (func $clock (result i64)))
  (type $handler (func (param i32 i32 i32)))
  (type $step (func (param i32) (result i32)))
  (memory {SIZE} {SIZE} (pagesize 1))
  (memory $other 256 256 (pagesize 1))
  (data (i32.const {BLOCK}) "WIRQ\\01\\00\\04\\00\\00\\00\\00\\00\\00\\00\\00\\00\\ff\\00\\00\\00")
  (data (i32.const 8) "\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff")
  (data $text "interrupted in the middle of a copy of some bytes that are not all alike")
  (table $table 24 24 funcref)
  (elem (table $table) (i32.const 0) func $square $mirror $on_uart $on_timer $on_button $on_soft0)
  (elem $steps func $square $mirror $square $mirror $square $square)
  (tag $thrown (param i32))
  (global $mix (mut i32) (i32.const 0))
  (func $nothing)
  (func $square (type $step) (i32.mul (local.get 0) (local.get 0)))
  (func $mirror (type $step) (return_call $rotate (local.get 0) (i32.const 11)))
  (func $rotate (param i32 i32) (result i32) (i32.rotl (local.get 0) (local.get 1)))
  (func $work (local $i i32)
    (loop $again
      (global.set $mix (i32.add (call $rotate (global.get $mix) (local.get $i)) (i32.const 0x9E3779B1)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3)))))
  (func $woken (param i32)
    (i32.store (i32.const {WOKEN}) (i32.or (i32.load (i32.const {WOKEN})) (local.get 0))))
  HANDLERS
  (func $round
    (global.set $mix (i32.const 1))
    (i32.store (i32.const {WOKEN}) (i32.const 0))
    BODY
    (i32.store (i32.const {STATE}) (global.get $mix)))
  (func (export "_start") (local $begun i64)
    (drop (call $block (i32.const {BLOCK}) (i32.const 192) (i32.const 1)))
    (i64.store (i32.const 0) (i64.xor (i64.const 0xFEEDFACEBAADF00D) (i64.load (i32.const 8))))
    (loop $again
      (local.set $begun (call $clock))
      (i32.store (i32.const {ROUNDS}) (i32.add (i32.load (i32.const {ROUNDS})) (i32.const 1)))
      (call $pin_write (i32.const 0) (i32.const 1))
      (call $round)
      (drop (call $pin_read (i32.const 0)))
      (i32.store (i32.const {ELAPSED}) (i32.wrap_i64 (i64.sub (call $clock) (local.get $begun))))
      (drop (call $read (i32.const {TEXT}) (i32.const 16)))
      (call $work) (call $work)
      (br $again))))"""

CASES = (
    Case("a handler is entered and returns", f"{_SOFT} {_WORK} {_SOFT} {_SOFT} {_WORK}"),
    Case("a handler is interrupted", f"{_SOFT} {_WORK}", handlers=((SOFT, f"{_TIMER} {_WORK}"),)),
    Case(
        "handlers follow one another",
        f"{_ENTER_SECTION} {_SOFT} {_TIMER} (drop (call $pend (i32.const {UART}))) {_WORK} {_LEAVE_SECTION} {_WORK}",
        holds=True,
    ),
    Case(
        "a threshold holds back",
        f"""(i32.store (i32.const 80) (i32.const 0)) {_SOFT} {_WORK} (i32.store (i32.const 80) (i32.const 255))
        (if (i32.load (i32.const 84)) (then (i32.store (i32.const 84) (i32.const 0)) (call $deliver))) {_WORK}""",
        holds=True,
    ),
    Case("two interrupts of the hardware", f"{_WORK} {_WORK}", first=UART),
    Case("wait", f"{_WAIT.format(150)} {_SOFT} {_WAIT.format(-1)} {_WORK}", sleeps=True),
    Case("wait for what comes", _WAIT.format(-1), sleeps=True, waits=True),
    Case(
        "attach and detach",
        f"""(drop (call $detach (i32.const {SOFT}))) {_SOFT} {_WORK}
        (drop (call $attach (i32.const {SOFT}) (i32.const 5) (i32.const 7) (i32.const 1))) {_WORK}
        (drop (call $enable (i32.const {BUTTON}) (i32.const 0))) (drop (call $enable (i32.const {UART}) (i32.const 0)))
        {_SOFT} {_WORK}
        (drop (call $enable (i32.const {BUTTON}) (i32.const 1))) (drop (call $enable (i32.const {UART}) (i32.const 1)))
        {_WORK}
        (drop (call $attach_ref (i32.const {SOFT}) (table.get $table (i32.const 5)) (i32.const 7) (i32.const 1)))""",
        holds=True,
    ),
    Case(
        "bulk operations",
        """(memory.fill (i32.const 600) (i32.const 0x5A) (i32.const 700))
        (memory.init $text (i32.const 640) (i32.const 3) (i32.const 60))
        (memory.copy (i32.const 777) (i32.const 601) (i32.const 600))
        (memory.copy (i32.const 603) (i32.const 701) (i32.const 600))
        (memory.copy $other 0 (i32.const 10) (i32.const 640) (i32.const 240))
        (memory.copy 0 $other (i32.const 1500) (i32.const 0) (i32.const 256))
        (table.init $steps (i32.const 8) (i32.const 1) (i32.const 5))
        (table.copy (i32.const 13) (i32.const 8) (i32.const 5))
        (table.fill (i32.const 20) (table.get $table (i32.const 0)) (i32.const 3))
        (global.set $mix (call_indirect (type $step) (i32.const 0x12345) (i32.const 14)))""",
    ),
    Case(
        "calls, branches and exceptions",
        f"""(global.set $mix (call_indirect (type $step) (global.get $mix) (i32.const 1)))
        (block $two (block $one (block $zero (br_table $zero $one $two (i32.and (global.get $mix) (i32.const 3))))
          {_WORK}) {_WORK})
        (i32.store (i32.const 520) (block $caught (result i32)
          (try_table (catch $thrown $caught) {_WORK} (throw $thrown (global.get $mix))) (i32.const 0)))
        (i64.store (i32.const 528)
          (i64.mul (i64.extend_i32_s (global.get $mix)) (i64.load $other (i32.const 16))))
        (f32.store (i32.const 536) (f32.div (f32.convert_i32_s (global.get $mix)) (f32.const 3)))
        (i64.store (i32.const 544) (i64.div_s (i64.load (i32.const 528)) (i64.const 1234567)))
        (i32.store8 (i32.const 4095) (global.get $mix))
        (i32.store16 (i32.const 4093) (i32.load8_u (i32.const 4095)))""",
    ),
    Case(
        "handlers that fault",
        f"""{_SOFT} {_WORK} (drop (call $enable (i32.const {SOFT}) (i32.const 1)))
        {_TIMER} {_WORK} (drop (call $enable (i32.const {TIMER}) (i32.const 1)))""",
        handlers=((SOFT, f"{_WORK} unreachable"), (TIMER, "(loop $for_ever (br $for_ever))")),
        settings=(HandlerSettings(SOFT, policy=1), HandlerSettings(TIMER, policy=1, fuel=12)),
        faulty=frozenset({SOFT, TIMER}),
    ),
    Case(
        "handlers that have budgets",  # so there is a bound for what they are in the way of
        f"{_SOFT} {_WORK} {_TIMER} {_WORK} {_SOFT}",
        handlers=((SOFT, f"{_TIMER} {_WORK}"), (TIMER, _WORK)),
        settings=tuple(HandlerSettings(source, fuel=24) for source in SOURCES),
    ),
)
