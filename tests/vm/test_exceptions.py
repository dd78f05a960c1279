"""Exceptions: caught where the standard says, whatever interrupts; gone when nothing names them; told if not caught."""

from __future__ import annotations

import pytest

from tests.vm.machine import Machine, Refusal, Trap, wat

#: Thrown through frames of two instances, caught with and without reference, thrown again; to a loop, to the function.
LIBRARY = """(module
  (tag $wide (export "wide") (param i32 i64))
  (func $deep (param $n i32) (param $value i64)
    (if (i32.eqz (local.get $n)) (then (throw $wide (i32.const 7) (local.get $value))))
    (call $deep (i32.sub (local.get $n) (i32.const 1)) (i64.add (local.get $value) (i64.const 1))))
  (func (export "deep") (param i32 i64) (call $deep (local.get 0) (local.get 1))))"""
USER = """(module
  (import "library" "wide" (tag $wide (param i32 i64)))
  (import "library" "deep" (func $deep (param i32 i64)))
  (tag $other)
  (memory (export "memory") 64 (pagesize 1))
  (global $seen (mut i32) (i32.const 0))
  (global $kept (mut exnref) (ref.null exn))
  (func (export "irq:soft0") (param i32 i32 i32)
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (block $h (try_table (catch_all $h) (throw $other)))
    (block $h (result i32 i64)
      (try_table (catch $wide $h) (call $deep (i32.const 1) (i64.const 0)))
      (i32.const 0) (i64.const 0))
    drop drop)
  (func $own (param i32) (result i32 i64)
    (try_table (catch $wide 0) (call $deep (local.get 0) (i64.const 100)))
    (i32.const 0) (i64.const 0))
  (func $again (param i32) (result i64) (local $held exnref)
    (block $h (result i32 i64 exnref)
      (try_table (catch_ref $wide $h) (call $deep (local.get 0) (i64.const 1000)))
      unreachable)
    (local.set $held)
    drop drop
    (block $h (result i32 i64)
      (try_table (catch $wide $h) (throw_ref (local.get $held)))
      unreachable)
    (local.set 0 (i32.wrap_i64))
    drop
    (i64.extend_i32_s (local.get 0)))
  (func (export "run") (param i32) (result i64) (local $i i32) (local $sum i64)
    (loop $next (result)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (try_table (catch $other $next)
        (br_if 0 (i32.ge_s (local.get $i) (i32.const 4)))
        (throw $other)))
    (call $own (local.get 0))
    (local.set $sum) drop
    (local.set $sum (i64.add (local.get $sum) (call $again (local.get 0))))
    (i64.add (local.get $sum) (i64.extend_i32_s (local.get $i))))
  (func (export "seen") (result i32) (global.get $seen)))"""


def prepared(machine: Machine) -> int:
    machine.register(machine.instantiate(LIBRARY), "library")
    return machine.instantiate(USER)


def test_an_exception_goes_through_frames_of_two_instances(machine: Machine) -> None:
    assert machine.call(prepared(machine), "run", 3) == [103 + 1003 + 4, 0]


def test_an_interrupt_before_any_operation_changes_nothing(machine: Machine) -> None:
    points, n = 0, 0
    while n <= points:
        machine.reset()
        instance = prepared(machine)
        machine.inject(3, n, every_dispatch=True)
        assert machine.call(instance, "run", 2) == [102 + 1002 + 4, 0], n
        points = machine.injected()
        assert machine.call(instance, "seen") == [int(n > 0)]
        n += 1
    assert points > 70


def test_what_nobody_catches_is_a_trap_where_it_was_thrown(machine: Machine) -> None:
    library = machine.instantiate(LIBRARY)
    machine.register(library, "library")
    user = machine.instantiate("""(module (import "library" "deep" (func $deep (param i32 i64)))
      (func (export "go") (call $deep (i32.const 5) (i64.const 0x100000000))))""")
    with pytest.raises(Trap) as caught:
        machine.call(user, "go")
    assert (caught.value.status, caught.value.function) == ("TRAP_UNCAUGHT_EXCEPTION", 0)
    assert caught.value.depth >= 8  # every frame is there to be shown
    assert machine.numbers("uncaught") == [library, 0, 7, 5, 1]
    with pytest.raises(Trap):
        machine.call(library, "deep", 0, 0, 0)
    assert machine.numbers("uncaught") == [library, 0, 7, 0, 0]


