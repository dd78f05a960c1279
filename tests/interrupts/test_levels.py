"""T6: priority order, preemption, tail-chaining, late arrival, threshold; no equal nesting; depth at most K."""

from __future__ import annotations

import pytest

from tests.interrupts.guest_modules import (
    BUTTON,
    DEPTH,
    LEVEL,
    NEED,
    OPEN_BLOCK,
    SOFT,
    STEP,
    THRESHOLD,
    TIMER,
    UART,
    function,
    handler,
    log,
    log_word,
    module,
    raise_,
    set_word,
)
from tests.interrupts.reference_model import Schedule, predict, random_schedule, wat
from tests.vm.machine import Machine, Refusal, Trap

#: Schedules a test compares with the model; the seed of a failing one is in the message.
SCHEDULES = 60


def run(machine: Machine, schedule: Schedule) -> list[int]:
    instance = machine.instantiate(wat(schedule))
    machine.call(instance, "go")
    log_ = machine.log()
    machine.reset()
    return log_


@pytest.mark.parametrize("block_of_seeds", range(4))
def test_t6_random_schedules_give_the_trace_of_the_reference_model(machine: Machine, block_of_seeds: int) -> None:
    (levels,) = machine.numbers("levels")
    deepest = 0
    for seed in range(block_of_seeds * SCHEDULES, (block_of_seeds + 1) * SCHEDULES):
        schedule = random_schedule(seed, levels)
        trace, depth = predict(schedule)
        deepest = max(deepest, depth)
        assert run(machine, schedule) == trace, f"seed {seed}: {schedule}"
    assert deepest == levels  # R39: as deep as there are levels, and the schedules go there


def test_r39_a_strictly_more_urgent_handler_preempts_and_an_equal_one_waits(machine: Machine) -> None:
    interrupt = f"{raise_(UART)} {STEP} {raise_(BUTTON)} {STEP} {log(8)}"
    handlers = handler("timer:1", interrupt) + handler("uart:0", log(7)) + handler("button:1")
    instance = machine.instantiate(module(handlers + function("go", f"{raise_(TIMER)} {STEP} {log(9)}")))
    machine.call(instance, "go")
    assert machine.log() == [1001, 1, 7, 8, 2001, 9]


def test_r41_a_late_arrival_of_higher_priority_runs_first(machine: Machine) -> None:
    """Both are pending when the safe point comes, the more urgent one last: it is entered first."""
    raises = f"{raise_(TIMER)} {raise_(SOFT)} (call $soft) {STEP} {log(9)}"
    instance = machine.instantiate(module(handler("timer:1") + handler("soft0:0") + function("go", raises)))
    machine.command("hold 1")
    machine.call(instance, "go")
    assert machine.log() == [3001, 1001, 9]


def test_r41_after_a_nested_handler_the_preempted_one_goes_on_before_less_urgent_ones(machine: Machine) -> None:
    body = f"{raise_(UART)} {STEP} {raise_(BUTTON)} {log(8)}"
    handlers = handler("timer:1", body) + handler("uart:0") + handler("button:1")
    instance = machine.instantiate(module(handlers + function("go", f"{raise_(TIMER)} {STEP} {log(9)}")))
    machine.call(instance, "go")
    assert machine.log() == [1001, 1, 8, 2001, 9]


def test_r35_the_threshold_lets_only_more_urgent_priorities_through(machine: Machine) -> None:
    body = f"""{OPEN_BLOCK} {set_word(THRESHOLD, 1)} {raise_(TIMER)} {STEP} {raise_(UART)} {STEP} {log(5)}
      {log_word(NEED)} {set_word(THRESHOLD, 255)} {set_word(NEED, 0)} (call $deliver) {log(6)}"""
    instance = machine.instantiate(module(handler("timer:1") + handler("uart:0") + function("go", body)))
    machine.call(instance, "go")
    assert machine.log() == [1, 5, 1, 1001, 6]


def test_r37_need_is_not_set_for_what_waits_for_its_level(machine: Machine) -> None:
    body = f"{raise_(TIMER)} {STEP} {log_word(NEED)}"
    again = f"{raise_(BUTTON)} {STEP} {log_word(NEED)}"
    handlers = handler("timer:1", again) + handler("button:1")
    instance = machine.instantiate(module(handlers + function("go", f"{OPEN_BLOCK} {body}")))
    machine.call(instance, "go")
    assert machine.log() == [1001, 0, 2001, 0]


def test_the_block_tells_the_level_that_runs(machine: Machine) -> None:
    inner = log_word(LEVEL)
    handlers = handler("timer:1", f"{inner} {raise_(UART)} {STEP} {inner}") + handler("uart:0", inner)
    body = f"{OPEN_BLOCK} {inner} {raise_(TIMER)} {STEP} {inner}"
    machine.call(machine.instantiate(module(handlers + function("go", body))), "go")
    assert machine.log() == [2, 1001, 1, 1, 0, 1, 2]


def test_both_active_sources_are_shown_as_active(machine: Machine) -> None:
    show = "".join(f"(call $log (call $active (i32.const {source})))" for source in (TIMER, UART, SOFT))
    handlers = handler("timer:1", f"{raise_(UART)} {STEP}") + handler("uart:0", show)
    machine.call(machine.instantiate(module(handlers + function("go", f"{raise_(TIMER)} {STEP}"))), "go")
    assert machine.log() == [1001, 1, 1, 1, 0]


