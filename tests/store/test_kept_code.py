"""Lowered code of stored modules in flash: it survives a reset and is used as it is, unless it is not whole, of another
module or of another build; what does not fit goes to RAM; files come first."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_host import Board, BoardError, LinkError, TrapError
from firmware_host.build import Options, build, firmware
from firmware_host.selector import Target
from firmware_host.status import code
from firmware_host.transport.pipe import PipeTransport
from firmware_host.wasm.encode import END, ModuleWriter, signed
from firmware_host.wasm.types import FunctionType, Kind
from tests.cli import guest_modules
from tests.store.test_boards import TIMEOUT, emulated, host
from tests.vm.machine import wat

#: Memory, data, table, elements, globals, exceptions, a start function.
MIXED = wat("""(module
  (tag $t (param i32))
  (memory (export "memory") 1)
  (data (i32.const 3) "0123456789")
  (table 4 funcref)
  (elem (i32.const 1) $double $throwing)
  (global $g (mut i32) (i32.const 7))
  (func $start (global.set $g (i32.load8_u (i32.const 5))))
  (start $start)
  (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $throwing (param i32) (result i32) (throw $t (i32.add (local.get 0) (global.get $g))))
  (func (export "run") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (result i32) (catch $t $caught)
        (i32.store (i32.const 64) (local.get 0))
        (call_indirect (param i32) (result i32) (local.get 0) (local.get 0))))))""")

HEADER = 96
#: Where the host board maps its flash.
PLACE = 0x200000000000
BUILD_ID, CHECK = slice(-12, -4), slice(-4, None)


def adder(constant: int, functions: int = 1) -> bytes:
    """A module whose `run` adds a constant to its argument; and functions that nobody calls."""
    module = ModuleWriter()
    unary = FunctionType(("i32",), ("i32",))
    for i in range(functions):
        body = b"\x20\x00\x41" + signed(constant if i == 0 else i) + b"\x6a" + END
        index = module.function(unary, body)
        if i == 0:
            module.export("run", Kind.FUNCTION, index)
    return module.finish()


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    return tmp_path / "flash"


def records(flash: Path) -> list[tuple[int, int]]:
    """Place and size of the lowered code that is kept in the host board's flash."""
    data, found = flash.read_bytes(), []
    for at in range(0, len(data), 512):
        if data[at : at + 4] == b"WIRQ" and data[at + 20] == 3 and data[at + 92 : at + 96] == b"\x1e\xf1\x0d\x60":
            found.append((at + HEADER, int.from_bytes(data[at + 16 : at + 20], "little")))
    return found


def stored(board: Board, name: str = "a.wasm", argument: int = 1) -> tuple[str, list[int]]:
    """Where the code of a stored module lies once it is loaded, and what its `run` returns."""
    instance = board.instantiate(stored=name)
    return instance.code_place, instance.invoke("run", [argument])


def test_the_second_load_finds_what_the_first_has_written_and_so_does_one_after_a_reset(flash: Path) -> None:
    with host(flash) as board:
        assert board.info.code_kind == "file"
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])
        assert stored(board) == ("found", [11])
        board.reset()
        assert stored(board) == ("found", [11])
    with host(flash) as board:
        assert stored(board) == ("found", [11])
        assert board.files.space().code > 0
        assert [file.name for file in board.files] == ["a.wasm"]


def test_an_upload_and_a_store_in_ram_have_their_code_in_ram(flash: Path) -> None:
    with host(flash) as board:
        board.put(adder(10))
        assert board.instantiate().code_place == "ram"
        assert board.files.space().code == 0
    with host(None) as board:
        assert board.info.code_kind == "ram"
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("ram", [11])


def test_a_module_with_everything_is_the_same_from_flash(flash: Path) -> None:
    with host(flash) as board:
        board.put(MIXED)
        first = board.instantiate()
        want = [first.invoke("run", [1]), first.invoke("run", [2]), first.digest()]
        assert want[:2] == [[2], [52]]
        board.files.put(MIXED, "a.wasm")
        for place in ("written", "found"):
            instance = board.instantiate(stored="a.wasm")
            assert instance.code_place == place
            assert [instance.invoke("run", [1]), instance.invoke("run", [2]), instance.digest()] == want
            assert instance.lowered_code_bytes == first.lowered_code_bytes
            assert instance.module_bytes < first.module_bytes - first.lowered_code_bytes