def test_a_handlers_exception_never_reaches_what_it_interrupted(machine: Machine) -> None:
    instance = machine.instantiate("""(module (tag $t (param i32))
      (func (export "irq:soft0") (param i32 i32 i32) (throw $t (i32.const 55)))
      (func (export "run") (result i32)
        (block $h (result i32)
          (try_table (catch $t $h) (drop (call $nop)))
          (i32.const 1)))
      (func $nop (result i32) (i32.const 0)))""")
    machine.policy(3, "contain")
    machine.inject(3, 3, every_dispatch=False)
    assert machine.call(instance, "run") == [1]
    assert machine.faults() == [(3, "TRAP_UNCAUGHT_EXCEPTION")]
    assert machine.numbers("uncaught")[-1] == 55


HELD = """(module (tag $t (param i32))
  (table $held {size} exnref)
  (func (export "keep") (param i32)
    (table.set $held (local.get 0) (call $fresh (local.get 0))))
  (func $fresh (param i32) (result exnref) (local exnref)
    (block $h (result i32 exnref)
      (try_table (catch_ref $t $h) (throw $t (local.get 0)))
      unreachable)
    (local.set 1) drop (local.get 1))
  (func (export "drop") (param i32) (table.set $held (local.get 0) (ref.null exn)))
  (func (export "value") (param i32) (result i32)
    (block $h (result i32)
      (try_table (catch $t $h) (throw_ref (table.get $held (local.get 0))))
      unreachable))
  (func (export "many") (param i32) (result i32)
    (loop $next
      (drop (call $fresh (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $next (local.get 0)))
    (i32.const 9))
  (func (export "quick") (param i32)
    (loop $next
      (drop (block $h (result i32)
        (try_table (catch $t $h) (throw $t (local.get 0)))
        unreachable))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $next (local.get 0)))))"""


def test_what_is_caught_without_a_reference_gives_its_memory_back_at_once(machine: Machine) -> None:
    instance = machine.instantiate(HELD.format(size=4))
    before = machine.used()
    machine.call(instance, "quick", 1)
    assert machine.used() == before
    machine.call(instance, "quick", 10_000)
    assert machine.used() == before


def test_what_nobody_caught_is_gone_as_another_call_begins(machine: Machine) -> None:
    instance = machine.instantiate(
        """(module (tag $t (param i32 i64))
             (func (export "throw") (throw $t (i32.const 1) (i64.const 2)))
             (func (export "quiet")))"""
    )
    before = machine.used()
    with pytest.raises(Trap):
        machine.call(instance, "throw")
    assert machine.used() > before
    machine.call(instance, "quiet")
    assert machine.used() == before


def test_what_nothing_names_any_more_makes_room(machine: Machine) -> None:
    instance = machine.instantiate(HELD.format(size=4))
    machine.call(instance, "keep", 2)
    before = machine.used()
    assert machine.call(instance, "many", 5_000) == [9]
    assert machine.call(instance, "value", 2) == [2]
    machine.call(instance, "quick", 1)  # a call begins: what is left over goes
    assert machine.used() <= before + 64


def test_what_an_interrupted_frame_holds_is_kept_while_a_handler_makes_room(machine: Machine) -> None:
    """The handler makes more exceptions than there is room for; the large frame that it interrupted names one."""
    instance = machine.instantiate(
        """(module
          (import "test" "raise" (func $raise (param i32 i32)))
          (tag $t (param i32))
          (func (export "irq:uart") (param i32 i32 i32) (local $i i32)
            (loop $more
              (block $h (result i32 exnref) (try_table (catch_ref $t $h) (throw $t (i32.const 1))) unreachable)
              drop drop
              (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100)))))
          (func (export "run") (result i32 i32) (local $held exnref) """
        + " ".join(f"(local $v{i} i64)" for i in range(30))
        + """
            (local.set $v29 (i64.const 29))
            (block $h (result i32 exnref) (try_table (catch_ref $t $h) (throw $t (i32.const 77))) unreachable)
            (local.set $held) drop
            (call $raise (i32.const 0) (i32.const 0))
            (block (br 0))
            (block $h (result i32) (try_table (catch $t $h) (throw_ref (local.get $held))) unreachable)
            (i32.wrap_i64 (local.get $v29))))"""
    )
    assert machine.call(instance, "run") == [77, 29]
    assert machine.source(0).delivered == 1


