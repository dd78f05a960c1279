"""Running out of memory: at every single allocation, cleanly, with nothing leaked and the VM as usable as before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.vm.machine import Machine, Refusal
from tests.vm.samples import EVERYTHING

SPACE = {"NO_MEMORY", "LINEAR_MEMORY_TOO_LARGE"}


def attempt(machine: Machine, piece: int) -> None:
    """Loads, instantiates, runs and gives everything back."""
    module = machine.load(EVERYTHING, piece)
    try:
        (instance,) = machine.numbers(f"instantiate {module.handle}")
    except Refusal:
        machine.unload(module.handle)
        raise
    machine.command(f"start {instance}")
    assert machine.call(instance, "sum", 10) == [55]
    machine.release(instance)
    machine.unload(module.handle)


@pytest.mark.parametrize("piece", [0, 7])
def test_every_allocation_may_fail(machine: Machine, piece: int) -> None:
    attempt(machine, 0)  # the VM's own table of instances is there from now on
    before = machine.used()
    failures = 0
    for n in range(1, 200):
        machine.command(f"fail {n}")
        try:
            attempt(machine, piece)
        except Refusal as refusal:
            assert refusal.status in SPACE
            failures += 1
        else:
            break
        finally:
            machine.command("fail 0")
        assert machine.used() == before, n
        attempt(machine, piece)
        assert machine.used() == before, n
    assert 10 <= failures < 199


def test_the_first_instance_may_fail_too(new_machine: Callable[..., Machine]) -> None:
    for n in range(1, 12):
        with new_machine() as machine:
            before = machine.used()
            module = machine.load(EVERYTHING)
            machine.command(f"fail {n}")
            try:
                machine.command(f"instantiate {module.handle}")
            except Refusal as refusal:
                assert refusal.status in SPACE
            else:
                return
            machine.command("fail 0")
            machine.unload(module.handle)
            assert machine.used() <= before + 48  # the VM's table of instances may have been made
            attempt(machine, 0)
    pytest.fail("instantiation allocates too often")


@pytest.mark.parametrize("piece", [0, 1])
def test_an_arena_of_any_size_holds_a_module_or_refuses_it(new_machine: Callable[..., Machine], piece: int) -> None:
    fitted: list[int] = []
    with new_machine() as machine:
        for size in range(8192, 96 * 1024, 1024 if piece == 0 else 8192):
            try:
                machine.open(size, 256, 128)
            except Refusal:
                continue
            try:
                attempt(machine, piece)
            except Refusal as refusal:
                assert refusal.status in SPACE, size
                assert not fitted, size  # what fits an arena fits a larger one
            else:
                fitted.append(size)
    assert fitted


def test_a_refusal_for_space_tells_how_much_was_needed(machine: Machine) -> None:
    with pytest.raises(Refusal) as caught:
        machine.instantiate("(module (memory 20))")
    assert (caught.value.status, caught.value.detail) == ("LINEAR_MEMORY_TOO_LARGE", 20 * 65536)


def test_a_memory_of_4_gib_is_refused_for_space(machine: Machine) -> None:
    with pytest.raises(Refusal) as caught:
        machine.instantiate("(module (memory 65536))")
    assert (caught.value.status, caught.value.detail) == ("LINEAR_MEMORY_TOO_LARGE", 0xFFFFFFFF)


def test_an_arena_too_small_for_the_vm_is_refused(machine: Machine) -> None:
    for size in (0, 8, 100, 1000, 3000):
        with pytest.raises(Refusal):
            machine.open(size)


def test_stacks_too_small_to_enter_anything_are_refused(machine: Machine) -> None:
    for stack, handler_stack in ((0, 128), (16, 128), (128, 1), (0xFFFFFFFF, 0), (128, 0xFFFFFFFF)):
        with pytest.raises(Refusal):
            machine.open(1 << 20, stack, handler_stack)


def test_figures_add_up(machine: Machine) -> None:
    empty = machine.memory()
    assert empty["used"] == empty["vm"] <= empty["peak"]
    module = machine.load(EVERYTHING, 7)
    loaded = machine.memory()
    assert loaded["used"] - empty["used"] == module.bytes
    assert loaded["peak"] > loaded["used"]  # what the load needed besides
    assert loaded["largest"] <= loaded["size"] - loaded["used"]
    machine.reset()
    assert machine.memory()["used"] == empty["used"]
    assert machine.memory()["peak"] == loaded["peak"]


def test_the_stack_peak_counts_frames_and_records(machine: Machine) -> None:
    instance = machine.instantiate("""(module
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
          (else (i32.const 0)))))""")
    assert machine.call(instance, "down", 5) == [5]
    shallow = machine.memory()["stack"]
    assert machine.call(instance, "down", 105) == [105]
    deep = machine.memory()["stack"]
    assert 300 <= deep - shallow <= 1500
    assert shallow < 100
