"""Lowered code outside the arena, in memory of the embedder's such as flash: the same results, traps and refusals, room
for one function at a time, and no lowering for who finds it there again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.vm.machine import PREAMBLE, Machine, Refusal, Trap, leb, raw_section, section, wat
from tests.vm.samples import EVERYTHING

IN_ARENA, OUTSIDE, FOUND_AGAIN = 0, 1, 2
MODES = pytest.mark.parametrize("mode", [OUTSIDE, FOUND_AGAIN], ids=["written", "found again"])
PIECES = pytest.mark.parametrize("piece", [0, 1, -3])

#: Exceptions whose clauses lie in functions before and behind the one that throws, a trap at a known place.
CATCHING = """(module
  (tag $t (param i32))
  (func $first (export "first") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught) (call $throwing (local.get 0)))
      (i32.const -1)))
  (func $throwing (param i32) (throw $t (i32.add (local.get 0) (i32.const 1))))
  (func $between (export "trap") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func (export "last") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught) (drop (call $first (local.get 0))) (call $throwing (i32.const 40)))
      (i32.const -1))))"""


def many_functions(count: int) -> bytes:
    """A module whose functions add up their index and an argument, each in a long way."""
    body = b"\x00" + b"\x20\x00\x41\x07\x6a\x21\x00" * 40 + b"\x20\x00\x0b"
    function_type = b"\x60\x01\x7f\x01\x7f"
    return b"".join(
        [
            PREAMBLE,
            section(1, function_type),
            section(3, *[b"\x00"] * count),
            section(7, b"\x03run\x00" + leb(count - 1)),
            section(10, *[leb(len(body)) + body] * count),
        ]
    )


@PIECES
@MODES
def test_exceptions_and_traps_are_what_they_are_with_code_in_the_arena(machine: Machine, mode: int, piece: int) -> None:
    offsets = set()
    for code in (IN_ARENA, mode):
        machine.code_mode(code)
        instance = machine.instantiate(CATCHING, piece)
        assert machine.call(instance, "first", 4) == [5]
        assert machine.call(instance, "last", 4) == [41]
        with pytest.raises(Trap) as caught:
            machine.call(instance, "trap", 0)
        assert caught.value.status == "TRAP_DIVIDE_BY_ZERO"
        assert caught.value.function == 2
        offsets.add(caught.value.offset)
    assert len(offsets) == 1


@PIECES
@MODES
def test_a_module_takes_less_of_the_arena_and_gives_all_of_it_back(machine: Machine, mode: int, piece: int) -> None:
    inside = machine.load(EVERYTHING, piece)
    machine.unload(inside.handle)
    before = machine.used()
    machine.code_mode(mode)
    outside = machine.load(EVERYTHING, piece)
    assert (outside.wasm, outside.lowered) == (inside.wasm, inside.lowered)
    assert outside.bytes <= inside.bytes - inside.lowered
    assert machine.used() == before + outside.bytes
    machine.unload(outside.handle)
    assert machine.used() == before


@MODES
def test_the_arena_needs_room_for_the_largest_function_only(new_machine: Callable[..., Machine], mode: int) -> None:
    module = many_functions(200)
    with new_machine(arena=16 << 10, stack=128, handler_stack=0) as machine:
        with pytest.raises(Refusal, match="NO_MEMORY"):
            machine.load(module)
        machine.code_mode(mode)
        loaded = machine.load(module)
        assert loaded.lowered > 2 * (16 << 10)
        (instance,) = machine.numbers(f"instantiate {loaded.handle}")
        assert machine.call(instance, "run", 5) == [285]


@PIECES
@MODES
def test_every_allocation_may_fail(machine: Machine, mode: int, piece: int) -> None:
    machine.code_mode(mode)
    machine.unload(machine.load(EVERYTHING, piece).handle)
    before, failures = machine.used(), 0
    for n in range(1, 100):
        machine.command(f"fail {n}")
        try:
            loaded = machine.load(EVERYTHING, piece)
        except Refusal as refusal:
            assert refusal.status == "NO_MEMORY"
            failures += 1
        else:
            machine.command("fail 0")
            machine.unload(loaded.handle)
        assert machine.used() == before
        if machine.fail(0) > 0:
            break
    assert failures > 10


def test_bad_modules_are_refused_as_ever_and_nothing_is_kept(machine: Machine) -> None:
    good = wat(CATCHING)
    code_at = good.index(b"\x0a", len(good) - 140)
    empty = b"\x02\0\x0b"
    types = PREAMBLE + section(1, b"\x60\0\0")
    bad_body = types + section(3, b"\0", b"\0") + section(10, empty, b"\x03\0\x6a\x0b")
    bad_data = types + section(3, b"\0") + section(10, empty) + raw_section(11, b"\1\0")
    before = machine.used()
    for module in (good[: code_at + 20], bad_body, bad_data):
        refusals = []
        for mode in (IN_ARENA, OUTSIDE):
            machine.code_mode(mode)
            with pytest.raises(Refusal) as caught:
                machine.load(module)
            refusals.append((caught.value.status, caught.value.offset, caught.value.function))
            assert machine.used() == before
        assert refusals[0] == refusals[1]


def test_instances_share_code_that_lies_outside(machine: Machine) -> None:
    machine.code_mode(FOUND_AGAIN)
    loaded = machine.load(EVERYTHING)
    first, second = (machine.numbers(f"instantiate {loaded.handle}")[0] for _ in range(2))
    for instance in (first, second):
        machine.command(f"start {instance}")
        assert machine.call(instance, "sum", 10) == [55]
    assert machine.call(first, "pick", 1) == machine.call(second, "pick", 1)