def test_several_modules_lie_in_flash_at_once(flash: Path) -> None:
    with host(flash) as board:
        for i in range(4):
            board.files.put(adder(i), f"{i}.wasm")
        for place in ("written", "found"):
            instances = [board.instantiate(stored=f"{i}.wasm", keep=i > 0) for i in range(4)]
            assert {instance.code_place for instance in instances} == {place}
            assert [instance.invoke("run", [100]) for instance in instances] == [[100], [101], [102], [103]]


def test_traps_tell_the_same_place(flash: Path) -> None:
    offsets = set()
    with host(flash) as board:
        board.put(guest_modules.add())
        board.files.put(guest_modules.add(), "a.wasm")
        for name in ("", "a.wasm", "a.wasm"):
            with pytest.raises(TrapError) as caught:
                board.instantiate(stored=name).invoke("fail")
            offsets.add((caught.value.function, caught.value.offset))
    assert len(offsets) == 1


def test_a_changed_module_is_lowered_anew_and_a_removed_one_leaves_nothing(flash: Path) -> None:
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])
        board.files.put(adder(20), "a.wasm")
        assert stored(board) == ("written", [21])
        assert stored(board) == ("found", [21])
        board.files.remove("a.wasm")
        assert board.files.space().code == 0
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])


def test_a_module_goes_on_from_flash_when_it_is_removed_or_replaced_while_it_is_loaded(flash: Path) -> None:
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        board.files.put(bytes(8000), "between")  # so that what is pinned is not all in one sector
        instance = board.instantiate(stored="a.wasm")
        board.files.remove("between")
        board.files.put(adder(20), "a.wasm")
        board.files.remove("a.wasm")
        for i in range(60):  # round the flash
            board.files.put(bytes([i]) * 40_000, "other")
        assert instance.invoke("run", [1]) == [11]


@pytest.mark.parametrize("byte", [0, 4, -13, -1], ids=["code", "more code", "what is behind the code", "checksum"])
def test_what_is_not_whole_is_made_anew(flash: Path, byte: int) -> None:
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])
    [(at, size)] = records(flash)
    data = bytearray(flash.read_bytes())
    data[at + (byte if byte >= 0 else size + byte)] ^= 4
    flash.write_bytes(data)
    with host(flash) as board:
        assert stored(board) == ("written", [11])
        assert stored(board) == ("found", [11])
    assert len(records(flash)) == 1


def test_what_another_build_has_made_is_not_used(flash: Path) -> None:
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])
    [(at, size)] = records(flash)
    data = bytearray(flash.read_bytes())
    kept = data[at : at + size]
    assert kept[BUILD_ID] == bytes.fromhex(build(Options("host")).build_id)
    assert kept[CHECK] == zlib.crc32(kept[:-12]).to_bytes(4, "little")
    kept[BUILD_ID] = bytes(8)
    data[at : at + size] = kept
    flash.write_bytes(data)
    with host(flash) as board:
        assert stored(board) == ("written", [11])


def test_what_was_made_for_another_address_is_not_used(flash: Path) -> None:
    """Its checksum is right, so it is the VM that notices."""
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])
    [(at, size)] = records(flash)
    data = bytearray(flash.read_bytes())
    kept = data[at : at + size]
    for word in range(0, size - 12, 8):  # all addresses lie in the record
        value = int.from_bytes(kept[word : word + 8], "little")
        if PLACE <= value < PLACE + 0x100000:
            kept[word : word + 8] = (value + 0x1000).to_bytes(8, "little")
    assert kept != data[at : at + size]
    kept[CHECK] = zlib.crc32(kept[:-12]).to_bytes(4, "little")
    data[at : at + size] = kept
    flash.write_bytes(data)
    with host(flash) as board:
        assert stored(board) == ("written", [11])


def test_what_does_not_fit_goes_to_ram_and_files_come_first(flash: Path) -> None:
    with host(flash) as board:
        board.files.put(adder(10, 300), "a.wasm")
        board.files.put(bytes(board.files.space().largest - 4_000), "large")
        assert stored(board) == ("ram", [11])
        board.files.remove("large")
        assert stored(board) == ("written", [11])
        space = board.files.space()
        assert space.code > 4_000
        board.drop()
        board.files.put(bytes(space.largest + space.code - 1_000), "larger")  # takes the room of the code
        assert board.files.space().code == 0
        assert stored(board) == ("ram", [11])


def test_code_of_modules_that_are_not_there_any_more_makes_room(flash: Path) -> None:
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        board.instantiate(stored="a.wasm")
        board.files.put(adder(11), "a.wasm")
        board.files.put(adder(20), "b.wasm")
        before = board.files.space().code
        assert stored(board, "b.wasm") == ("written", [21])
        assert board.files.space().code == before


