"""T7, R32, R67-R69: what is computed when a module is loaded, and that nothing observed exceeds it."""

from __future__ import annotations

import pytest

from firmware_host.wasm import HandlerSettings, write_settings
from tests.interrupts.guest_modules import BUTTON, OPEN_BLOCK, STEP, TIMER, UART, function, handler, log, module, raise_
from tests.vm.machine import Machine, Refusal, wat

#: The costs in instructions that the test driver tells its VM.
RAISE, DELIVER, OPERATION, STUB, CHUNK, IMPORT, PER_US = 100, 50, 10, 5, 600, 300, 10
UNKNOWN = 0xFFFFFFFF

ADDS = "(local.set 0 (i32.add (i32.mul (local.get 0) (local.get 1)) (local.get 2)))"


def configured(body: str, *settings: HandlerSettings) -> bytes:
    return write_settings(wat(module(body)), settings)


def straight(operations: int) -> str:
    """A function with a run of about twice as many operations and no branch."""
    return f"(func $straight (param i32 i32 i32) {ADDS * operations})"


def test_r67_the_gap_is_the_heaviest_run_of_operations_between_two_control_operations(machine: Machine) -> None:
    gaps = []
    for operations in (50, 100, 150):
        machine.instantiate(module(handler("uart") + straight(operations)))
        gaps.append(machine.bound(UART)["gap"])
        machine.reset()
    assert gaps[1] - gaps[0] == gaps[2] - gaps[1] == 100  # two operations each
    split = f"(func (param i32 i32 i32) {ADDS * 50} (block (br_if 0 (local.get 0))) {ADDS * 50})"
    machine.instantiate(module(handler("uart") + split))
    assert gaps[0] <= machine.bound(UART)["gap"] <= gaps[0] + 2


def test_r67_heavy_operations_count_as_several(machine: Machine) -> None:
    light = f"(func (param i64 i64) {'(local.set 0 (i64.add (local.get 0) (local.get 1)))' * 20})"
    heavy = light.replace("i64.add", "i64.div_u")
    machine.instantiate(module(handler("uart") + light))
    gap = machine.bound(UART)["gap"]
    machine.reset()
    machine.instantiate(module(handler("uart") + heavy))
    assert machine.bound(UART)["gap"] - gap == 20 * 15


def test_r67_branch_tables_are_stepped_over(machine: Machine) -> None:
    table = f"""(func (param i32 i32 i32) (block $a (block $b (block $c
      (br_table {"$a $b $c " * 30} (local.get 0))) {ADDS * 20}) {ADDS * 20}) {ADDS * 70})"""
    machine.instantiate(module(handler("uart") + table))
    assert 2 * 110 <= machine.bound(UART)["gap"] <= 2 * 110 + 4  # blocks end without a branch


def test_r68_the_bound_is_the_sum_of_its_parts(machine: Machine) -> None:
    body = handler("uart:1") + handler("timer:0") + handler("button:1") + straight(100)
    settings = (
        HandlerSettings(TIMER, fuel=20),
        HandlerSettings(BUTTON, deadline_us=40),
        HandlerSettings(UART, section=8),
    )
    machine.instantiate(configured(body, *settings))
    bound = machine.bound(UART)
    gap = bound["gap"]
    per_control = (gap + 1) * OPERATION + STUB
    assert bound["wait"] == gap * OPERATION + STUB
    cut = per_control  # an operation that comes where a chain of handlers is cut
    assert bound["handlers"] == 21 * per_control + DELIVER + 40 * PER_US + 9 * per_control + DELIVER + cut
    assert bound["section"] == 8 * per_control
    assert bound["total"] == RAISE + bound["wait"] + DELIVER + bound["handlers"] + bound["section"]
    assert bound["us"] == bound["total"] // PER_US + 1
    urgent = machine.bound(TIMER)  # nobody else is as urgent
    assert urgent["total"] == RAISE + bound["wait"] + DELIVER