def test_a_host_function_that_throws_without_room_for_it_is_a_trap(machine: Machine) -> None:
    held = HELD.format(size=100).replace("(module", '(module (import "test" "throw" (func $throw (param i32)))', 1)
    instance = machine.instantiate(held[:-1] + '(func (export "hosts") (call $throw (i32.const 1))))')
    for i in range(32):
        machine.call(instance, "keep", i)
    with pytest.raises(Trap, match="TOO_MANY_EXCEPTIONS"):
        machine.call(instance, "hosts")


def test_more_than_there_is_room_for_is_a_trap(machine: Machine) -> None:
    instance = machine.instantiate(HELD.format(size=100))
    for i in range(32):
        machine.call(instance, "keep", i)
    for _ in range(2):
        with pytest.raises(Trap) as caught:
            machine.call(instance, "keep", 40)
        assert caught.value.status == "TRAP_TOO_MANY_EXCEPTIONS"
    assert [machine.call(instance, "value", i) for i in (0, 31)] == [[0], [31]]
    machine.call(instance, "drop", 5)
    machine.call(instance, "keep", 40)
    assert machine.call(instance, "value", 40) == [40]


def test_no_memory_for_an_exception_is_a_trap_and_all_stays_usable(machine: Machine) -> None:
    instance = machine.instantiate(HELD.format(size=4))
    machine.fail(1)
    machine.call(instance, "quick", 1)  # what is free is looked for again once the rest is collected
    machine.fail(0)
    assert machine.call(instance, "many", 10) == [9]


def test_exceptions_end_with_the_instance_of_their_tag(machine: Machine) -> None:
    left = []
    for keep in (False, True):
        machine.reset()
        thrower = machine.instantiate("""(module (tag $t (param funcref)) (func $f (export "f"))
          (func (export "throw") (throw $t (ref.func $f))))""")
        machine.register(thrower, "thrower")
        keeper = machine.instantiate("""(module
          (import "thrower" "throw" (func $throw))
          (global $kept (mut exnref) (ref.null exn))
          (func (export "keep")
            (global.set $kept (block $h (result exnref) (try_table (catch_all_ref $h) (call $throw)) unreachable)))
          (func (export "kept") (result i32) (i32.eqz (ref.is_null (global.get $kept)))))""")
        if keep:
            machine.call(keeper, "keep")
        assert machine.call(keeper, "kept") == [int(keep)]
        machine.release(keeper)
        machine.release(thrower)
        left.append(machine.used())
    assert left[0] == left[1]


def test_a_host_function_throws_where_it_was_called(machine: Machine) -> None:
    instance = machine.instantiate("""(module (import "test" "throw" (func $throw (param i32)))
      (tag $t (param i32))
      (func (export "caught") (param i32) (result i32)
        (block $h (result i32) (try_table (catch $t $h) (call $throw (local.get 0))) (i32.const 0)))
      (func $tail (param i32) (try_table (catch_all 0) (return_call $throw (local.get 0))))
      (func (export "tail") (param i32) (result i32)
        (block $h (result i32) (try_table (catch $t $h) (call $tail (local.get 0))) (i32.const 0)))
      (func (export "loose") (param i32) (call $throw (local.get 0)))
      (export "direct" (func $throw)))""")
    assert machine.call(instance, "caught", 12) == [12]
    assert machine.call(instance, "tail", 13) == [13]  # the frame with the catch_all is gone by then
    for name in ("loose", "direct"):
        with pytest.raises(Trap) as caught:
            machine.call(instance, name, 14)
        assert caught.value.status == "TRAP_UNCAUGHT_EXCEPTION"
        assert machine.numbers("uncaught") == [instance, 0, 14]


