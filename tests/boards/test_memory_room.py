"""Room on 16 KiB boards, and figures that add up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_host import Board, resources
from firmware_host.boards import load_board
from firmware_host.wasm import Module
from tests.boards import machines
from tests.boards.machines import QEMU_BOARDS, SMALL_BOARDS, TIMEOUT


@pytest.mark.parametrize("name", SMALL_BOARDS)
def test_a_handler_a_block_and_1_kib_of_memory_leave_4_kib_free(name: str, tmp_path: Path) -> None:
    module = machines.compiled(machines.PROGRAMS / "small.c", tmp_path, stack_size=256)
    memory = Module.parse(module).memory
    assert memory is not None
    assert memory.page_size == 1
    assert memory.minimum_bytes >= 1024
    with Board.connect(f"qemu:{name}", timeout=TIMEOUT) as board:
        board.put(module)
        with board.run(board.instantiate()) as app:
            board.console.expect("running\n", TIMEOUT)
            figures = board.memory()
            assert figures.ram_size == 16 * 1024
            assert figures.ram_free >= 4 * 1024, figures
            assert figures.handler_table_bytes <= 1536
            board.irq_raise(board.irq_number("soft0"))
            board.irq_raise(board.irq_number("button"))
            assert app.wait(TIMEOUT).ok
        assert board.memory().ram_free >= 4 * 1024


@pytest.mark.parametrize("name", QEMU_BOARDS)
def test_what_is_claimed_and_what_is_free_is_all_there_is(name: str) -> None:
    facts = load_board(name)
    assert facts.ram is not None
    with Board.connect(f"qemu:{name}", timeout=TIMEOUT) as board:
        figures = board.memory()
        claimed = figures.arena_used + figures.c_stack_peak + figures.static_bytes
        assert figures.ram_size == facts.ram.size
        assert figures.ram_free == figures.ram_size - claimed
        assert figures.arena_size == facts.vm.arena_size
        assert figures.c_stack_peak < facts.vm.c_stack_size


def test_an_upload_takes_its_size_and_gives_it_back() -> None:
    with Board.connect("host", timeout=TIMEOUT) as board:
        before = board.memory()
        board.put(bytes(1000))
        assert before.arena_largest_free - board.memory().arena_largest_free == 1000
        board.put(bytes(2000))
        assert before.arena_largest_free - board.memory().arena_largest_free == 2000
        board.drop()
        assert board.memory().arena_largest_free == before.arena_largest_free


@pytest.mark.parametrize("name", SMALL_BOARDS)
def test_a_guest_on_16_kib_has_what_the_documents_say(name: str) -> None:
    told = (resources.path("boards") / "README.md").read_text().replace("\n", " ")
    found = re.search(r"Of the ([\d,]+) bytes .*? take about ([\d,]+), so a guest has about ([\d,]+):", told)
    assert found is not None
    arena, own, guests = (int(number.replace(",", "")) for number in found.groups())
    with Board.connect(f"qemu:{name}", timeout=TIMEOUT) as board:
        figures = board.memory()
        room = figures.arena_size - figures.vm_bytes
        assert figures.arena_size == arena
        assert abs(figures.vm_bytes - own) < 150
        assert abs(room - guests) < 150
        assert room < 8192, "8 KiB fit now: say so"
        assert figures.arena_largest_free > room - 64
