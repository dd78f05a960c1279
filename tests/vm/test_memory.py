"""Linear memory: pages of 65,536 bytes and of one byte, growth in place and elsewhere, zeroes, limits."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
import wasmtime

from tests.vm.machine import PREAMBLE, Machine, Refusal, Trap, leb, raw_section, section, wat

GROWING = """(module (memory (export "memory") {limits})
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store after growth") (param i32 i32)
    (drop (memory.grow (i32.const 1))) (i32.store8 (local.get 0) (local.get 1))))"""

MINUS_ONE = 0xFFFFFFFF


def growing(machine: Machine, limits: str) -> int:
    return machine.instantiate(GROWING.format(limits=limits))


def test_memory_grows_to_its_maximum_and_no_further(machine: Machine) -> None:
    instance = growing(machine, "1 3")
    assert machine.call(instance, "grow", 1) == [1]
    assert machine.call(instance, "grow", 2) == [MINUS_ONE]
    assert machine.call(instance, "grow", 0xFFFFFFFF) == [MINUS_ONE]
    assert machine.call(instance, "grow", 0) == [2]
    assert machine.call(instance, "grow", 1) == [2]
    assert machine.call(instance, "size") == [3]
    assert machine.digest(instance)[0] == 3 * 65536


def test_memory_grows_as_far_as_the_arena_holds_it(machine: Machine) -> None:
    instance = growing(machine, "0")
    pages = 0
    while machine.call(instance, "grow", 1) == [pages]:
        pages += 1
    assert 14 <= pages <= 15  # of 1 MiB: the last block is grown where it is
    assert machine.call(instance, "size") == [pages]
    machine.call(instance, "store", pages * 65536 - 1, 9)
    assert machine.call(instance, "load", pages * 65536 - 1) == [9]


def test_new_memory_is_zero_and_old_memory_is_kept(machine: Machine) -> None:
    # What is given back was not zero: a module whose memory is full of ones had been there.
    full = machine.instantiate("""(module (memory 8)
      (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 524288))))""")
    machine.call(full, "f")
    machine.release(full)
    instance = growing(machine, "1")
    machine.call(instance, "store", 65535, 77)
    assert machine.call(instance, "grow", 5) == [1]
    assert machine.read(instance, 65536, 2000) == bytes(2000)
    assert machine.call(instance, "load", 65535) == [77]
    assert machine.call(instance, "load", 6 * 65536 - 1) == [0]


def test_a_memory_that_is_not_the_last_block_moves_when_it_grows(machine: Machine) -> None:
    instance = growing(machine, "1")
    machine.call(instance, "store", 10, 42)
    machine.instantiate("(module (memory 1))")
    assert machine.call(instance, "grow", 2) == [1]
    assert machine.call(instance, "load", 10) == [42]
    machine.call(instance, "store after growth", 4 * 65536 - 1, 3)
    assert machine.call(instance, "load", 4 * 65536 - 1) == [3]
    with pytest.raises(Trap):
        machine.call(instance, "load", 4 * 65536)


def test_an_importer_sees_growth(machine: Machine) -> None:
    owner = growing(machine, "1")
    machine.register(owner, "owner")
    user = machine.instantiate("""(module (import "owner" "memory" (memory 1))
      (import "owner" "grow" (func $grow (param i32) (result i32)))
      (func (export "use") (result i32)
        (drop (call $grow (i32.const 1)))
        (i32.store (i32.const 131068) (i32.const 5))
        (i32.add (memory.size) (i32.load (i32.const 131068)))))""")
    assert machine.call(user, "use") == [7]
    assert machine.call(owner, "load", 131068) == [5]


def paged(limits: str) -> bytes:
    """The growing module with byte-sized pages: the same but for the memory section."""
    minimum, *maximum = (int(word) for word in limits.split())
    body = bytes([1, 0x09 if maximum else 0x08]) + leb(minimum) + b"".join(leb(m) for m in maximum) + b"\0"
    module = wat(GROWING.format(limits="1 2"))
    at = module.index(raw_section(5, b"\1\1\1\2"))
    return module[:at] + raw_section(5, body) + module[at + 6 :]


def test_pages_of_one_byte_count_bytes(machine: Machine) -> None:
    instance = machine.instantiate(paged("100 120"))
    assert machine.call(instance, "size") == [100]
    assert machine.call(instance, "load", 99) == [0]
    with pytest.raises(Trap):
        machine.call(instance, "load", 100)
    assert machine.call(instance, "grow", 20) == [100]
    assert machine.call(instance, "load", 119) == [0]
    assert machine.call(instance, "grow", 1) == [MINUS_ONE]
    assert machine.digest(instance)[0] == 120


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5])
def test_the_last_bytes_of_tiny_memories_can_be_reached_and_no_others(machine: Machine, size: int) -> None:
    body = wat("""(module (memory 1 2)
      (func (export "8") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "16") (param i32) (result i32) (i32.load16_u (local.get 0)))
      (func (export "32") (param i32) (result i32) (i32.load (local.get 0))))""")
    at = body.index(raw_section(5, b"\1\1\1\2"))
    instance = machine.instantiate(body[:at] + raw_section(5, b"\1\x09" + leb(size) * 2 + b"\0") + body[at + 6 :])
    for bits in (8, 16, 32):
        for address in (0, 1, 2, 3, 4, 5, 6, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC):
            if address + bits // 8 <= size:
                assert machine.call(instance, str(bits), address) == [0]
            else:
                with pytest.raises(Trap) as caught:
                    machine.call(instance, str(bits), address)
                assert caught.value.status == "TRAP_MEMORY"


def test_page_sizes_must_agree_between_import_and_export(machine: Machine) -> None:
    def module(flags: int, shift: int) -> bytes:
        return PREAMBLE + section(2, b"\1o\1m\2" + bytes([flags]) + leb(1) + (leb(shift) if flags & 8 else b""))

    machine.register(machine.instantiate(PREAMBLE + section(5, b"\x08\1\0") + section(7, b"\1m\2\0")), "o")
    machine.instantiate(module(8, 0))
    with pytest.raises(Refusal, match="IMPORT_TYPE"):
        machine.instantiate(module(0, 16))
    machine.register(machine.instantiate(PREAMBLE + section(5, b"\x00\1") + section(7, b"\1m\2\0")), "o")
    machine.instantiate(module(8, 16))  # said or not said, it is the same
    with pytest.raises(Refusal, match="IMPORT_TYPE"):
        machine.instantiate(module(8, 0))


def test_the_digest_is_the_crc_of_memory_globals_and_tables(machine: Machine) -> None:
    instance = machine.instantiate("""(module (memory 1) (data (i32.const 3) "abc") (table 2 funcref)
      (global (mut i32) (i32.const 5)) (global i64 (i64.const -2)))""")
    memory = bytearray(65536)
    memory[3:6] = b"abc"
    globals_ = (5).to_bytes(4, "little") + (2**64 - 2).to_bytes(8, "little")
    assert machine.digest(instance) == [65536, zlib.crc32(memory), zlib.crc32(globals_), zlib.crc32(bytes(8))]


def test_bulk_operations_agree_with_another_engine(machine: Machine, new_machine: Callable[..., Machine]) -> None:
    """R53."""
    text = """(module (memory (export "memory") 1)
      (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
      (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))"""
    instance = machine.instantiate(text)
    store = wasmtime.Store()
    other = wasmtime.Instance(store, wasmtime.Module(store.engine, wat(text)), []).exports(store)
    calls = [
        ("fill", 10, 0x1FF, 700),
        ("fill", 400, 3, 1),
        ("copy", 300, 10, 1000),  # backward, several chunks
        ("copy", 5, 300, 900),  # forward
        ("copy", 0, 65535, 1),
        ("copy", 65000, 0, 536),
        ("copy", 65001, 0, 536),  # out of bounds: nothing is written
        ("fill", 65530, 9, 7),
        ("fill", 65536, 9, 0),
        ("copy", 65536, 65536, 0),
        ("fill", 65537, 9, 0),
    ]
    for name, *cells in calls:
        ours, theirs = True, True
        try:
            machine.call(instance, name, *cells)
        except Trap as trap:
            assert trap.status == "TRAP_MEMORY"
            ours = False
        try:
            function = other[name]
            assert isinstance(function, wasmtime.Func)
            function(store, *cells)
        except wasmtime.Trap:
            theirs = False
        assert ours == theirs, (name, cells)
    memory = other["memory"]
    assert isinstance(memory, wasmtime.Memory)
    assert machine.read(instance, 0, 20000) == bytes(memory.read(store, 0, 20000))
    assert machine.read(instance, 64000, 1536) == bytes(memory.read(store, 64000, 65536))


def test_what_found_no_room_is_counted_and_what_is_beyond_a_maximum_is_not(machine: Machine) -> None:
    limited = machine.instantiate(GROWING.format(limits="1 2"))
    assert machine.call(limited, "grow", 2) == [0xFFFFFFFF]
    assert machine.memory()["refused"] == 0
    instance = machine.instantiate(GROWING.format(limits="1"))
    assert machine.call(instance, "grow", 100) == [0xFFFFFFFF]
    assert machine.memory()["refused"] == 1
    assert machine.call(instance, "grow", 1) == [1]
    with pytest.raises(Refusal):
        machine.instantiate("(module (memory 100))")
    assert machine.memory()["refused"] == 2


def test_an_address_is_a_sum_that_wraps(machine: Machine) -> None:
    """A sum before a load is folded into it; it wraps at 32 bits, unlike the load's own offset."""
    instance = machine.instantiate("""(module (memory 1) (data (i32.const 8) "\\11\\22\\33\\44")
      (func (export "constant") (param i32) (result i32) (i32.load (i32.add (local.get 0) (i32.const -5))))
      (func (export "byte") (param i32) (result i32) (i32.load8_u (i32.sub (local.get 0) (i32.const 5))))
      (func (export "sum") (param i32 i32) (result i32) (i32.load (i32.add (local.get 0) (local.get 1)))))""")
    assert machine.call(instance, "constant", 13) == [0x44332211]
    assert machine.call(instance, "byte", 14) == [0x22]
    assert machine.call(instance, "sum", 0xFFFFFFFF, 9) == [0x44332211]
    for name, arguments in (("constant", (4,)), ("byte", (4,)), ("sum", (0xFFFF, 0))):
        with pytest.raises(Trap, match="MEMORY"):
            machine.call(instance, name, *arguments)
