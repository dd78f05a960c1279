"""T8 on boards: whatever a guest does, the board answers, other guests get their interrupts, and it can be stopped."""

from __future__ import annotations

import pytest

from firmware_host import Board, status
from tests.boards import machines
from tests.boards.machines import TIMEOUT
from tests.vm.machine import wat

#: Another guest, which only counts the presses of the button.
BYSTANDER = """(module (global $presses (export "presses") (mut i32) (i32.const 0))
  (func (export "irq:button:0") (param i32 i32 i32)
    (global.set $presses (i32.add (global.get $presses) (local.get 1)))))"""

IMPORTS = """(import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (import "wirq" "attach" (func $attach (param i32 i32 i32 i32) (result i32)))
  (import "wirq" "pend" (func $pend (param i32) (result i32)))
  (import "wirq" "deliver" (func $deliver))
  (memory 1) (data (i32.const 0) "WIRQ\\01\\00\\04\\00") (data (i32.const 16) "\\ff")
  (table 4 funcref) (elem (i32.const 0) $nothing $other $wrong)
  (func $nothing (param i32 i32 i32)) (func $other (param i32 i32 i32)) (func $wrong (param i64))
  (func $open (drop (call $block (i32.const 0) (i32.const 192) (i32.const 1))))"""
#: What is wrong with a guest: its main program, which begins once, its loop, and its handler of soft0.
HOSTILE = {
    "overwrites its interrupt block": (
        "(call $open)",
        """(local.set $i (i32.const 192))
           (loop $l (i32.store (local.tee $i (i32.sub (local.get $i) (i32.const 4))) (local.get $n))
             (br_if $l (local.get $i)))
           (local.set $n (i32.add (local.get $n) (i32.const 0x10101)))""",
        "",
    ),
    "never leaves its critical section": (
        "(call $open) (i32.store (i32.const 12) (i32.const 1))",
        "(call $deliver)",
        "",
    ),
    "attaches anew in its handler": (
        "",
        "",
        "(drop (call $attach (i32.const 3) (local.get 1) (i32.const 0) (i32.const 1)))",
    ),
    "attaches what is no handler": (
        "",
        "(drop (call $attach (i32.const 3) (i32.const 2) (i32.const 0) (i32.const 0)))",
        "",
    ),
    "raises its source again for ever": ("", "", "(drop (call $pend (i32.const 3)))"),
    "raises the other guest's source for ever": ("", "(drop (call $pend (i32.const 2)))", ""),
    "grows its memory in the handler": ("", "", "(drop (memory.grow (i32.const 1)))"),
    "moves its stack pointer in the handler": ("", "", "(global.set $sp (i32.const -5))"),
    "recurses in the handler": ("", "", "(call $deep)"),
    "never leaves its handler": ("", "", "(loop (br 0))"),
}


def hostile(kind: str) -> bytes:
    begin, again, handler = HOSTILE[kind]
    return wat(f"""(module {IMPORTS} (global $sp (export "__stack_pointer") (mut i32) (i32.const 8192))
      (func $deep (call $deep))
      (func (export "irq:soft0:1") (param i32 i32 i32) {handler})
      (func (export "_start") (local $i i32) (local $n i32) {begin} (loop $again {again} (br $again))))""")


@pytest.mark.parametrize("selector", ["host", "qemu:stm32f4"])
def test_whatever_a_guest_does_the_board_and_other_guests_go_on(selector: str) -> None:
    """Each kind in turn on one board: what one leaves behind would show in the next."""
    with Board.connect(selector, timeout=TIMEOUT) as board:
        button, soft = board.irq_number("button"), board.irq_number("soft0")
        for kind in HOSTILE:
            bystander = board.load(wat(BYSTANDER))
            delivered = board.irq_show(button).delivered
            instance = board.load(hostile(kind), keep=True)
            with board.run(instance) as app:
                for _ in range(3):
                    board.irq_raise(soft)
                    board.irq_raise(button)
                    assert len(board.irq_sources()) >= 4, kind  # it answers
                    while app.running and board.irq_show(button).delivered == delivered:
                        pass
                    delivered = board.irq_show(button).delivered
                ending = app.stop(TIMEOUT).trap
            assert ending is not None
            expected = "TRAP_STACK_EXHAUSTED" if kind.startswith("recurses") else "TRAP_STOPPED"
            assert ending.code == status.code(expected), kind
            presses = bystander.global_get("presses")[1][0]
            assert presses >= 3 or kind.startswith("recurses"), kind  # that ends at once
            if kind.startswith("moves"):
                assert instance.global_get("__stack_pointer")[1] == [8192]
            board.drop()  # a raise that nobody has taken stays behind, and hurts nobody
            assert board.load(wat('(module (func (export "six") (result i32) (i32.const 6)))')).call("six") == 6
            board.drop()


@pytest.mark.parametrize("name", ["host", "stm32f4"])
def test_ctrl_c_ends_a_handler_that_is_raised_again_for_ever(name: str) -> None:
    with machines.terminal(name) as terminal:
        terminal.type("\r")
        terminal.expect("wirq> ")
        terminal.start(
            wat("""(module (import "wirq" "pend" (func $pend (param i32) (result i32)))
              (import "board" "write" (func $write (param i32 i32) (result i32)))
              (memory 1) (data (i32.const 0) "begins")
              (func (export "irq:soft0") (param i32 i32 i32) (drop (call $pend (i32.const 3))))
              (func (export "_start") (drop (call $write (i32.const 0) (i32.const 6)))
                (drop (call $pend (i32.const 3))) (loop (br 0))))""")
        )
        terminal.expect("begins")
        terminal.type("\x03")
        terminal.expect("app stopped: status 12 ")
        terminal.type("ps\r")
        terminal.expect("state +idle")
