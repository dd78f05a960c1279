"""The store of real firmware: it survives a reset where there is flash, modules run in place, one starts at boot."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_host import Board, BoardError, NoSpace
from firmware_host.boards import load_board
from firmware_host.build import firmware
from firmware_host.link import table
from firmware_host.selector import Target
from firmware_host.sim.host import HostBoard
from firmware_host.sim.qemu import Qemu
from firmware_host.sim.wires import wired as opened_with_wires
from firmware_host.transport import Transport
from firmware_host.transport.pipe import PipeTransport
from tests import needs
from tests.boards import machines
from tests.cli import guest_modules

TIMEOUT = 20.0


@contextmanager
def host(store: Path | None) -> Iterator[Board]:
    with Board(Target("host", HostBoard(store=store).transport), timeout=TIMEOUT) as board:
        yield board


@contextmanager
def emulated(name: str) -> Iterator[tuple[Board, Callable[[], None]]]:
    """A board in QEMU, and what resets its whole system."""
    needs.program(load_board(name).raw["target"]["qemu"]["binary"], f"the store of {name}")
    with (
        Qemu(load_board(name), firmware(name)) as qemu,
        Board(Target(f"qemu:{name}", qemu.transport, qemu.tick_hz), timeout=TIMEOUT) as board,
    ):

        def reset() -> None:
            qemu.qmp.execute("system_reset")
            board.connection.reopen()

        yield board, reset


def nothing_was_begun(board: Board) -> None:
    """Ends, goes on with and completes a file that nobody has begun, on a store that nobody has used."""
    board.ask("files.abort")
    with pytest.raises(NoSpace):
        board.files.put(bytes(board.files.space().size + 1), name="too-large")
    for command, values in (("files.write", {"offset": 0, "data": b"abcd"}), ("files.commit", {})):
        with pytest.raises(BoardError):
            board.ask(command, **values)
    board.ask("files.abort")
    assert list(board.files) == []
    for position in (1, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1):
        with pytest.raises(BoardError):
            board.ask("files.list", position=position)
    board.files.put(b"hello", name="a.txt")
    assert board.files.get("a.txt") == b"hello"


def test_a_store_that_was_never_used_has_nothing_begun() -> None:
    """Found by fuzzing: an abort before any file went through a null pointer."""
    with host(None) as board:
        nothing_was_begun(board)


@pytest.mark.parametrize("name", ["stm32f4", "microbit"])
def test_an_emulated_boards_store_that_was_never_used_has_nothing_begun(name: str) -> None:
    with emulated(name) as (board, _):
        nothing_was_begun(board)


def test_files_of_the_host_board_survive_its_end(tmp_path: Path) -> None:
    store = tmp_path / "flash"
    with host(store) as board:
        assert board.info.store_kind == "file"
        board.files.put(b"hello", "a.txt")
        board.files.put(guest_modules.add(), "add.wasm")
    with host(store) as board:
        assert [file.name for file in board.files] == ["a.txt", "add.wasm"]
        assert board.files.get("a.txt") == b"hello"
        assert board.instantiate(stored="add.wasm").invoke("add", [2, 3]) == [5]
        board.reset()
        board.files.remove("a.txt")
    with host(store) as board:
        assert [file.name for file in board.files] == ["add.wasm"]


def test_a_second_host_board_finds_the_file_in_use_and_has_a_store_in_ram(tmp_path: Path) -> None:
    store = tmp_path / "flash"
    with host(store) as first, host(store) as second:
        first.files.put(b"1", "of-the-first")
        assert second.info.store_kind == "ram"
        assert list(second.files) == []


@pytest.mark.slow
def test_files_of_the_microbit_survive_a_system_reset(tmp_path: Path) -> None:
    module = machines.compiled(machines.PROGRAMS / "small.c", tmp_path, stack_size=256)
    with emulated("microbit") as (board, reset):
        assert board.info.store_kind == "flash"
        assert board.files.space().lasting
        board.files.put(module, "small.wasm")
        board.files.put(bytes(range(256)) * 20, "data")
        reset()
        assert board.files.get("data") == bytes(range(256)) * 20
        instance = board.instantiate(stored="small.wasm")
        with board.run(instance) as app:
            board.console.expect("running\n", TIMEOUT)
            app.stop()
        # In place, the module takes less of the arena than one that was sent into RAM and copied.
        board.put(module)
        assert instance.module_bytes < board.instantiate().module_bytes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stm32f4", "hifive1"])
def test_a_board_whose_flash_cannot_be_written_says_that_its_store_is_volatile(name: str) -> None:
    with emulated(name) as (board, reset):
        space = board.files.space()
        assert (space.kind, space.lasting, board.info.store_kind) == ("ram", False, "ram")
        before = board.memory()
        board.files.put(guest_modules.add(), "add.wasm")
        assert before.arena_largest_free - board.memory().arena_largest_free == space.size
        assert board.instantiate(stored="add.wasm").invoke("add", [2, 3]) == [5]
        board.put(guest_modules.add())
        assert board.instantiate().invoke("add", [20, 3]) == [23]
        assert board.files.find("add.wasm") is not None
        reset()
        assert list(board.files) == []


def test_a_stored_module_that_runs_can_be_replaced_and_removed(tmp_path: Path) -> None:
    with host(tmp_path / "flash") as board:
        board.files.put(guest_modules.add(), "m.wasm")
        instance = board.instantiate(stored="m.wasm")
        board.files.remove("m.wasm")
        for i in range(400):  # round the whole store
            board.files.put(bytes([i % 256]) * 3000, "other")
        assert instance.invoke("add", [1, 2]) == [3]
        with pytest.raises(BoardError, match="no file"):
            board.instantiate(stored="m.wasm")


def test_a_full_store_says_how_much_fits(tmp_path: Path) -> None:
    with host(tmp_path / "flash") as board:
        board.files.put(bytes(500_000), "large")
        with pytest.raises(NoSpace, match="largest file that fits now") as caught:
            board.files.put(bytes(600_000), "larger")
        assert caught.value.hint
        board.files.put(bytes(board.files.space().largest), "rest")


def start_of(store: Path, *options: str, typed: bytes = b"", until: str = "running") -> str:
    """What the host board prints at a plain terminal in its first second, or until it prints something."""
    line = PipeTransport([firmware("host"), "--store", store, *options], name="host")
    output, end = "", time.monotonic() + 1.5
    try:
        line.write(typed)
        while until not in output and time.monotonic() < end:
            output += line.read(0.1).decode()
    finally:
        line.close()
    return output


@pytest.fixture(scope="module")
def store_with_autostart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("autostart")
    module = machines.compiled(machines.PROGRAMS / "small.c", directory, stack_size=256)
    with host(directory / "flash") as board:
        board.files.put(module, "small.wasm")
        board.files.set_autostart("small.wasm")
        autostart = board.files.autostart
        assert autostart is not None
        assert autostart.name == "small.wasm"
    return directory / "flash"


def test_a_module_starts_at_boot(store_with_autostart: Path) -> None:
    assert re.search(r"else this starts: small\.wasm\s+wirq> running", start_of(store_with_autostart))


def test_a_module_that_started_at_boot_once_starts_from_the_code_that_is_kept(store_with_autostart: Path) -> None:
    start_of(store_with_autostart)
    with host(store_with_autostart) as board:
        board.halt()
        assert board.files.space().code > 0
    before = store_with_autostart.read_bytes()
    assert "running" in start_of(store_with_autostart)
    assert store_with_autostart.read_bytes() == before  # nothing was lowered: it would have been written


def test_ctrl_c_at_boot_is_safe_mode(store_with_autostart: Path) -> None:
    output = start_of(store_with_autostart, typed=b"\x03")
    assert "safe mode: nothing was started" in output
    assert "running" not in output


def test_a_button_held_at_boot_is_safe_mode(store_with_autostart: Path) -> None:
    output = start_of(store_with_autostart, "--hold-button")
    assert "safe mode, for the button is held: not started: small.wasm" in output
    assert "running" not in output


@pytest.mark.slow
@pytest.mark.parametrize("safe", ["", "ctrl-c", "button"])
def test_a_chip_with_flash_boots_into_its_module_or_into_safe_mode(safe: str, tmp_path: Path) -> None:
    """On the emulated micro:bit: its flash is written, and button A is a pin that can be held while it is reset."""
    facts = load_board("microbit")
    needs.program(facts.raw["target"]["qemu"]["binary"], "safe mode on an emulated chip")
    module = machines.compiled(machines.PROGRAMS / "small.c", tmp_path, stack_size=256)
    with opened_with_wires(facts, firmware("microbit")) as (qemu, wires):
        with Board(Target("qemu:microbit", Shared(qemu.transport), qemu.tick_hz), timeout=TIMEOUT) as board:
            board.files.put(module, "small.wasm")
            board.files.set_autostart("small.wasm")
        terminal = machines.Terminal(qemu.transport)
        terminal.quiet(0.2)
        qemu.qmp.execute("stop")
        qemu.qmp.execute("system_reset")
        if safe == "button":
            button = machines.inject_facts("microbit")["button"]
            wires.command(f"set_irq_in {button['owner']} unnamed-gpio-in {button['line']} 0")
        qemu.qmp.execute("cont")
        if safe == "button":
            terminal.expect(r"safe mode, for the button is held: not started: small\.wasm")
        else:
            terminal.expect(r"Ctrl-C now for safe mode; else this starts: small\.wasm")
        if safe == "ctrl-c":
            terminal.type("\x03")
            terminal.expect("safe mode: nothing was started")
        if not safe:
            terminal.expect("running")
            return
        terminal.type("ls\r")
        terminal.expect(r"small\.wasm")
        assert "running" not in terminal.quiet(1.0)


class Shared:
    """A transport that a session may close without the machine behind it ending."""

    def __init__(self, transport: Transport) -> None:
        self.name, self.read, self.write = transport.name, transport.read, transport.write

    def close(self) -> None:
        pass


def test_what_starts_at_boot_is_stopped_for_a_tool_that_asks(store_with_autostart: Path) -> None:
    with host(store_with_autostart) as board:
        board.console.expect("running\n", TIMEOUT)
        assert board.halt()
        assert not board.halt()
        board.put(guest_modules.add())
        assert board.instantiate().invoke("add", [1, 1]) == [2]
        board.reset()
        assert board.halt()  # before it has started
        board.wait(0.8)
        assert not board.halt()


def test_autostart_names_a_file_that_is_there_and_can_be_taken_back(tmp_path: Path) -> None:
    with host(tmp_path / "flash") as board:
        with pytest.raises(BoardError, match="has no file nosuch"):
            board.files.set_autostart("nosuch")
        board.files.put(guest_modules.add(), "add.wasm")
        board.files.set_autostart("add.wasm")
        board.files.set_autostart(None)
        assert board.files.autostart is None
        board.files.set_autostart("add.wasm")
        board.files.remove("add.wasm")
        assert board.files.autostart is None


def test_a_module_that_cannot_run_at_boot_leaves_the_board_usable(tmp_path: Path) -> None:
    with host(tmp_path / "flash") as board:
        board.files.put(b"no module", "bad.wasm")
        board.files.set_autostart("bad.wasm")
    with host(tmp_path / "flash") as board:
        board.console.expect("error: the module was not started: status", TIMEOUT)
        board.files.remove("bad.wasm")


def test_every_store_kind_of_the_table_has_a_name() -> None:
    assert set(table.STORES) == {"ram", "flash", "file"}
