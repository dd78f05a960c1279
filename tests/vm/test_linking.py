"""Instances: imports from other instances and from the host, what does not match, segments, and their end."""

from __future__ import annotations

import pytest

from tests.vm.machine import Machine, Refusal, Trap, wat

LIBRARY = """(module
  (memory (export "memory") 1 4)
  (table (export "table") 4 8 funcref)
  (global (export "constant") i32 (i32.const 42))
  (global $count (export "count") (mut i64) (i64.const 0))
  (func (export "bump") (param i32) (result i32)
    (global.set $count (i64.add (global.get $count) (i64.extend_i32_u (local.get 0))))
    (i32.wrap_i64 (global.get $count)))
  (func (export "boom") unreachable)
  (func (export "run") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"""


def library(machine: Machine) -> int:
    instance = machine.instantiate(LIBRARY)
    machine.register(instance, "library")
    return instance


def test_instances_share_what_one_imports_from_the_other(machine: Machine) -> None:
    first = library(machine)
    second = machine.instantiate("""(module
      (import "library" "bump" (func $bump (param i32) (result i32)))
      (import "library" "count" (global $count (mut i64)))
      (import "library" "constant" (global $constant i32))
      (import "library" "memory" (memory 1))
      (import "library" "table" (table 4 funcref))
      (global (export "copy") i32 (global.get $constant))
      (elem (i32.const 1) $own)
      (data (global.get $constant) "shared")
      (func $own (result i32) (i32.const 7))
      (func (export "twice") (result i32)
        (drop (call $bump (i32.const 5)))
        (global.set $count (i64.mul (global.get $count) (i64.const 10)))
        (call $bump (i32.const 1))))""")
    assert machine.call(second, "twice") == [51]
    assert machine.value(first, "count") == [51, 0]
    assert machine.value(second, "copy") == [42]
    assert machine.read(first, 42, 6) == b"shared"
    assert machine.call(first, "run", 1) == [7]


def test_instances_of_one_module_have_their_own_state(machine: Machine) -> None:
    module = machine.load(wat(LIBRARY))
    handles = [machine.numbers(f"instantiate {module.handle}")[0] for _ in range(3)]
    for amount, instance in enumerate(handles):
        machine.call(instance, "bump", amount)
    assert [machine.value(instance, "count") for instance in handles] == [[0, 0], [1, 0], [2, 0]]


def test_instances_of_one_module_call_one_another_from_the_very_place_that_is_called(machine: Machine) -> None:
    source = machine.instantiate('(module (func (export "f") (result i32) (i32.const 5)))')
    module = machine.load(
        wat("""(module (import "below" "f" (func $f (result i32))) (global $own (mut i32) (i32.const 0))
      (func (export "f") (result i32) (i32.add (call $f) (global.get $own)))
      (func (export "set") (param i32) (global.set $own (local.get 0))))""")
    )
    machine.register(source, "below")
    for own in (10, 200, 3000):
        (last,) = machine.numbers(f"instantiate {module.handle}")
        machine.call(last, "set", own)
        machine.register(last, "below")
    assert machine.call(last, "f") == [3215]
    assert machine.call(last, "f") == [3215]


def test_a_trap_in_another_instance_names_that_function(machine: Machine) -> None:
    library(machine)
    caller = machine.instantiate('(module (import "library" "boom" (func $f)) (func (export "go") (call $f)))')
    with pytest.raises(Trap) as caught:
        machine.call(caller, "go")
    assert (caught.value.status, caught.value.function) == ("TRAP_UNREACHABLE", 1)
    assert caught.value.depth >= 2


def test_exports_of_imports_can_be_called_and_imported_again(machine: Machine) -> None:
    library(machine)
    middle = machine.instantiate("""(module
      (import "library" "bump" (func $bump (param i32) (result i32)))
      (import "test" "add64" (func $add (param i64 i64) (result i64)))
      (import "test" "trap" (func $trap))
      (export "bump" (func $bump)) (export "add" (func $add)) (export "trap" (func $trap)))""")
    assert machine.call(middle, "bump", 4) == [4]
    assert machine.call(middle, "add", 0xFFFFFFFF, 0, 1, 0) == [0, 1]
    with pytest.raises(Trap) as caught:
        machine.call(middle, "trap")
    assert caught.value.status == "TRAP_HOST"
    machine.register(middle, "middle")
    last = machine.instantiate("""(module
      (import "middle" "bump" (func $bump (param i32) (result i32)))
      (import "middle" "add" (func $add (param i64 i64) (result i64)))
      (func (export "both") (result i64) (call $add (i64.extend_i32_u (call $bump (i32.const 3))) (i64.const 100))))""")
    assert machine.call(last, "both") == [107, 0]


