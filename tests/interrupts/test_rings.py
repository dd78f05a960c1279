"""R21: a record of each single raise, in a ring of the guest's interrupt block."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interrupts.guest_modules import (
    BLOCK,
    BUTTON,
    OPEN_BLOCK,
    STEP,
    bare,
    function,
    handler,
    log,
    module,
    set_word,
    slot,
)
from tests.vm.building import build_once
from tests.vm.machine import Machine, Refusal
from tests.vm.test_features import shared_folder

RING = 1024
HEAD, TAIL, ADDRESS, SHAPE = slot(BUTTON, 16), slot(BUTTON, 20), slot(BUTTON, 24), slot(BUTTON, 28)


def shape(log2n: int, size: int = 8) -> int:
    return size | log2n << 8


def use(log2n: int, address: int = RING) -> str:
    return set_word(ADDRESS, address) + set_word(SHAPE, shape(log2n)) + OPEN_BLOCK


def push(argument: int) -> str:
    return f"(call $raise (i32.const {BUTTON}) (i32.const {argument}))"


def drain(count: int) -> str:
    """Takes out what is there, logging the arguments, as wirq_ring_take does."""
    place = f"(i32.and (i32.load (i32.const {TAIL})) (i32.const {count - 1}))"
    at = f"(i32.add (i32.const {RING}) (i32.shl {place} (i32.const 3)))"
    return f"""(block $empty (loop $more
      (br_if $empty (i32.eq (i32.load (i32.const {HEAD})) (i32.load (i32.const {TAIL}))))
      (call $log (i32.load {at}))
      (i32.store (i32.const {TAIL}) (i32.add (i32.load (i32.const {TAIL})) (i32.const 1)))
      (br $more)))"""


def run(machine: Machine, body: str, more: str = "") -> list[int]:
    instance = machine.instantiate(module(more + function("go", body)))
    machine.call(instance, "go")
    return machine.log()


def test_each_raise_leaves_its_argument_in_the_ring(machine: Machine) -> None:
    assert run(machine, use(3) + push(7) + push(8) + push(9) + "(call $poll)" + drain(8)) == [7, 8, 9]


def test_a_record_has_the_time_of_its_raise(machine: Machine) -> None:
    pause = "(drop (call $wait (i64.const 100)))" * 2
    stamps = f"(call $log (i32.load (i32.const {RING + 4}))) (call $log (i32.load (i32.const {RING + 12})))"
    first, second = run(machine, use(1) + push(1) + pause + push(2) + "(call $poll)" + stamps)
    assert second - first == 100


@pytest.mark.parametrize("log2n", range(6))
def test_the_ring_goes_round(machine: Machine, log2n: int) -> None:
    """Rings of every size, more records than fit, taken out as they come."""
    count = 1 << log2n
    numbers = range(100, 100 + 3 * count + 1)
    body = use(log2n) + "".join(push(n) + "(call $poll)" + drain(count) + "(call $poll)" for n in numbers)
    assert run(machine, body) == list(numbers)


def test_counters_of_a_ring_are_right_across_the_wrap_of_its_end(machine: Machine) -> None:
    """Three pushed, three taken, three pushed: the last batch lies on both sides of the ring's end."""
    batch = [push(n) for n in range(6)]
    body = use(2) + "".join(batch[:3]) + "(call $poll)" + drain(4) + "".join(batch[3:]) + "(call $poll)" + drain(4)
    assert run(machine, body) == [0, 1, 2, 3, 4, 5]


def test_a_full_ring_loses_the_newest_and_says_so(machine: Machine) -> None:
    missed = f"(call $log (i32.sub (i32.load (i32.const {slot(BUTTON, 0)})) (i32.load (i32.const {HEAD}))))"
    body = use(2) + "".join(push(n) for n in range(7)) + "(call $poll)" + missed + drain(4)
    assert run(machine, body) == [3, 0, 1, 2, 3]
    assert (machine.source(BUTTON).raised, machine.source(BUTTON).missed) == (7, 3)


def test_a_drained_ring_has_room_again_at_the_next_host_call(machine: Machine) -> None:
    body = use(1) + push(1) + push(2) + "(call $poll)" + drain(2) + "(call $poll)" + push(3) + push(4) + "(call $poll)"
    assert run(machine, body + drain(2)) == [1, 2, 3, 4]
    assert machine.source(BUTTON).missed == 0


def test_a_handler_finds_the_records_of_all_raises_that_it_is_told_of(machine: Machine) -> None:
    """R15, R40: they are copied before it is entered."""
    body = use(3) + set_word(12, 1) + push(5) + push(6) + set_word(12, 0) + "(call $deliver)" + log(1)
    assert run(machine, body, handler("button", drain(8))) == [2002, 5, 6, 1]


