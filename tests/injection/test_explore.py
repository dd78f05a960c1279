"""Interrupting a program at every safe point: what it finds, and what it takes for a handler's own doing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wasmtime import wat2wasm

from firmware_host import Board
from firmware_host.cli.main import run
from firmware_host.errors import BoardError, LinkTimeout, WirqError
from firmware_host.injection import Exploration, VirtualSubject, explore
from firmware_host.injection.subject import BoardSubject
from firmware_host.wasm import Module

HANDLER = '(func (export "irq:button") (param i32 i32 i32) {})'
COUNTS = HANDLER.format("(global.set $runs (i32.add (global.get $runs) (local.get 1)))")

#: Adds to a word of memory in a loop, each time in two steps with a call, and so a safe point, between them.
TORN = """(module (memory 1) (func $pause)
  (func (export "main") (result i32) (local $i i32) (local $was i32)
    (loop $again
      (local.set $was (i32.load (i32.const 8)))
      (call $pause)
      (i32.store (i32.const 8) (i32.add (local.get $was) (i32.const 1)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
    (i32.load (i32.const 8)))
  HANDLER)"""
ADDS = HANDLER.format("(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 100)))")


def explored(text: str, entry: str = "main", *cells: int, **options: Any) -> Exploration:
    limits = {name: options.pop(name) for name in ("limit", "step", "pairs") if name in options}
    with VirtualSubject(Module.parse(bytes(wat2wasm(text))), entry, cells, **options) as subject:
        return explore(subject, **limits)


def test_a_program_without_a_handler_is_given_one_and_nothing_changes() -> None:
    found = explored(TORN.replace("HANDLER", ""))
    assert found.differences == ()
    assert found.points > 15
    assert (found.singles, found.pairs) == (found.points, found.points * (found.points - 1) // 2)
    assert found.handler_runs == found.singles + 2 * found.pairs
    assert found.undisturbed.results == (5,)


def test_what_a_handler_adds_to_unshared_state_is_its_own_doing_wherever_it_comes() -> None:
    text = TORN.replace("HANDLER", f"(global $runs (mut i32) (i32.const 0)) {COUNTS}")
    found = explored(text)
    assert found.differences == ()
    assert found.marks == ("global 0",)


def test_an_update_that_an_interrupt_can_tear_is_found_where_it_is_torn() -> None:
    found = explored(TORN.replace("HANDLER", ADDS), pairs=False)
    # Interrupted before the load of a round, the word ends as 105; between load and store it ends as 5.
    assert found.undisturbed.results == (5,)
    assert {one.what[0] for one in found.differences} == {"memory: 1 byte differs (0x8: 69 became 05)"}
    places = {one.place for one in found.differences}
    assert None not in places
    assert 5 <= len(found.differences) < found.points


def test_only_some_of_the_points_are_tried_when_there_are_many() -> None:
    text = """(module (func (export "spin") (param i32)
      (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    found = explored(text, "spin", 10_000, limit=50)
    assert (found.step, found.singles, found.pairs) == (found.points // 50 + 1, 50, 0)
    assert explored(text, "spin", 10_000, step=1_000).singles == 11


def test_the_place_of_a_trap_is_compared() -> None:
    text = f"""(module (global $runs (mut i32) (i32.const 0)) (func $pause) {COUNTS}
      (func (export "main") (global.set $runs (i32.const 0)) (call $pause)
        (if (global.get $runs) (then (call $pause) (unreachable)) (else (call $pause)))
        (call $pause) (unreachable)))"""
    found = explored(text, pairs=False)
    assert found.undisturbed.ending == "trapped: unreachable"
    assert any("at another place" in what for one in found.differences for what in one.what)


def test_dispatches_are_more_than_safe_points() -> None:
    text = TORN.replace("HANDLER", "")
    wide, narrow = explored(text, every_dispatch=True, pairs=False), explored(text, pairs=False)
    assert wide.points > narrow.points
    assert wide.differences == narrow.differences == ()


BLOCK = """(module (import "wirq" "block" (func $block (param i32 i32 i32) (result i32)))
  (memory 1) (func $pause) (data (i32.const 64) "WIRQ\\01\\00\\04\\00") (data (i32.const 80) "\\ff")
  (func (export "main") (result i32) (drop (call $block (i32.const 64) (i32.const 192) (i32.const 1)))
    (call $pause) (call $pause) (call $pause) (i32.const 7)) HANDLER)"""


@pytest.mark.parametrize("handler", ["", HANDLER.format("")])
def test_the_interrupt_block_is_the_vms_and_not_compared(handler: str) -> None:
    found = explored(BLOCK.replace("HANDLER", handler), source="button")
    assert (found.differences, found.marks) == ((), ())


def test_named_ranges_are_not_compared() -> None:
    torn = TORN.replace("HANDLER", ADDS)
    assert explored(torn, pairs=False).differences
    assert explored(torn, pairs=False, ignored=[(8, 12)]).differences == ()


WAITS = """(module (import "wirq" "wait" (func $wait (param i64) (result i32)))
  (import "board" "clock_us" (func $clock (result i64))) (memory 1)
  (func (export "main") (result i64) (drop (call $wait (i64.const TIMEOUT))) (call $clock)) HANDLER)"""


def test_time_goes_on_only_when_the_guest_waits_or_looks() -> None:
    found = explored(WAITS.replace("TIMEOUT", "1000000").replace("HANDLER", ""), source="timer", pairs=False)
    assert found.undisturbed.results == (1_000_001, 0)


def test_a_wait_that_nothing_ends_is_an_ending() -> None:
    text = WAITS.replace("TIMEOUT", "-1").replace("HANDLER", "")
    assert explored(text, pairs=False, source="timer").undisturbed.ending == "waits for ever"
    assert explored(text, wakes=["uart"], pairs=False, source="timer").undisturbed.ending == "returned"


def test_what_does_not_end_is_told() -> None:
    with pytest.raises(LinkTimeout, match=r"did not end within 0\.3 s"):
        explored('(module (func (export "main") (loop (br 0))))', timeout=0.3)


def test_a_source_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(BoardError, match="no interrupt source 'door'") as caught:
        explored('(module (func (export "main")))', source="door")
    assert "3 soft0" in caught.value.hint


# ---- the command

RACE = """#include "wirq_guest.h"
static volatile uint32_t total;
static uint32_t rounds = 4;

WIRQ_HANDLER(button) {
    total = total + (uint32_t)count;
}

int main(void) {
    wirq_deliver();
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t before = total;
        wirq_deliver();
        total = before;
    }
    return 0;
}
"""


@pytest.fixture
def race(tmp_path: Path) -> Path:
    source = tmp_path / "race.c"
    source.write_text(RACE)
    return source


def test_the_command_names_the_line_where_an_interrupt_does_harm(
    race: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["irq", "inject-every", str(race)]) == 1
    out = capsys.readouterr().out
    assert "race.c: main() has " in out
    assert "button raised at each of them, then at each of " in out
    assert "race.c:13, in main (point" in out


def test_the_same_as_json(race: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "irq", "inject-every", "--no-pairs", str(race)]) == 1
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["ok"], result["source"], result["own_handler"], result["pairs"]) == (False, "button", True, 0)
    assert result["runs"] == result["points"] and result["handler_changes"] == ["memory 0x400"]
    assert {one["line"] for one in result["differences"]} == {13}


def test_the_command_calls_an_export_with_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "twice.wasm"
    module.write_bytes(
        bytes(
            wat2wasm('(module (func (export "twice") (param i32) (result i32) (i32.add (local.get 0) (local.get 0))))')
        )
    )
    assert run(["irq", "inject-every", str(module), "twice", "21", "--source", "timer"]) == 0
    assert "0 differences" in capsys.readouterr().out
    assert run(["irq", "inject-every", str(module)]) == 1
    assert "no entry point" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ignore", "0x10"], "no range of addresses"),
        (["--pairs", "-b", "qemu:stm32f4"], "--pairs is for host"),
        (["--input", "x", "-b", "qemu:stm32f4"], "are for host"),
    ],
)
def test_bad_options_are_told(race: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["irq", "inject-every", str(race), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_program_that_is_not_the_same_twice_cannot_be_compared() -> None:
    class Restless:
        source_name, is_disturber, is_woken, points, delivered = "soft0", True, False, 5, 0
        runs = 0

        def run(self, points: object = ()) -> Any:
            self.runs += 1
            with VirtualSubject(Module.parse(bytes(wat2wasm(ANSWER.format(self.runs)))), "main") as subject:
                return subject.run()

        def serial(self, interrupts: int) -> list[Any]:
            return []

        def place(self) -> None:
            return None

    with pytest.raises(WirqError, match="two undisturbed runs differ"):
        explore(Restless())


def test_what_a_wait_tells_of_an_interrupt_is_no_difference() -> None:
    """Whatever its handler keeps: a raise wakes (R50)."""
    wait = '(module (import "wirq" "wait" (func $wait (param i64) (result i32)))'
    for_ever = explored(f'{wait} (func (export "main") (drop (call $wait (i64.const -1)))))')
    assert (for_ever.differences, for_ever.undisturbed.ending) == ((), "waits for ever")
    assert for_ever.marks == ("how it ends: it returned, not waits for ever",)
    told = explored(f'{wait} (func (export "main") (result i32) (call $wait (i64.const 10))))')
    assert (told.differences, told.marks) == ((), ("its result",))


ANSWER = '(module (func (export "main") (result i32) (i32.const {})))'


# ---- on a board


def on_host_process(text: str) -> Exploration:
    with Board.connect("host") as board:
        return explore(BoardSubject(board, Module.parse(bytes(wat2wasm(text))), "main"), pairs=False)


def test_a_board_over_the_link_has_the_same_points_and_differences() -> None:
    quiet = TORN.replace("HANDLER", "")
    over_link, here = on_host_process(quiet), explored(quiet, pairs=False)
    assert (over_link.points, over_link.differences) == (here.points, ())
    torn = TORN.replace("HANDLER", ADDS)
    over_link, here = on_host_process(torn), explored(torn, pairs=False)
    assert [one.points for one in over_link.differences] == [one.points for one in here.differences]