def test_a_bad_module_is_refused_and_writes_nothing(flash: Path) -> None:
    module = adder(10).replace(b"\x20\x00\x41", b"\x20\x07\x41")
    with host(flash) as board:
        board.files.put(module, "a.wasm")
        before = flash.read_bytes()
        for _ in range(2):
            with pytest.raises(BoardError, match="local"):
                board.instantiate(stored="a.wasm")
        assert flash.read_bytes() == before


def test_a_file_on_its_way_is_not_disturbed(flash: Path) -> None:
    with host(flash) as board:
        board.files.put(adder(10), "a.wasm")
        data = bytes(range(200))
        board.ask("files.begin", size=len(data), sha256=hashlib.sha256(data).digest(), name="b")
        board.ask("files.write", offset=0, data=data[:100])
        assert stored(board) == ("ram", [11])
        board.ask("files.write", offset=100, data=data[100:])
        board.ask("files.commit")
        assert board.files.get("b") == data
        assert stored(board) == ("written", [11])


def test_a_load_that_is_stopped_leaves_nothing_and_the_next_one_is_whole(flash: Path) -> None:
    """Wherever it is: it counts, it writes, it is done."""
    module, outcomes, i = adder(10, 5000), set(), 0
    with host(flash) as board:
        while i < 24 or code("TRAP_STOPPED") not in outcomes:
            assert i < 1000, "no load was stopped on its way"
            board.files.put(module, "a.wasm")
            request = board.connection.begin("app.instantiate", flags=0, name="a.wasm")
            board.wait(0.001 * (i % 24))
            board.halt()
            outcomes.add(board.connection.finish(request, TIMEOUT).status)
            assert len(records(flash)) <= 1
            place, result = stored(board)
            assert (place in ("written", "found"), result) == (True, [11])
            board.files.remove("a.wasm")
            assert records(flash) == []
            i += 1


# ---- power cuts


@contextmanager
def failing(flash: Path, at: int) -> Iterator[Board]:
    """The host board on a flash, whose power fails in a write to it."""
    command: list[str | Path] = [firmware("host"), "--store", flash, "--power-fails-at", str(at)]
    with Board(Target("host", PipeTransport(command, name="host")), timeout=TIMEOUT) as board:
        yield board


def is_cut(flash: Path, at: int, want: list[int]) -> bool:
    """Loads the module with a cut at that write, if there are as many."""
    try:
        with failing(flash, at) as board:
            assert stored(board)[1] == want
            return False
    except LinkError:
        return True


def test_a_power_cut_at_any_write_leaves_code_that_is_whole_or_none(tmp_path: Path) -> None:
    template, want = tmp_path / "template", [21]
    with host(template) as board:
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("written", [11])
        board.files.put(adder(20), "a.wasm")  # what is kept of the other is removed first

    def place_after(at: int) -> str:
        """What the next boot finds; nothing if there is no such write."""
        flash = shutil.copyfile(template, tmp_path / f"flash-{at}")
        if not is_cut(flash, at, want):
            return ""
        with host(flash) as board:
            place, result = stored(board)
            assert result == want, at
            assert stored(board) == ("found", want), at
            assert [file.name for file in board.files] == ["a.wasm"], at
        assert len(records(flash)) == 1, at
        return place

    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(place_after, range(1, 90)))
    cuts = places.index("")
    assert cuts > 40
    assert set(places[:cuts]) == {"written"}  # the last write commits it
    assert set(places[cuts:]) == {""}


# ---- a chip


@pytest.mark.slow
def test_code_in_the_flash_of_a_chip_survives_a_reset_of_the_system() -> None:
    module = adder(10, 60)
    with emulated("microbit") as (board, reset):
        assert board.info.code_kind == "flash"
        board.put(module)
        in_ram = board.instantiate()
        board.drop()
        board.files.put(module, "a.wasm")
        instance = board.instantiate(stored="a.wasm")
        assert (instance.code_place, instance.invoke("run", [1])) == ("written", [11])
        assert instance.lowered_code_bytes == in_ram.lowered_code_bytes
        assert instance.module_bytes < in_ram.module_bytes - in_ram.lowered_code_bytes
        reset()
        assert stored(board) == ("found", [11])
        assert stored(board, argument=5) == ("found", [15])


@pytest.mark.slow
def test_a_chip_whose_flash_cannot_be_written_has_its_code_in_ram() -> None:
    with emulated("stm32f4") as (board, _):
        assert board.info.code_kind == "ram"
        board.files.put(adder(10), "a.wasm")
        assert stored(board) == ("ram", [11])
