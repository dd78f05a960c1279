"""Interrupts on one level: raising, forced and quiescent delivery, masking, handlers and their shadow stack."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_host import status
from tests.interrupts.guest_modules import (
    BLOCK,
    BUTTON,
    DEPTH,
    FORCED,
    NEED,
    OPEN_BLOCK,
    POLLED,
    QUIESCENT,
    SOFT,
    STEP,
    THRESHOLD,
    TIMER,
    UART,
    bare,
    function,
    handler,
    log,
    log_word,
    module,
    raise_,
    set_word,
)
from tests.vm.machine import Machine, Refusal, Trap, wat

# ---- raising and forced delivery


def test_a_raise_runs_the_handler_at_the_next_safe_point(machine: Machine) -> None:
    """R57."""
    body = f"{log(1)} (call $raise (i32.const 3) (i32.const 0)) {STEP} {log(2)}"
    instance = machine.instantiate(bare(handler("soft0") + function("go", body)))
    machine.call(instance, "go")
    assert machine.log() == [1, 3001, 2]
    assert machine.source(SOFT).delivered == 1


def test_a_source_is_named_or_numbered(machine: Machine) -> None:
    body = "".join(f"(call $raise (i32.const {n}) (i32.const 0)) {STEP}" for n in range(4))
    handlers = handler("uart") + handler("1") + handler("button:0") + handler("3:0")
    instance = machine.instantiate(bare(handlers + function("go", body)))
    machine.call(instance, "go")
    assert machine.log() == [1, 1001, 2001, 3001]


def test_raises_that_were_made_before_the_call_are_delivered_in_it(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("uart") + function("go", STEP)))
    for _ in range(3):
        machine.raise_(UART)
    assert machine.source(UART).pending
    machine.call(instance, "go")
    assert machine.log() == [3]
    assert not machine.source(UART).pending


def test_one_delivery_takes_all_raises_so_far(machine: Machine) -> None:
    raises = raise_(UART) * 5
    instance = machine.instantiate(bare(handler("uart") + function("go", f"{raises} {log(7)} (call $soft) {STEP}")))
    machine.command("hold 1")
    machine.call(instance, "go")
    assert machine.log() == [7, 5]
    source = machine.source(UART)
    assert (source.raised, source.delivered) == (5, 1)


def test_nothing_is_lost_however_the_soft_interrupt_is_held_off(machine: Machine) -> None:
    """R13."""
    body = f"""(local $i i32)
      (loop $again
        (call $raise (i32.const 0) (i32.const 0))
        (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 7))) (then (call $soft)))
        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
      (call $soft) {STEP}"""
    instance = machine.instantiate(bare(handler("uart") + function("go", body)))
    machine.command("hold 1")
    machine.call(instance, "go")
    counts = machine.log()
    assert sum(counts) == 1000
    assert 140 <= len(counts) <= 145


def test_due_handlers_are_chained_in_the_order_of_their_sources(machine: Machine) -> None:
    raises = "".join(f"(call $raise (i32.const {n}) (i32.const 0))" for n in (3, 1, 2, 0))
    handlers = "".join(handler(str(n)) for n in range(4))
    instance = machine.instantiate(bare(handlers + function("go", f"{raises} (call $soft) {STEP} {log(9)}")))
    machine.command("hold 1")
    machine.call(instance, "go")
    assert machine.log() == [1, 1001, 2001, 3001, 9]


def test_a_late_arrival_is_chained_before_the_interrupted_code_goes_on(machine: Machine) -> None:
    late = f"(call $raise (i32.const 0) (i32.const 0)) {STEP} {log(8)}"
    handlers = handler("timer", late) + handler("uart")
    body = f"(call $raise (i32.const 1) (i32.const 0)) {STEP} {log(9)}"
    instance = machine.instantiate(bare(handlers + function("go", body)))
    machine.call(instance, "go")
    assert machine.log() == [1001, 8, 1, 9]  # equal priority never nests


def test_a_handler_that_raises_itself_does_not_nest(machine: Machine) -> None:
    again = f"""(if (i32.lt_u (global.get $n) (i32.const 3)) (then
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (call $raise (i32.const 0) (i32.const 0)) {STEP})) {log(7)}"""
    body = f"(call $raise (i32.const 0) (i32.const 0)) {STEP} {log(9)}"
    text = "(global $n (mut i32) (i32.const 0))" + handler("uart", again) + function("go", body)
    machine.call(machine.instantiate(bare(text)), "go")
    assert machine.log() == [1, 7, 1, 7, 1, 7, 1, 7, 9]


def test_counts_are_right_across_the_wrap(machine: Machine) -> None:
    """R19."""
    body = "(call $raise (i32.const 0) (i32.const 0))" * 40 + f"(call $soft) {STEP}"
    instance = machine.instantiate(bare(handler("uart") + function("go", body)))
    machine.command(f"preset {0xFFFFFFF0}")
    machine.command("hold 1")
    machine.call(instance, "go")
    assert machine.log() == [40]
    assert machine.source(UART).raised == 24


def test_an_unknown_source_may_be_raised_without_effect(machine: Machine) -> None:
    """R11: a raise never fails."""
    machine.raise_(4)
    machine.raise_(0xFFFFFFFF)
    with pytest.raises(Refusal, match="UNKNOWN_SOURCE"):
        machine.source(4)


def test_the_interrupted_computation_is_undisturbed(machine: Machine) -> None:
    """R31."""
    fib = """(func $fib (export "fib") (param i32) (result i32)
      (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                       (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"""
    clobber = "(local i32 i64 f64) (local.set 3 (call $fib (i32.const 7)))"
    trash = f"""(func (export "irq:uart") (param i32 i32 i32) {clobber}
      (global.set $runs (i32.add (global.get $runs) (i32.const 1))))"""
    text = bare(f'(global $runs (export "runs") (mut i32) (i32.const 0)) {fib} {trash}')
    instance = machine.instantiate(text)
    machine.inject(UART, 0, False)
    assert machine.call(instance, "fib", 10) == [55]
    points = machine.injected()
    assert points > 150
    for n in range(1, points + 1):
        machine.inject(UART, n, False)
        assert machine.call(instance, "fib", 10) == [55], n
        assert machine.injected() == points
        assert machine.value(instance, "runs") == [n], n


def test_a_program_is_stopped_at_the_safe_point_where_its_fuel_ends(machine: Machine) -> None:
    """Fuel is for all runs together, until it is set anew."""
    rounds = """(func (export "rounds") (param i32) (loop $again
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"""
    instance = machine.instantiate(bare(rounds))
    no_source = 0xFFFFFFFF
    machine.inject(UART, 0, False)
    machine.call(instance, "rounds", 50)
    points = machine.injected()
    machine.inject(no_source, 2 * points - 1, False)
    machine.call(instance, "rounds", 50)
    with pytest.raises(Trap, match="TRAP_STOPPED"):
        machine.call(instance, "rounds", 50)
    assert machine.injected() == 2 * points - 1
    machine.inject(UART, 0, False)
    machine.call(instance, "rounds", 50)


MIXED = """
  (memory (export "memory") 1) (table 4 funcref) (elem (i32.const 0) $square $halve)
  (type $unary (func (param i32) (result i32)))
  (table $many 150 funcref) (elem $functions funcref (ref.func $square) (ref.null func) (ref.func $halve))
  (data $bytes "REPEATED")
  (global $sum (mut i64) (i64.const 0)) (global $runs (export "runs") (mut i32) (i32.const 0))
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func $halve (param i32) (result i32) (i32.shr_u (local.get 0) (i32.const 1)))
  (func (export "go") (result i64) (local $i i32) (local $f f64)
    (memory.fill (i32.const 100) (i32.const 7) (i32.const 1000))
    (memory.copy (i32.const 150) (i32.const 100) (i32.const 900))
    (memory.init $bytes (i32.const 2000) (i32.const 1) (i32.const 599))
    (table.fill $many (i32.const 3) (ref.func $halve) (i32.const 100))
    (table.init $many $functions (i32.const 0) (i32.const 0) (i32.const 3))
    (table.copy $many $many (i32.const 2) (i32.const 0) (i32.const 140))
    (table.copy $many $many (i32.const 0) (i32.const 1) (i32.const 140))
    (global.set $sum (i64.extend_i32_u (call_ref $unary (i32.const 9) (ref.func $square))))
    (loop $again
      (local.set $f (f64.add (local.get $f) (f64.convert_i32_u (local.get $i))))
      (i32.store16 offset=8 (i32.mul (local.get $i) (i32.const 4)) (local.get $i))
      (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 31)) (i64.extend_i32_u
        (call_indirect (param i32) (result i32) (local.get $i) (i32.and (local.get $i) (i32.const 1))))))
      (block $two (block $one (br_table $one $two $one (i32.rem_u (local.get $i) (i32.const 3))))
        (drop (memory.grow (i32.const 0))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12))))
    (i64.add (global.get $sum) (i64.trunc_f64_s (local.get $f))))"""

MIXED = MIXED.replace("REPEATED", "0123456789" * 60)

#: Leaves no trace but a call of the host, and uses as much of its stack and of the accumulator as it can.
QUIET = """(func (export "irq:soft0") (param i32 i32 i32) (local i64)
    (local.set 3 (i64.extend_i32_u (call $square (i32.const 12345))))
    (call $log (local.get 1)))"""


@pytest.mark.parametrize("every_dispatch", [False, True])
def test_an_interrupt_at_any_point_leaves_memory_globals_and_result_as_they_were(
    new_machine: Callable[..., Machine], every_dispatch: bool
) -> None:
    """R31, R54, R55: bulk operations too."""
    with new_machine() as machine:
        text = bare(MIXED + QUIET)

        def run(n: int) -> tuple[list[int], list[int], int]:
            instance = machine.instantiate(text)
            machine.inject(SOFT, n, every_dispatch)
            result = machine.call(instance, "go")
            digest = machine.digest(instance)
            points = machine.injected()
            machine.reset()
            return result, digest, points

        undisturbed = run(0)
        assert machine.log() == []
        assert undisturbed[2] > (200 if every_dispatch else 50)
        for n in range(1, undisturbed[2] + 1):
            assert run(n) == undisturbed, n
            assert machine.log() == [1], n


@pytest.mark.parametrize(
    ("segment", "begin", "drop", "count", "trap"),
    [
        ('(memory 1) (data $s "REPEATED")', "memory.init $s", "data.drop $s", "(i32.load8_u (local.get $n))", "MEMORY"),
        (
            "(table $t 600 funcref) (elem $s funcref FUNCTIONS)",
            "table.init $t $s",
            "elem.drop $s",
            "(i32.eqz (ref.is_null (table.get $t (local.get $n))))",
            "TABLE",
        ),
    ],
)
def test_an_init_whose_segment_its_interrupt_drops_traps_where_it_was(
    new_machine: Callable[..., Machine], segment: str, begin: str, drop: str, count: str, trap: str
) -> None:
    """R55: as the loop of R1 does. What was written stays."""
    segment = segment.replace("REPEATED", "1" * 600).replace("FUNCTIONS", "(ref.func 0)" * 600)
    text = bare(f"""{segment} (func (export "irq:soft0") (param i32 i32 i32) ({drop}))
      {function("go", f"({begin} (i32.const 0) (i32.const 0) (i32.const 600))")}
      (func (export "written") (result i32) (local $n i32)
        (block $end (loop $more (br_if $end (i32.eq (local.get $n) (i32.const 600)))
          (br_if $end (i32.eqz {count}))
          (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more)))
        (local.get $n))""")
    written = set()
    with new_machine() as machine:
        instance = machine.instantiate(text)
        machine.inject(SOFT, 0, False)
        machine.call(instance, "go")
        points = machine.injected()
        for n in range(1, points + 1):
            machine.reset()
            instance = machine.instantiate(text)
            machine.inject(SOFT, n, False)
            try:
                machine.call(instance, "go")
            except Trap as trapped:
                assert trapped.status == f"TRAP_{trap}"
                written.add(machine.call(instance, "written")[0])
            else:
                assert machine.call(instance, "written") == [600]
    chunk = 256 if trap == "MEMORY" else 32
    assert written == set(range(0, 600, chunk))


# ---- masking


@pytest.mark.parametrize(("close", "open_"), [((DEPTH, 1), (DEPTH, 0)), ((THRESHOLD, 0), (THRESHOLD, 255))])
def test_a_section_holds_handlers_back_until_deliver(
    machine: Machine, close: tuple[int, int], open_: tuple[int, int]
) -> None:
    body = f"""{OPEN_BLOCK} {set_word(*close)} {raise_(UART)} {STEP} {log(1)} {log_word(NEED)}
      {set_word(*open_)} {set_word(NEED, 0)} (call $deliver) {log(2)}"""
    machine.call(machine.instantiate(module(handler("uart") + function("go", body))), "go")
    assert machine.log() == [1, 1, 1, 2]  # 1, need, handler, 2


def test_deliver_without_anything_due_returns_at_once(machine: Machine) -> None:
    machine.call(machine.instantiate(bare(function("go", f"(call $deliver) {log(5)}"))), "go")
    assert machine.log() == [5]


def test_deliver_runs_all_that_is_due_before_it_returns(machine: Machine) -> None:
    raises = "".join(f"(call $raise (i32.const {n}) (i32.const 0)) {STEP}" for n in (2, 0))
    body = f"{OPEN_BLOCK} {set_word(DEPTH, 2)} {raises} {set_word(DEPTH, 0)} {log(1)} (call $deliver) {log(2)}"
    text = BLOCK + handler("uart") + handler("button") + function("go", body)
    machine.call(machine.instantiate(bare(text)), "go")
    assert machine.log() == [1, 1, 2001, 2]


def test_a_guest_that_forgets_deliver_is_noticed_at_its_next_host_call(machine: Machine) -> None:
    body = f"{OPEN_BLOCK} {set_word(DEPTH, 1)} {raise_(UART)} {STEP} {set_word(DEPTH, 0)} {log(1)} {STEP} {log(2)}"
    machine.call(machine.instantiate(module(handler("uart") + function("go", body))), "go")
    assert machine.log() == [1, 1, 2]


def test_a_disabled_source_stays_pending_until_it_is_enabled(machine: Machine) -> None:
    body = f"""(call $log (call $enable (i32.const 0) (i32.const 0))) {raise_(UART)} {STEP} {log(5)}
      (call $log (call $enable (i32.const 0) (i32.const 1))) {STEP} {log(6)}"""
    machine.call(machine.instantiate(bare(handler("uart") + function("go", body))), "go")
    assert machine.log() == [0, 5, 1, 0, 6]  # the next call is a safe point already


def test_detaching_keeps_raises_pending_for_whoever_attaches_next(machine: Machine) -> None:
    body = f"""(call $log (call $detach (i32.const 0))) {raise_(UART)} {raise_(UART)} {STEP} {log(5)}
      (call $log (call $attach (i32.const 0) (i32.const 0) (i32.const 77) (i32.const 0))) {STEP} {log(6)}"""
    other = """(func $other (param i32 i32 i32) (call $log (local.get 1)) (call $log (local.get 2)))
      (table 2 funcref) (elem (i32.const 0) $other)"""
    machine.call(machine.instantiate(bare(handler("uart") + other + function("go", body))), "go")
    assert machine.log() == [0, 5, 2, 77, 0, 6]


# ---- handlers


@pytest.mark.parametrize(
    ("export", "type_", "status"),
    [
        ("irq:uart", "", "HANDLER_TYPE"),
        ("irq:uart", "(param i32 i32)", "HANDLER_TYPE"),
        ("irq:uart", "(param i32 i32 i64)", "HANDLER_TYPE"),
        ("irq:uart", "(param i32 i32 i32 i32)", "HANDLER_TYPE"),
        ("irq:lever", "(param i32 i32 i32)", "UNKNOWN_SOURCE"),
        ("irq:", "(param i32 i32 i32)", "UNKNOWN_SOURCE"),
        ("irq:4", "(param i32 i32 i32)", "UNKNOWN_SOURCE"),
        ("irq:4294967296", "(param i32 i32 i32)", "UNKNOWN_SOURCE"),
        ("irq:uar", "(param i32 i32 i32)", "UNKNOWN_SOURCE"),
        ("irq:uart2", "(param i32 i32 i32)", "UNKNOWN_SOURCE"),
        ("irq:uart:2", "(param i32 i32 i32)", "BAD_PRIORITY"),
        ("irq:uart:", "(param i32 i32 i32)", "BAD_PRIORITY"),
        ("irq:uart:x", "(param i32 i32 i32)", "BAD_PRIORITY"),
    ],
)
def test_a_wrong_handler_is_refused_at_load(machine: Machine, export: str, type_: str, status: str) -> None:
    before = machine.used()
    with pytest.raises(Refusal) as caught:
        machine.instantiate(f'(module (func (export "{export}") {type_}))')
    assert caught.value.status == status
    assert machine.used() == before


def test_a_handler_that_returns_something_is_refused(machine: Machine) -> None:
    with pytest.raises(Refusal, match="HANDLER_TYPE"):
        machine.instantiate('(module (func (export "irq:1") (param i32 i32 i32) (result i32) (i32.const 0)))')


def test_attach_answers_what_is_wrong(machine: Machine) -> None:
    """R26."""
    attempts = [(9, 0, 0), (0, 0, 2), (0, 1, 0), (0, 2, 0), (0, 3, 0), (0, 99, 0), (0, 0, 0)]
    body = "".join(
        f"(call $log (call $attach (i32.const {s}) (i32.const {i}) (i32.const 0) (i32.const {p})))"
        for s, i, p in attempts
    )
    table = """(func $good (param i32 i32 i32)) (func $bad (param i32))
      (table 4 funcref) (elem (i32.const 0) $good $bad $log)"""
    machine.call(machine.instantiate(bare(table + function("go", body))), "go")
    assert machine.log() == [112, 114, 113, 113, 116, 116, 0]


def test_a_function_is_attached_by_its_reference(machine: Machine) -> None:
    """R26."""
    attach = '(import "wirq" "attach_ref" (func $attach_ref (param i32 funcref i32 i32) (result i32)))'
    body = f"""(call $log (call $attach_ref (i32.const 0) (ref.null func) (i32.const 0) (i32.const 0)))
      (call $log (call $attach_ref (i32.const 0) (ref.func $bad) (i32.const 0) (i32.const 0)))
      (call $log (call $attach_ref (i32.const 0) (ref.func $good) (i32.const 77) (i32.const 0)))
      (call $raise (i32.const 0) (i32.const 0)) {STEP}"""
    functions = """(func $good (param i32 i32 i32) (call $log (local.get 2))) (func $bad (param i32))
      (elem declare func $good $bad)"""
    machine.call(machine.instantiate(bare(attach + functions + function("go", body))), "go")
    assert machine.log() == [116, 113, 0, 77]


def test_another_instance_cannot_take_a_source_away(machine: Machine) -> None:
    machine.instantiate(bare(handler("uart")))
    with pytest.raises(Refusal, match="BUSY"):
        machine.instantiate(bare(handler("uart")))
    body = """(call $log (call $attach (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
      (call $log (call $detach (i32.const 0))) (call $log (call $enable (i32.const 0) (i32.const 0)))"""
    table = "(func $good (param i32 i32 i32)) (table 1 funcref) (elem (i32.const 0) $good)"
    machine.call(machine.instantiate(bare(table + function("go", body))), "go")
    assert machine.log() == [128, 128, 128]


def test_a_released_instance_gives_its_sources_up(machine: Machine) -> None:
    first = machine.instantiate(bare(handler("uart")))
    machine.release(first)
    assert not machine.source(UART).attached
    machine.raise_(UART)
    second = machine.instantiate(bare(handler("uart") + function("go", STEP)))
    machine.call(second, "go")
    assert machine.log() == [1]


def test_handlers_are_held_until_the_start_function_is_done(machine: Machine) -> None:
    text = bare(f"{handler('uart')} (func $start {raise_(UART)} {STEP} {log(8)}) (start $start) {function('go', STEP)}")
    instance = machine.instantiate(text)
    assert machine.log() == [8]
    machine.call(instance, "go")
    assert machine.log() == [1]


def test_a_trap_in_a_handler_names_the_source_and_faults_the_instance(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("button", "unreachable") + function("go", f"(loop {STEP} (br 0))")))
    machine.raise_(BUTTON)
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert (caught.value.status, caught.value.source) == ("TRAP_UNREACHABLE", BUTTON)
    with pytest.raises(Refusal, match="FAULTED"):
        machine.call(instance, "go")
    with pytest.raises(Refusal, match="FAULTED"):
        machine.command(f"react {instance}")
    other = machine.instantiate(bare(function("go", log(4))))
    machine.call(other, "go")
    assert machine.log() == [2001, 4]


def test_a_handler_without_end_of_stack_traps_as_a_handler(machine: Machine) -> None:
    text = bare(
        "(func $down (param i32 i32 i32) (call $down (local.get 0) (local.get 1) (local.get 2)))"
        '(export "irq:timer" (func $down))' + function("go", STEP)
    )
    instance = machine.instantiate(text)
    machine.raise_(TIMER)
    with pytest.raises(Trap) as caught:
        machine.call(instance, "go")
    assert (caught.value.status, caught.value.source) == ("TRAP_STACK_EXHAUSTED", TIMER)


def test_a_handler_may_not_wait(machine: Machine) -> None:
    """R46."""
    for body in ("(drop (call $wait (i64.const -1)))", "(drop (call $slow (i32.const 1)))"):
        instance = machine.instantiate(bare(handler("uart", body) + function("go", STEP)))
        machine.raise_(UART)
        with pytest.raises(Trap, match="TRAP_FORBIDDEN_IN_HANDLER"):
            machine.call(instance, "go")
        machine.reset()


def test_without_a_handler_stack_nothing_can_be_attached(new_machine: Callable[..., Machine]) -> None:
    with new_machine(handler_stack=0) as machine, pytest.raises(Refusal, match="NOT_SUPPORTED"):
        machine.instantiate(bare(handler("uart")))


def test_the_embedder_attaches_by_function_index(machine: Machine) -> None:
    instance = machine.instantiate("""(module (import "test" "log" (func $log (param i32)))
      (func (param i32 i32 i32) (call $log (local.get 2))) (func (export "go") (block (br 0))))""")
    machine.command(f"attach {instance} 1 1 4711 0")
    with pytest.raises(Refusal, match="HANDLER_TYPE"):
        machine.command(f"attach {instance} 1 2 0 0")
    with pytest.raises(Refusal, match="UNKNOWN_FUNCTION"):
        machine.command(f"attach {instance} 1 3 0 0")
    machine.raise_(TIMER)
    machine.call(instance, "go")
    assert machine.log() == [4711]


# ---- the shadow stack (R33)


def test_a_handler_starts_below_the_red_zone_and_the_pointer_comes_back(machine: Machine) -> None:
    text = bare(f"""(global $sp (export "__stack_pointer") (mut i32) (i32.const 1004))
      {handler("uart", "(call $log (global.get $sp)) (global.set $sp (i32.const 3))")}
      {function("go", f"{raise_(UART)} {STEP} (call $log (global.get $sp))")}""")
    machine.call(machine.instantiate(text), "go")
    assert machine.log() == [1, 864, 1004]


def test_chained_handlers_start_at_the_same_shadow_stack(machine: Machine) -> None:
    text = bare(f"""(global $sp (export "__stack_pointer") (mut i32) (i32.const 2000))
      {handler("uart", "(call $log (global.get $sp))")} {handler("timer", "(call $log (global.get $sp))")}
      {function("go", f"{raise_(UART)} (call $raise (i32.const 1) (i32.const 0)) (call $soft) {STEP}")}""")
    instance = machine.instantiate(text)
    machine.command("hold 1")
    machine.call(instance, "go")
    assert machine.log() == [1, 1872, 1001, 1872]
    assert machine.value(instance, "__stack_pointer") == [2000]


def test_the_pointer_comes_back_after_a_trap_too(machine: Machine) -> None:
    text = bare(f"""(global $sp (export "__stack_pointer") (mut i32) (i32.const 2000))
      {handler("uart", "unreachable")} {function("go", f"{raise_(UART)} {STEP}")}""")
    instance = machine.instantiate(text)
    with pytest.raises(Trap):
        machine.call(instance, "go")
    assert machine.value(instance, "__stack_pointer") == [2000]


def test_a_stack_pointer_that_is_none_is_left_alone(machine: Machine) -> None:
    for pointer in ("i32 (i32.const 500)", "(mut i64) (i64.const 500)"):
        text = bare(f'(global $sp (export "__stack_pointer") {pointer}) {handler("uart")} {function("go", STEP)}')
        instance = machine.instantiate(text)
        machine.raise_(UART)
        machine.call(instance, "go")
        assert machine.value(instance, "__stack_pointer")[0] == 500
        machine.reset()


# ---- quiescent delivery


def test_a_quiescent_handler_runs_only_when_the_guest_waits(machine: Machine) -> None:
    body = f"{raise_(UART)} {STEP} {log(5)} (call $log (call $wait (i64.const 100))) {log(6)}"
    instance = machine.instantiate(bare(handler("uart") + function("go", body)))
    machine.command(f"bind 0 {QUIESCENT}")
    machine.call(instance, "go")
    assert machine.log() == [5, 1, 1, 6]  # 5, handler, bits, 6


def test_a_quiescent_handler_runs_between_calls(machine: Machine) -> None:
    instance = machine.instantiate(bare(handler("uart") + function("go", f"{log(5)} {raise_(UART)} {STEP} {log(6)}")))
    machine.command(f"bind 0 {QUIESCENT}")
    machine.call(instance, "go")
    assert machine.log() == [5, 6]
    machine.call(instance, "go")
    assert machine.log() == [1, 5, 6]


def test_a_quiescent_handler_runs_in_a_host_functions_wait_and_not_in_deliver(machine: Machine) -> None:
    body = f"{raise_(UART)} {STEP} (call $deliver) {log(5)} (call $log (call $slow (i32.const 2))) {log(6)}"
    instance = machine.instantiate(bare(handler("uart") + function("go", body)))
    machine.command(f"bind 0 {QUIESCENT}")
    machine.call(instance, "go")
    assert machine.log() == [5, 1, 2, 6]


def test_asyncified_code_is_only_interrupted_when_quiescent(machine: Machine) -> None:
    """R52."""
    state = '(func (export "asyncify_get_state") (result i32) (i32.const 0))'
    instance = machine.instantiate(f'(module (func (export "irq:uart") (param i32 i32 i32)) {state})')
    assert machine.source(UART).class_ == QUIESCENT
    with pytest.raises(Refusal, match="ASYNCIFIED"):
        machine.command(f"bind {UART} {FORCED}")
    assert machine.source(UART).class_ == QUIESCENT
    machine.command(f"bind {BUTTON} {FORCED}")
    with pytest.raises(Refusal, match="ASYNCIFIED"):
        machine.command(f"attach {instance} {BUTTON} 0 0 0")
    assert not machine.source(BUTTON).attached
    machine.command(f"bind {UART} {POLLED}")


def test_a_module_that_is_to_be_suspended_for_interrupts_is_refused(machine: Machine) -> None:
    """R70 is not built: a tag so named is refused, by the feature, and no other export of it is."""
    for name in ("irq:uart", "irq:no such source:7"):
        with pytest.raises(Refusal, match="ABSENT_FEATURE") as caught:
            machine.load(wat(f'(module (tag $t) (export "{name}" (tag $t)))'))
        assert status.feature(caught.value.detail).text == "stack-switching"
    machine.load(wat('(module (tag $t) (export "irq" (tag $t)) (export "irqs:uart" (tag $t)) (export "" (tag $t)))'))


def test_a_polled_source_never_runs_its_handler(machine: Machine) -> None:
    """R4."""
    body = f"{raise_(UART)} {STEP} (call $log (call $wait (i64.const 0))) (call $log (call $take (i32.const 0)))"
    instance = machine.instantiate(bare(handler("uart") + function("go", body)))
    machine.command(f"bind 0 {POLLED}")
    machine.call(instance, "go")
    assert machine.log() == [1, 1]