def test_imported_functions_work_through_tables(machine: Machine) -> None:
    library(machine)
    instance = machine.instantiate("""(module
      (import "library" "bump" (func $bump (param i32) (result i32)))
      (import "test" "add64" (func $add (param i64 i64) (result i64)))
      (table 3 funcref) (elem (i32.const 0) $bump $add)
      (func (export "bump") (result i32) (call_indirect (param i32) (result i32) (i32.const 6) (i32.const 0)))
      (func (export "add") (result i64)
        (call_indirect (param i64 i64) (result i64) (i64.const 1) (i64.const 2) (i32.const 1)))
      (func (export "wrong") (call_indirect (i32.const 0)))
      (func (export "host wrong") (call_indirect (i32.const 1)))
      (func (export "none") (call_indirect (i32.const 2)))
      (func (export "outside") (call_indirect (i32.const 3))))""")
    assert machine.call(instance, "bump") == [6]
    assert machine.call(instance, "add") == [3, 0]
    for name, status in (
        ("wrong", "TRAP_INDIRECT_CALL_TYPE"),
        ("host wrong", "TRAP_INDIRECT_CALL_TYPE"),
        ("none", "TRAP_UNINITIALIZED_ELEMENT"),
        ("outside", "TRAP_UNDEFINED_ELEMENT"),
    ):
        with pytest.raises(Trap) as caught:
            machine.call(instance, name)
        assert caught.value.status == status


@pytest.mark.parametrize(
    ("imports", "status", "index"),
    [
        ('(import "library" "nothing" (func))', "UNKNOWN_IMPORT", 0),
        ('(import "nowhere" "bump" (func))', "UNKNOWN_IMPORT", 0),
        ('(import "test" "log" (func (param i32))) (import "test" "lo" (func))', "UNKNOWN_IMPORT", 1),
        ('(import "test" "logs" (func))', "UNKNOWN_IMPORT", 0),
        ('(import "library" "bump" (func))', "IMPORT_TYPE", 0),
        ('(import "library" "bump" (func (param i32)))', "IMPORT_TYPE", 0),
        ('(import "library" "bump" (func (param i64) (result i32)))', "IMPORT_TYPE", 0),
        ('(import "library" "bump" (memory 1))', "IMPORT_TYPE", 0),
        ('(import "test" "log" (func (param i64)))', "IMPORT_TYPE", 0),
        ('(import "test" "log" (func (param i32 i32)))', "IMPORT_TYPE", 0),
        ('(import "test" "log" (func (param i32) (result i32)))', "IMPORT_TYPE", 0),
        ('(import "test" "log" (global i32))', "IMPORT_TYPE", 0),
        ('(import "library" "count" (global i64))', "IMPORT_TYPE", 0),
        ('(import "library" "constant" (global (mut i32)))', "IMPORT_TYPE", 0),
        ('(import "library" "constant" (global i64))', "IMPORT_TYPE", 0),
        ('(import "library" "memory" (memory 2))', "IMPORT_TYPE", 0),
        ('(import "library" "memory" (memory 1 3))', "IMPORT_TYPE", 0),
        ('(import "library" "table" (table 5 funcref))', "IMPORT_TYPE", 0),
        ('(import "library" "table" (table 4 7 funcref))', "IMPORT_TYPE", 0),
    ],
)
def test_an_import_that_is_missing_or_of_another_type_is_named(
    machine: Machine, imports: str, status: str, index: int
) -> None:
    library(machine)
    with pytest.raises(Refusal) as caught:
        machine.instantiate(f"(module {imports})")
    assert (caught.value.status, caught.value.detail) == (status, index)


def test_a_registered_name_moves_to_the_instance_that_gets_it_last(machine: Machine) -> None:
    for number in (1, 2):
        instance = machine.instantiate(f'(module (func (export "number") (result i32) (i32.const {number})))')
        machine.register(instance, "")
    user = machine.instantiate("""(module (import "" "number" (func $n (result i32))) (export "n" (func $n)))""")
    assert machine.call(user, "n") == [2]