def test_r33_nested_handlers_start_below_each_others_red_zone(machine: Machine) -> None:
    show = "(call $log (global.get $sp))"
    handlers = handler("timer:1", f"{show} {raise_(UART)} {STEP} {show}") + handler("uart:0", show)
    text = f'(global $sp (export "__stack_pointer") (mut i32) (i32.const 4093)) {handlers}'
    body = f"{raise_(TIMER)} {STEP} {show}"
    machine.call(machine.instantiate(module(text + function("go", body))), "go")
    assert machine.log() == [1001, 3952, 1, 3824, 3952, 4093]


def test_r24_attach_takes_a_priority(machine: Machine) -> None:
    late = f"(func $late (param i32 i32 i32) {log(70)} {raise_(UART)} {STEP} {log(71)})"
    table = "(table 1 funcref) (elem (i32.const 0) $late)"
    attach = "(call $log (call $attach (i32.const 1) (i32.const 0) (i32.const 0) (i32.const {})))"
    body = f"{attach.format(2)} {attach.format(1)} {raise_(TIMER)} {STEP}"
    instance = machine.instantiate(module(late + table + handler("uart:0") + function("go", body)))
    machine.call(instance, "go")
    assert machine.log() == [114, 0, 70, 1, 71]
    assert machine.source(TIMER).priority == 1


def test_a_source_attached_anew_within_its_handler_keeps_the_level_that_runs(machine: Machine) -> None:
    other = f"(func $other (param i32 i32 i32) {log(50)})"
    table = "(table 1 funcref) (elem (i32.const 0) $other)"
    again = f"""(call $log (call $attach (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
      {raise_(TIMER)} {STEP} {log(8)}"""
    instance = machine.instantiate(
        module(other + table + handler("timer:1", again) + function("go", f"{raise_(TIMER)} {STEP} {log(9)}"))
    )
    machine.call(instance, "go")
    assert machine.log() == [1001, 0, 50, 8, 9]  # now of priority 0, it preempts the handler that attached it


def test_a_guest_that_never_leaves_its_section_delays_only_its_own_handlers(machine: Machine) -> None:
    other = machine.instantiate(
        """(module (import "test" "log" (func $log (param i32)))
          (func (export "irq:button:1") (param i32 i32 i32) (call $log (i32.const 77))))"""
    )
    assert other == 0
    body = f"{OPEN_BLOCK} {set_word(DEPTH, 1)} {raise_(UART)} {STEP} {raise_(BUTTON)} {STEP} {log(9)}"
    instance = machine.instantiate(module(handler("uart:0") + function("go", body)))
    machine.call(instance, "go")
    assert machine.log() == [77, 9]
    assert machine.source(UART).pending


def test_r38_the_watch_finds_a_guest_that_forgets_to_ask(machine: Machine) -> None:
    """No host call, no further raise: only the watch looks."""
    spin = "(loop $l (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $l (local.get $i)))"
    body = f"""{OPEN_BLOCK} {set_word(DEPTH, 1)} {raise_(UART)} {STEP} {set_word(DEPTH, 0)}
      (local.set $i (i32.const 40)) {spin} (i32.store (i32.const 1000) (i32.load (i32.const 1004))) {log_word(1000)}"""
    mark = "(i32.store (i32.const 1004) (i32.const 5))"
    instance = machine.instantiate(module(handler("uart", mark) + function("go", body, "(local $i i32)")))
    machine.call(instance, "go")
    assert machine.log() == [1, 5]


def test_a_fault_at_the_inner_level_leaves_no_level_behind(machine: Machine) -> None:
    handlers = handler("timer:1", f"{raise_(UART)} {STEP} {log(8)}") + handler("uart:0", "unreachable")
    instance = machine.instantiate(module(handlers + function("go", f"{raise_(TIMER)} {STEP} {log(9)}")))
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert (caught.value.status, caught.value.source) == ("TRAP_UNREACHABLE", UART)
    assert machine.log() == [1001, 1]
    assert not machine.source(UART).active and not machine.source(TIMER).active
    again = machine.instantiate(module(function("go", log(4))))
    machine.call(again, "go")
    assert machine.log() == [4]


@pytest.mark.parametrize("export", ["irq:uart:2", "irq:uart:255", "irq:uart:1000"])
def test_r26_a_priority_that_the_build_does_not_have_is_refused_at_load(machine: Machine, export: str) -> None:
    with pytest.raises(Refusal, match="BAD_PRIORITY"):
        machine.instantiate(f'(module (func (export "{export}") (param i32 i32 i32)))')


def test_r27_a_table_that_changes_later_does_not_change_the_handler(machine: Machine) -> None:
    body = f"""(type $handler (func (param i32 i32 i32))) (table $t 2 funcref) (elem (i32.const 0) $first $second)
      (func $first (type $handler) {log(1)}) (func $second (type $handler) {log(2)})
      {
        function(
            "go",
            f'''(drop (call $attach (i32.const {UART}) (i32.const 0) (i32.const 0) (i32.const 0)))
        (table.copy (i32.const 0) (i32.const 1) (i32.const 1)) {raise_(UART)} {STEP}
        (drop (call $attach (i32.const {UART}) (i32.const 0) (i32.const 0) (i32.const 0))) {raise_(UART)} {STEP}''',
        )
    }"""
    instance = machine.instantiate(module(body))
    machine.call(instance, "go")
    assert machine.log() == [1, 2]
