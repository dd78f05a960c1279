"""As far as it goes and one step further: a defined result or a defined refusal, and the VM is usable afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_host.wasm.encode import signed
from tests.vm.machine import PREAMBLE, Machine, Refusal, Trap, leb, raw_section, section, wat

I32_TO_I32 = b"\x60\1\x7f\1\x7f"
ADD = wat('(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')

NewMachine = Callable[..., Machine]


def module(body: bytes, type_: bytes = I32_TO_I32, locals_: bytes = b"\0") -> bytes:
    """One function, exported as "f"; `locals_` is the vector of local declarations."""
    code = locals_ + body + b"\x0b"
    return (
        PREAMBLE + section(1, type_) + section(3, b"\0") + section(7, b"\1f\0\0") + section(10, leb(len(code)) + code)
    )


def const(value: int) -> bytes:
    return b"\x41" + signed(value)


def usable(machine: Machine) -> None:
    machine.reset()
    assert machine.call(machine.instantiate(ADD), "add", 40, 2) == [42]


# -- nesting


@pytest.mark.parametrize("opening", [b"\x02\x40", b"\x03\x40", const(1) + b"\x04\x40"], ids=["block", "loop", "if"])
def test_nesting_goes_as_deep_as_memory_and_no_deeper(new_machine: NewMachine, opening: bytes) -> None:
    def nested(depth: int) -> bytes:
        return module(opening * depth + b"\x0b" * depth + b"\x20\0")

    with new_machine(arena=4 << 20) as machine:
        for piece in (0, 1000):
            assert machine.call(machine.instantiate(nested(20_000), piece), "f", 7) == [7]
            machine.reset()
            with pytest.raises(Refusal) as caught:
                machine.load(nested(400_000), piece)
            assert (caught.value.status, caught.value.function) == ("NO_MEMORY", 0)
            usable(machine)


def test_a_branch_out_of_the_deepest_block_ends_the_outermost(new_machine: NewMachine) -> None:
    depth = 20_000
    body = b"\x02\x7f" + b"\x02\x40" * depth + b"\x20\0\x0c" + leb(depth) + b"\x0b" * depth + const(1) + b"\x0b"
    with new_machine(arena=4 << 20) as machine:
        assert machine.call(machine.instantiate(module(body)), "f", 7) == [7]


# -- locals, operands, parameters


@pytest.mark.parametrize("declared", [b"\1" + leb(50_000) + b"\x7f", leb(500) + (leb(100) + b"\x7f") * 500])
def test_fifty_thousand_locals_are_as_good_as_one(new_machine: NewMachine, declared: bytes) -> None:
    last = leb(50_000)
    body = b"\x20\0\x21" + last + b"\x20" + last + b"\x20" + leb(49_999) + b"\x6a"
    with new_machine(arena=4 << 20, stack=60_000) as machine:
        assert machine.call(machine.instantiate(module(body, locals_=declared)), "f", 42) == [42]
    with new_machine(arena=4 << 20, stack=40_000) as machine:  # the stack does not hold them
        instance = machine.instantiate(module(body, locals_=declared))
        with pytest.raises(Trap) as caught:
            machine.call(instance, "f", 42)
        assert caught.value.status == "TRAP_STACK_EXHAUSTED"
        usable(machine)


@pytest.mark.parametrize(
    "declared",
    [
        b"\1" + leb(50_000) + b"\x7e",  # i64: more cells than a frame can have
        b"\1" + leb(0xFFFFFFFF) + b"\x7f",
        b"\2" + (leb(0xFFFFFFFF) + b"\x7f") * 2,
        leb(5) + (leb(0x7FFFFFFF) + b"\x7c") * 5,
    ],
)
def test_more_locals_than_a_frame_holds_are_refused(machine: Machine, declared: bytes) -> None:
    for piece in (0, 1):
        with pytest.raises(Refusal) as caught:
            machine.load(module(b"\x20\0", locals_=declared), piece)
        assert (caught.value.status, caught.value.function) == ("TOO_MANY_LOCALS", 0)
    usable(machine)


def test_operands_are_as_many_as_a_frame_holds(new_machine: NewMachine) -> None:
    with new_machine(arena=8 << 20, stack=1 << 17) as machine:
        count = 30_000
        body = (b"\x20\0" + const(1) + b"\x6a") * count + b"\x6a" * (count - 1)
        assert machine.call(machine.instantiate(module(body)), "f", 1) == [2 * count]
        with pytest.raises(Refusal) as caught:
            machine.load(module((b"\x20\0" + const(1) + b"\x6a") * 70_000 + b"\x6a" * 69_999))
        assert caught.value.status == "IMPLEMENTATION_LIMIT"
        usable(machine)


# -- branch tables


@pytest.mark.parametrize("count", [1, 1000, 65_536])
def test_a_branch_table_may_have_any_number_of_targets(new_machine: NewMachine, count: int) -> None:
    table = b"\x0e" + leb(count) + b"".join(leb(i % 2) for i in range(count)) + leb(1)
    body = b"\x02\x40\x02\x40\x20\0" + table + b"\x0b" + const(10) + b"\x0f\x0b" + const(20)
    with new_machine(arena=4 << 20) as machine:
        for piece in (0, 333):
            instance = machine.instantiate(module(body), piece)
            for index in (0, 1, count - 1, count, 0xFFFFFFFF):
                assert machine.call(instance, "f", index) == [20 if index >= count or index % 2 else 10]


@pytest.mark.parametrize("count", [100, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_branch_table_longer_than_its_function_is_refused(machine: Machine, count: int) -> None:
    for piece in (0, 1):
        with pytest.raises(Refusal) as caught:
            machine.load(module(b"\x02\x40\x20\0\x0e" + leb(count) + b"\0" * 50), piece)
        # The end of the function, read as the label 11; or too many to begin with.
        assert caught.value.status in ("UNKNOWN_LABEL", "TRUNCATED", "IMPLEMENTATION_LIMIT")
    usable(machine)


# -- numbers


@pytest.mark.parametrize(
    ("immediate", "result"),
    [
        (b"\x80\x80\x80\x80\x78", 0x80000000),
        (b"\xff\xff\xff\xff\x07", 0x7FFFFFFF),
        (b"\xff\xff\xff\xff\x7f", 0xFFFFFFFF),
        (b"\x80\x80\x80\x80\x00", 0),
        (b"\xff\xff\xff\xff\x0f", None),  # a bit beyond the sign that is not the sign's
        (b"\x80\x80\x80\x80\x08", None),
        (b"\x80\x80\x80\x80\x80\x00", None),  # a sixth byte
    ],
)
def test_padded_numbers_are_read_and_longer_ones_are_refused(
    machine: Machine, immediate: bytes, result: int | None
) -> None:
    for piece in (0, 1):
        if result is None:
            with pytest.raises(Refusal) as caught:
                machine.load(module(b"\x41" + immediate), piece)
            assert caught.value.status == "BAD_LEB"
        else:
            assert machine.call(machine.instantiate(module(b"\x41" + immediate), piece), "f", 0) == [result]


# -- running on and on


ENDLESS = """(module (import "test" "stop" (func $stop))
  (func (export "irq:soft0") (param i32 i32 i32) (call $stop))
  (func (export "loop") (loop $l (br $l)))
  (func (export "if") (loop $l (br_if $l (i32.const 1))))
  (func (export "table") (loop $l (br_table $l $l (i32.const 7))))
  (func (export "blocks") (loop $l (block (block (br 2)))))
  (table funcref (elem $indirect))
  (type $t (func))
  (func $indirect (export "bounce") (loop $l (call $nothing) (br $l)))
  (func $nothing)
  (memory 1)
  (func (export "fill") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l))))"""


@pytest.mark.parametrize("name", ["loop", "if", "table", "blocks", "bounce", "fill"])
def test_an_endless_loop_is_stopped_at_its_next_safe_point(machine: Machine, name: str) -> None:
    instance = machine.instantiate(ENDLESS)
    machine.inject(3, 500, False)  # the handler of soft0 asks for a stop, at the 500th safe point
    with pytest.raises(Trap) as caught:
        machine.call(instance, name)
    assert caught.value.status == "TRAP_STOPPED"
    usable(machine)


RECURSIONS = {
    "direct": '(func $f (export "f") (param i64) (call $f (local.get 0)))',
    "mutual": """(func $f (export "f") (param i64) (call $g (local.get 0)))
        (func $g (param i64) (call $f (local.get 0)))""",
    "indirect": """(table funcref (elem $f)) (type $t (func (param i64)))
        (func $f (export "f") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0)))""",
    "wide": f"""(func $f (export "f") (param i64) (local {"i64 " * 500}) (local.set 400 (local.get 0))
        (call $f (local.get 400)))""",
}


@pytest.mark.parametrize("text", RECURSIONS.values(), ids=RECURSIONS.keys())
@pytest.mark.parametrize("stack", [64, 100, 1001, 5000])
def test_endless_recursion_ends_in_a_trap_on_any_stack(new_machine: NewMachine, text: str, stack: int) -> None:
    with new_machine(stack=stack) as machine:
        instance = machine.instantiate(f"(module {text})")
        for _ in range(2):
            with pytest.raises(Trap) as caught:
                machine.call(instance, "f", 1, 2)
            assert caught.value.status == "TRAP_STACK_EXHAUSTED"
        usable(machine)


# -- memory


def test_a_memory_grows_to_the_end_of_the_arena_and_every_byte_of_it_is_there(new_machine: NewMachine) -> None:
    with new_machine(arena=40 << 20) as machine:
        instance = machine.instantiate("""(module (memory (export "m") 1 65536)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "last") (result i32)
            (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 99))
            (i32.load8_u offset=65535 (i32.shl (i32.sub (memory.size) (i32.const 1)) (i32.const 16)))))""")
        assert machine.call(instance, "grow", 65535) == [0xFFFFFFFF]
        assert machine.call(instance, "grow", 0xFFFFFFFF) == [0xFFFFFFFF]
        pages = 1
        for step in (512, 64, 8, 1):
            while machine.call(instance, "grow", step) == [pages]:
                pages += step
        assert pages >= 600
        assert machine.call(instance, "last") == [99]
        usable(machine)


def test_an_address_and_its_offset_do_not_wrap_around(machine: Machine) -> None:
    instance = machine.instantiate("""(module (memory 1)
      (func (export "8") (param i32) (result i32) (i32.load8_u offset=4294967295 (local.get 0)))
      (func (export "32") (param i32) (result i32) (i32.load offset=4294967292 (local.get 0)))
      (func (export "64") (param i32) (result i64) (i64.load offset=4294967295 (local.get 0)))
      (func (export "store") (param i32) (i64.store offset=4294967289 (local.get 0) (i64.const -1))))""")
    for name in ("8", "32", "64", "store"):
        for address in (0, 1, 2, 4, 7, 8, 65535, 0x7FFFFFFF, 0xFFFFFFFF):
            with pytest.raises(Trap) as caught:
                machine.call(instance, name, address)
            assert caught.value.status == "TRAP_MEMORY", (name, address)
    assert machine.read(instance, 0, 16) == bytes(16)


def test_sizes_beyond_32_bits_are_refused(machine: Machine) -> None:
    for body in (b"\x00\x80\x80\x04", b"\x00\xff\xff\xff\xff\x0f"):  # 65536 and 2^32 - 1 pages
        with pytest.raises(Refusal):
            machine.instantiate(PREAMBLE + raw_section(5, b"\1" + body))
    for minimum in (10_000_000, 0xFFFFFFFF):
        with pytest.raises(Refusal):
            machine.instantiate(PREAMBLE + raw_section(4, b"\1\x70\0" + leb(minimum)))
    usable(machine)


def test_a_vm_opens_in_any_arena_or_says_that_it_does_not(machine: Machine) -> None:
    """One that is too small for any of the parts that it is made of."""
    opened = []
    for size in range(0, 40_000, 104):
        try:
            machine.open(size)
            opened.append(size)
        except Refusal as refusal:
            assert refusal.status == "NO_MEMORY"
            assert not opened, f"{size} bytes are too few, though {opened[0]} were enough"
    assert opened
    machine.open(1 << 20)