@pytest.mark.parametrize(
    ("longer", "cost"),
    [
        ("(memory.copy (local.get 0) (local.get 1) (local.get 2))", CHUNK),
        ("(memory.fill (local.get 0) (local.get 1) (local.get 2))", CHUNK),
        ("(table.copy (local.get 0) (local.get 1) (local.get 2))", CHUNK),
        ("(call $log (i32.const 0))", IMPORT),
    ],
)
def test_r68_a_short_gap_still_waits_for_a_chunk_or_a_host_function_if_there_is_any(
    machine: Machine, longer: str, cost: int
) -> None:
    alone = '(table 1 funcref) (memory 1) (func (export "irq:uart") (param i32 i32 i32) BODY)'
    machine.instantiate(f"(module {alone.replace('BODY', '')})")
    bound = machine.bound(UART)
    assert bound["wait"] == bound["gap"] * OPERATION + STUB
    machine.reset()
    log = '(import "test" "log" (func $log (param i32)))' if "call" in longer else ""
    machine.instantiate(f"(module {log} {alone.replace('BODY', longer)})")
    assert machine.bound(UART)["wait"] == cost + STUB


def test_r68_leaving_a_frame_by_an_exception_takes_a_look_at_every_clause(machine: Machine) -> None:
    waits = []
    for clauses in (100, 150):
        caught = "(block (try_table (catch $t 0) (nop)))" * clauses
        machine.instantiate(f"""(module (tag $t) (func (export "irq:uart") (param i32 i32 i32)) (func {caught}))""")
        waits.append(machine.bound(UART)["wait"])
        machine.reset()
    assert waits[0] > 100 * OPERATION
    assert waits[1] - waits[0] == 50 * OPERATION


def test_r68_references_to_exceptions_may_have_to_be_looked_for_everywhere(machine: Machine) -> None:
    """When there is no room for another exception: in the stacks, all globals and tables, of every instance."""
    waits = []
    for clause, globals_, elements in (("catch_all", 0, 10), ("catch_all_ref", 0, 10), ("catch_all_ref", 50, 30)):
        kept = "(global (mut i64) (i64.const 0))" * globals_
        handed = "(result exnref)" if clause == "catch_all_ref" else ""
        machine.instantiate(f"""(module (tag $t) (table {elements} funcref) {kept}
          (func (export "irq:uart") (param i32 i32 i32))
          (func (block $l {handed} (try_table ({clause} $l) (nop)) (unreachable)) {"(drop)" if handed else ""}))""")
        waits.append(machine.bound(UART)["wait"])
        machine.reset()
    assert waits[1] - waits[0] > 1000 * 16 * OPERATION  # the stacks
    assert waits[2] - waits[1] == (50 * 2 + 20) * 16 * OPERATION


def test_r68_each_control_operation_of_a_budget_may_be_a_chunk(machine: Machine) -> None:
    budget = HandlerSettings(TIMER, fuel=20)
    fills = "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 9)))"
    own = "".join(f'(func (export "irq:{name}") (param i32 i32 i32))' for name in ("uart:1", "timer:0"))
    machine.instantiate(write_settings(wat(f"(module {own} {fills})"), [budget]))
    assert machine.bound(UART)["handlers"] == 22 * (CHUNK + STUB) + DELIVER


def test_r68_a_handler_without_a_budget_that_comes_first_leaves_no_bound(machine: Machine) -> None:
    machine.instantiate(module(handler("uart:1") + handler("timer:0")))
    bound = machine.bound(UART)
    assert (bound["total"], bound["us"], bound["unlimited"]) == (UNKNOWN, UNKNOWN, TIMER)
    urgent = machine.bound(TIMER)
    assert urgent["total"] == RAISE + urgent["wait"] + DELIVER


def test_a_source_without_a_handler_has_no_bound(machine: Machine) -> None:
    with pytest.raises(Refusal, match="NULL_HANDLER"):
        machine.command("bound 0")
    with pytest.raises(Refusal, match="UNKNOWN_SOURCE"):
        machine.command("bound 4")