@pytest.mark.parametrize(
    ("segments", "status"),
    [
        ('(data (i32.const 65535) "ab")', "TRAP_MEMORY"),
        ('(data (i32.const -1) "a")', "TRAP_MEMORY"),
        ('(data (i32.const 65537) "")', "TRAP_MEMORY"),
        ("(elem (i32.const 4) $f)", "TRAP_TABLE"),
        ("(elem (i32.const -1) $f)", "TRAP_TABLE"),
        ("(elem (i32.const 5))", "TRAP_TABLE"),
    ],
)
def test_a_segment_out_of_bounds_ends_the_instantiation_and_gives_everything_back(
    machine: Machine, segments: str, status: str
) -> None:
    before = machine.used()
    module = machine.load(wat(f"(module (memory 1) (table 4 funcref) (func $f) {segments})"))
    machine_used = machine.used()
    with pytest.raises(Refusal) as caught:
        machine.command(f"instantiate {module.handle}")
    assert caught.value.status == status
    assert machine.used() <= machine_used + 48  # the table of instances
    machine.unload(module.handle)
    assert machine.used() <= before + 48


def test_segments_that_end_at_the_bound_fit(machine: Machine) -> None:
    instance = machine.instantiate("""(module (memory (export "m") 1) (table 4 funcref) (func $f)
      (data (i32.const 65534) "ab") (data (i32.const 65536) "") (elem (i32.const 3) $f) (elem (i32.const 4)))""")
    assert machine.read(instance, 65534, 2) == b"ab"


def test_what_segments_wrote_before_the_one_out_of_bounds_stays(machine: Machine) -> None:
    first = library(machine)
    with pytest.raises(Refusal):
        machine.instantiate("""(module
          (import "library" "memory" (memory 1)) (import "library" "table" (table 4 funcref))
          (func $f (result i32) (i32.const 11))
          (elem (i32.const 0) $f) (data (i32.const 8) "stays") (data (i32.const 65536) "x"))""")
    assert machine.read(first, 8, 5) == b"stays"
    assert machine.call(first, "run", 0) == [11]  # the instance lives on for the table's sake


def test_a_table_forgets_the_functions_of_a_released_instance(machine: Machine) -> None:
    first = library(machine)
    second = machine.instantiate("""(module (import "library" "table" (table 4 funcref))
      (func $f (result i32) (i32.const 5)) (elem (i32.const 2) $f))""")
    assert machine.call(first, "run", 2) == [5]
    machine.release(second)
    machine.instantiate("(module (func (result i32) (i32.const 6)))")  # takes the same id
    with pytest.raises(Trap) as caught:
        machine.call(first, "run", 2)
    assert caught.value.status == "TRAP_UNINITIALIZED_ELEMENT"


def test_the_start_function_runs_once_and_may_be_the_hosts(machine: Machine) -> None:
    machine.instantiate("""(module (import "test" "soft" (func $soft)) (start $soft))""")
    instance = machine.instantiate("""(module (import "test" "log" (func $log (param i32)))
      (func $start (call $log (i32.const 3))) (start $start))""")
    assert machine.command(f"start {instance}") == []
    assert machine.log() == [3]


def test_a_call_that_does_not_fit_the_type_is_refused(machine: Machine) -> None:
    instance = library(machine)
    for cells in ((), (1, 2)):
        with pytest.raises(Refusal) as caught:
            machine.call(instance, "bump", *cells)
        assert caught.value.status == "ARGUMENT_TYPES"
    with pytest.raises(Refusal) as caught:
        machine.call(instance, "memory")
    assert caught.value.status == "UNKNOWN_EXPORT"


def test_releasing_and_unloading_gives_all_memory_back(machine: Machine) -> None:
    machine.instantiate("(module)")
    before = machine.memory()
    for _ in range(3):
        modules, instances = [], []
        for source in (LIBRARY, '(module (import "library" "memory" (memory 1)) (table 100 funcref))'):
            module = machine.load(wat(source), 7)
            (instance,) = machine.numbers(f"instantiate {module.handle}")
            machine.register(instance, "library" if source == LIBRARY else "other")
            modules.append(module.handle)
            instances.append(instance)
        for instance in reversed(instances):
            machine.release(instance)
        for handle in modules:
            machine.unload(handle)
        after = machine.memory()
        assert (after["used"], after["largest"]) == (before["used"], before["largest"])


def test_a_reset_gives_everything_back_and_keeps_the_hosts_functions(machine: Machine) -> None:
    before = machine.used()
    library(machine)
    machine.instantiate('(module (import "library" "memory" (memory 1)))')
    machine.reset()
    assert machine.used() == before
    machine.instantiate('(module (import "test" "log" (func (param i32))))')
    with pytest.raises(Refusal) as caught:
        machine.instantiate('(module (import "library" "memory" (memory 1)))')
    assert caught.value.status == "UNKNOWN_IMPORT"