def test_an_interrupt_at_any_operation_loses_no_record(machine: Machine) -> None:
    """T1: a raise at every dispatch of a program that takes records out: each is found exactly once, in order."""
    pushes = "".join(push(n) for n in range(1, 4))
    sample = bare(BLOCK + function("go", use(2) + (pushes + "(call $poll)" + drain(4)) * 2 + "(call $poll)" + drain(4)))
    without = []  # at which operations a raise leaves no record
    n = 0
    while True:
        n += 1
        machine.reset()
        instance = machine.instantiate(sample)
        machine.inject(BUTTON, n, True)
        machine.call(instance, "go")
        if machine.injected() < n:
            break
        found, state = machine.log(), machine.source(BUTTON)
        assert [value for value in found if value] == [1, 2, 3, 1, 2, 3], n
        assert (state.raised, state.missed) == (7, 0)
        if found.count(0) != 1:
            without.append(n)
    before = [one for one in without if one < n // 2]
    after = [one for one in without if one > n // 2]
    assert before == list(range(1, len(before) + 1))  # there is no ring yet
    assert after == list(range(n - len(after), n))  # nobody looks any more
    assert len(without) < 30 < n - len(without)


@pytest.mark.parametrize(
    ("address", "shape_", "status"),
    [
        (RING, shape(0), 0),
        (RING, shape(5), 0),
        (65536 - 256, shape(5), 0),
        (RING, shape(6), 115),
        (RING, shape(255), 115),
        (RING, 0x80000008, 115),
        (RING, shape(2, 4), 115),
        (RING, shape(2, 0), 115),
        (RING, 0, 115),
        (0, shape(2), 0),  # over the block itself: the guest's own affair
        (RING + 2, shape(2), 115),
        (65536 - 252, shape(5), 115),
        (65536, shape(0), 115),
        (0xFFFFFFF8, shape(0), 115),
    ],
)
def test_a_ring_is_checked_when_its_block_is_registered(
    machine: Machine, address: int, shape_: int, status: int
) -> None:
    """R20."""
    body = (
        set_word(ADDRESS, address) + set_word(SHAPE, shape_) + OPEN_BLOCK.replace("drop", "call $log") + push(1) + STEP
    )
    assert run(machine, body) == [status]


def test_what_the_guest_writes_over_its_ring_and_its_counters_hurts_only_itself(machine: Machine) -> None:
    """R9, R20: address and size are not read again, head and tail are only compared."""
    spoil = "".join(set_word(at, value) for at, value in ((HEAD, -5), (TAIL, 3), (ADDRESS, -4), (SHAPE, -1)))
    for tail in (0, 1, 5, 0x7FFFFFFF, 0x80000000, -1):
        machine.reset()
        body = use(2) + push(1) + spoil + set_word(TAIL, tail) + (push(2) + "(call $poll)") * 9 + log(1)
        instance = machine.instantiate(module('(data (i32.const 1056) "guard")' + function("go", body)))
        machine.call(instance, "go")
        assert machine.log() == [1]
        assert machine.read(instance, RING + 32, 5) == b"guard"
        assert machine.source(BUTTON).raised == 10


def test_a_ring_follows_its_memory_when_that_moves(machine: Machine) -> None:
    body = use(2) + push(1) + "(drop (memory.grow (i32.const 1)))" + push(2) + "(call $poll)" + drain(4)
    instance = machine.instantiate(module(function("go", body)))
    machine.instantiate("(module (memory 1))")
    machine.call(instance, "go")
    assert machine.log() == [1, 2]


@pytest.mark.parametrize("end", ["release", "reset"])
def test_a_ring_goes_with_its_guest(machine: Machine, end: str) -> None:
    machine.instantiate("(module)")
    if end == "reset":
        machine.reset()
    before = machine.used()
    instance = machine.instantiate(module(function("go", use(5) + use(5) + use(4) + push(1))))
    machine.call(instance, "go")
    if end == "release":
        machine.release(instance)
        machine.raise_(BUTTON)  # nobody's ring
        again = machine.instantiate(module(function("go", use(1) + push(9) + "(call $poll)" + drain(2))))
        machine.call(again, "go")
        assert machine.log() == [9]
        machine.release(again)
    machine.reset()
    assert machine.used() <= before


def test_a_ring_that_finds_no_memory_is_refused_and_nothing_of_it_stays(machine: Machine) -> None:
    instance = machine.instantiate(
        module(function("go", use(5).replace("drop", "call $log") + push(1) + "(call $poll)"))
    )
    used = machine.used()
    machine.fail(1)
    machine.call(instance, "go")
    assert machine.log() == [96]
    assert machine.used() == used


def test_the_bound_has_the_records_that_may_have_to_be_copied(machine: Machine) -> None:
    """R68."""
    instance = machine.instantiate(module(handler("button") + function("go", use(5))))
    before = machine.bound(BUTTON)
    machine.call(instance, "go")
    after = machine.bound(BUTTON)
    more = after["total"] - before["total"]
    assert more > 0 and more % 32 == 0  # an operation each


@pytest.fixture(scope="module")
def without_rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_once(shared_folder(tmp_path_factory, "wirq-vm-without-rings"), ["driver"], ["WIRQ_WITH_RINGS=0"])


def test_a_build_without_rings_refuses_a_block_that_has_one(without_rings: Path, tmp_path: Path) -> None:
    with Machine(without_rings / "driver", tmp_path) as machine:
        assert run(machine, use(2).replace("drop", "call $log")) == [117]
        with pytest.raises(Refusal, match="ABSENT_FEATURE"):
            machine.instantiate(bare('(@custom "wirq.cfg" "\\00\\02\\0c\\01")' + function("go", "")))