def test_r69_a_demand_that_cannot_be_met_is_refused_with_the_figures(machine: Machine) -> None:
    body = handler("uart") + straight(100)
    machine.instantiate(module(body))
    us = machine.bound(UART)["us"]
    machine.reset()
    used = set()
    for _ in range(3):
        loaded = machine.load(configured(body, HandlerSettings(UART, latency_us=us - 1)))
        with pytest.raises(Refusal) as caught:
            machine.command(f"instantiate {loaded.handle}")
        assert (caught.value.status, caught.value.function, caught.value.detail) == ("LATENCY_BOUND", UART, us)
        machine.unload(loaded.handle)
        used.add(machine.used())
    assert len(used) == 1  # nothing is left behind
    machine.instantiate(configured(body, HandlerSettings(UART, latency_us=us)))


def test_r69_a_later_module_may_not_break_a_promise(machine: Machine) -> None:
    machine.instantiate(configured(handler("uart:1"), HandlerSettings(UART, latency_us=90)))
    for other in (module(straight(1000)), module(handler("timer:0"))):
        with pytest.raises(Refusal, match="LATENCY_BOUND"):
            machine.instantiate(other)
    machine.instantiate(module(straight(10)))


def test_r69_a_ring_that_would_break_a_promise_is_refused_with_its_block(machine: Machine) -> None:
    """R21: its records lengthen the bound."""
    ring = f"(i32.store (i32.const {64 + 24}) (i32.const 1024)) (i32.store (i32.const {64 + 28}) (i32.const 0x508))"
    body = handler("uart") + function("go", ring + OPEN_BLOCK.replace("drop", "call $log"))
    machine.instantiate(configured(body))
    us = machine.bound(UART)["us"]
    machine.reset()
    instance = machine.instantiate(configured(body, HandlerSettings(UART, latency_us=us)))
    machine.call(instance, "go")
    assert machine.log() == [122]
    assert machine.bound(UART)["us"] == us  # nothing of the ring is left
    machine.reset()
    machine.call(machine.instantiate(configured(body, HandlerSettings(UART, latency_us=us + 32))), "go")
    assert machine.log() == [0]


def test_r69_attaching_what_would_break_a_promise_leaves_the_source_without_a_handler(machine: Machine) -> None:
    attach = "(call $log (call $attach (i32.const 1) (i32.const 0) (i32.const 0) (i32.const {})))"
    own = "(func $h (param i32 i32 i32)) (table funcref (elem $h))"
    body = handler("uart:0") + own + function("go", attach.format(1)) + function("now", attach.format(0))
    instance = machine.instantiate(configured(body, HandlerSettings(UART, latency_us=90)))
    machine.call(instance, "go")
    assert machine.source(TIMER).attached
    machine.call(instance, "now")  # as urgent as the handler that is promised its time, and without a budget
    assert machine.log() == [0, 122]
    assert not machine.source(TIMER).attached


def test_r69_a_guest_may_not_break_a_promise_by_a_larger_budget(machine: Machine) -> None:
    budget = "(call $log (call $budget (i32.const 1) (i32.const {}) (i32.const 0)))"
    go = function("go", budget.format(30) + budget.format(0) + budget.format(10))
    body = handler("uart:1") + handler("timer:0") + go
    machine.instantiate(configured(body, HandlerSettings(TIMER, fuel=20)))
    us = machine.bound(UART)["us"]
    machine.reset()
    settings = (HandlerSettings(TIMER, fuel=20), HandlerSettings(UART, latency_us=us))
    instance = machine.instantiate(configured(body, *settings))
    machine.call(instance, "go")
    assert machine.log() == [122, 122, 0]
    assert machine.bound(UART)["us"] < us


def calls(depth: int, locals_: int = 0) -> str:
    """A chain of direct calls below $f0."""
    declared = f"(local {'i32 ' * locals_})" if locals_ else ""
    use = f"(local.set {locals_ - 1} (i32.const 1))" if locals_ else ""
    chain = [f"(func $f{i} {declared} {use} (call $f{i + 1}))" for i in range(depth)]
    return "".join(chain) + f"(func $f{depth} {declared} {use})"