def test_a_null_reference_cannot_be_thrown(machine: Machine) -> None:
    instance = machine.instantiate('(module (func (export "f") (throw_ref (ref.null exn))))')
    with pytest.raises(Trap) as caught:
        machine.call(instance, "f")
    assert caught.value.status == "TRAP_NULL_EXCEPTION"


def test_references_from_outside_must_be_of_exceptions(machine: Machine) -> None:
    instance = machine.instantiate('(module (func (export "f") (param exnref) (throw_ref (local.get 0))))')
    with pytest.raises(Refusal) as caught:
        machine.call(instance, "f", 0x20001000)
    assert caught.value.status == "ARGUMENT_TYPES"


#: What precedes the body makes its distances 32-bit ones.
@pytest.mark.parametrize("padding", [0, 6000])
def test_clauses_of_short_and_long_bodies(machine: Machine, padding: int) -> None:
    nothing = "(drop (i32.const 0))" * padding
    instance = machine.instantiate(f"""(module (tag $a (param i32)) (tag $b)
      (func (export "f") (param i32) (result i32)
        {nothing}
        (loop $again
          (block $one (result i32)
            (try_table (catch $a $one)
              (try_table (catch $b $again) (catch $b 0)
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (if (i32.eq (local.get 0) (i32.const 10)) (then (throw $a (i32.const 77))))
                (if (i32.gt_s (local.get 0) (i32.const 0)) (then (throw $b)))
                (return (i32.const 5)))) {nothing} unreachable)
          return)
        (i32.const 6)))""")
    assert machine.call(instance, "f", 5) == [5]
    assert machine.call(instance, "f", 20) == [77]


#: How the function ends when nothing is thrown: a value of each kind, or nothing behind a return.
@pytest.mark.parametrize(
    ("type_", "end"),
    [
        ("i32", "(i32.const 5)"),
        ("i32", "(i32.add (local.get 0) (i32.const 5))"),
        ("i32", "(local.tee 1 (i32.const 5)) (local.set 1 (i32.const 6))"),
        ("i32", "(return (i32.const 5))"),
        ("i32", "(return (i32.const 5)) (i32.const 6)"),
        ("i32", "(block (result i32) (return (i32.const 5)))"),
        ("i64", "(i64.const 5)"),
        ("i64", "(block (result i64) (return (i64.const 5)))"),
    ],
)
def test_a_clause_to_the_functions_label_returns_its_values(machine: Machine, type_: str, end: str) -> None:
    instance = machine.instantiate(f"""(module (tag $a (param {type_}))
      (func (export "f") (param i32) (result {type_}) (local i32)
        (try_table (catch $a 0) (if (local.get 0) (then (throw $a ({type_}.const 77)))))
        {end}))""")
    assert machine.call(instance, "f", 0)[0] == 5
    assert machine.call(instance, "f", 1)[0] == 77


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("(tag (result i32))", "BAD_TAG"),
        ("(func (throw 0))", "UNKNOWN_TAG"),
        ('(export "t" (tag 1)) (tag)', "UNKNOWN_TAG"),
        ("(func (try_table (catch 0 0)))", "UNKNOWN_TAG"),
        ("(func (try_table (catch_all 1)))", "UNKNOWN_LABEL"),
        ("(tag (param i32)) (func (throw 0 (i64.const 0)))", "TYPE_MISMATCH"),
        ("(tag (param i32)) (func (try_table (catch 0 0)))", "TYPE_MISMATCH"),
        ("(func (result i32) (try_table (result i32) (catch_all_ref 0) (i32.const 0)))", "TYPE_MISMATCH"),
        ("(func (throw_ref (ref.null func)))", "TYPE_MISMATCH"),
    ],
)
def test_what_is_not_valid_is_refused(machine: Machine, text: str, status: str) -> None:
    with pytest.raises(Refusal) as caught:
        machine.load(wat(f"(module {text})"))
    assert caught.value.status == status