def test_r32_a_handler_that_needs_more_stack_than_its_level_has_is_refused_at_load(machine: Machine) -> None:
    machine.instantiate(module(handler("uart", "(call $f0)") + calls(3, 60)))
    machine.reset()
    with pytest.raises(Refusal) as caught:
        machine.instantiate(module(handler("uart", "(call $f0)") + calls(8, 60)))
    assert caught.value.status == "HANDLER_STACK"
    assert 8 * 60 * 4 < caught.value.detail < 12 * 80 * 4


def test_r32_the_computed_need_is_enough_and_not_twice_too_much(machine: Machine) -> None:
    """Stacks of every size: a handler that is accepted never overflows; the first that is accepted is not far off."""
    body = handler("uart", "(call $f0)") + calls(4, 40) + function("go", f"{raise_(UART)} {STEP} {log(9)}")
    least = None
    for cells in range(48, 512, 4):
        try:
            instance = machine.instantiate(configured(body, HandlerSettings(UART, stack_bytes=cells * 4)))
        except Refusal as refusal:
            assert refusal.status == "HANDLER_STACK"
        else:
            machine.call(instance, "go")
            assert machine.log() == [1, 9]
            least = least or cells
        machine.reset()
    assert least is not None
    assert 200 <= least <= 320


@pytest.mark.parametrize("kind", ["recursion", "indirect", "reference", "deep"])
def test_r32_what_cannot_be_known_is_declared_and_trapped_at(machine: Machine, kind: str) -> None:
    deep = {
        "recursion": "(func $deep (call $deep))",
        "indirect": """(type $t (func)) (table 1 funcref) (elem (i32.const 0) $deep)
          (func $deep (call_indirect (type $t) (i32.const 0)))""",
        "reference": """(type $t (func)) (elem declare func $deep) (func $deep (call_ref $t (ref.func $deep)))""",
        "deep": calls(20).replace("$f0", "$deep"),
    }[kind]
    body = handler("uart", "(call $deep)") + deep + function("go", f"{raise_(UART)} {STEP} {log(9)}")
    data = configured(body, HandlerSettings(UART, policy=1, stack_bytes=480))
    instance = machine.instantiate(data)
    machine.call(instance, "go")
    assert machine.log() == [1, 9]
    assert machine.faults() == [(UART, "TRAP_STACK_EXHAUSTED")]
    machine.reset()
    with pytest.raises(Refusal, match="HANDLER_STACK"):
        machine.instantiate(configured(body, HandlerSettings(UART, stack_bytes=1 << 20)))


def test_t7_no_observed_wait_exceeds_the_printed_gap(machine: Machine) -> None:
    """Raised before every single operation of a run: the handler begins at the next control operation, and operations
    between are counted by the positions of dispatches and of safe points."""
    body = f"""(func (export "go") (param i32 i32 i32) (local $i i32) {ADDS * 9}
      (loop $l {ADDS * 5} (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
      {ADDS * 13} (call $log (i32.const 9)) {ADDS * 3})"""
    instance = machine.instantiate(module(handler("uart") + body))
    gap = machine.bound(UART)["gap"]
    machine.inject(UART, 0, True)
    machine.call(instance, "go", 1, 2, 3)
    dispatches = machine.injected()
    machine.inject(UART, 0, False)
    machine.call(instance, "go", 1, 2, 3)
    control = machine.injected()
    assert dispatches > control > 5
    # The longest run of the loop-free prefix and of the run before the call is what the bound says.
    assert 26 <= gap <= 32
    assert gap * control >= dispatches  # no average can exceed the heaviest run


@pytest.mark.parametrize("declared", [1, 7])
def test_r32_a_declared_stack_of_less_than_two_cells_is_not_the_default(machine: Machine, declared: int) -> None:
    with pytest.raises(Refusal, match="HANDLER_STACK"):
        machine.instantiate(configured(handler("uart"), HandlerSettings(UART, stack_bytes=declared)))
