"""board.toml: what is right is read, what is wrong is named, and every board of the project agrees with the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_host.boards import PORTABLE_PINS, PORTABLE_SOURCES, BoardFacts, known_boards, load_board, read_board
from firmware_host.errors import BoardNotFound, BuildError
from tests.build.board_files import VALID, write_board


def test_a_valid_file_gives_the_facts_it_states(tmp_path: Path) -> None:
    facts = read_board(write_board(tmp_path))
    assert facts.name == "demo"
    assert facts.ram is not None
    assert (facts.ram.origin, facts.ram.size) == (0x20000000, 0x4000)
    assert 0x20003FFF in facts.ram
    assert 0x20004000 not in facts.ram
    assert facts.vm.arena_size == 8192
    assert [(s.number, s.name, s.vector) for s in facts.irq_sources][2:] == [(2, "button", 6), (3, "soft0", None)]
    assert facts.source("timer") == facts.source("1") == facts.source(1)
    assert facts.define["CLOCK"] == "hfclk"
    assert facts.renode() is None


def test_facts_of_a_qemu_version_override_the_general_ones_for_that_version_only(tmp_path: Path) -> None:
    facts = read_board(write_board(tmp_path))
    seven, ten = facts.qemu(7), facts.qemu(10)
    assert seven is not None
    assert ten is not None
    assert (seven.tick_hz, ten.tick_hz) == (1000000, 16000000)
    assert seven.machine == ten.machine == "microbit"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "demo"', 'name = "other"', "name"),
        ('machine = "cortex-m0"', 'machine = "cortex-m99"', "machine"),
        ('title = "A board for tests"', "title = 3", "title"),
        ('title = "A board for tests"', "", "title"),
        ("arena_size = 8192", "arena_size = 8193", "vm.arena_size"),
        ("arena_size = 8192", "arena_size = -8", "vm.arena_size"),
        ("arena_size = 8192", "arena_size = true", "vm.arena_size"),
        ("arena_size = 8192", "arena_size = 16384", "vm"),
        ("max_frame = 256", "max_frame = 256\nmax_fame = 1", "vm.max_fame"),
        ('sources = ["board.c"]', 'sources = ["gone.c"]', "sources"),
        ('linker_script = "board.ld"', 'linker_script = "gone.ld"', "linker_script"),
        ('linker_script = "board.ld"', "", "linker_script"),
        ("ram = { origin = 0x20000000, size = 0x4000 }", "", "ram"),
        ("number = 3", "number = 4", "source"),
        ('name = "soft0"', 'name = "soft1"', "soft0"),
        ('name = "soft0"', 'name = "uart"', "uart"),
        ('name = "soft0"', 'name = "Soft 0"', "name"),
        ("vector = 6", "vector = 70000", "vector"),
        ('name = "led"', 'name = "lamp"', "led"),
        ("PIN_LED_ROW = 13", "pin_led_row = 13", "define.pin_led_row"),
        ("PIN_LED_ROW = 13", "PIN_LED_ROW = 1.5", "define.PIN_LED_ROW"),
        ("tick_hz = 16000000", "", "target.chip.tick_hz"),
        ('machine = "microbit"', "", "target.qemu.machine"),
        ("tick_hz = 1000000", "tick_hertz = 1", "target.qemu.tick_hertz"),
        ("baud = 115200", "baud = 115200\n[colour]", "colour"),
    ],
)
def test_a_wrong_value_is_refused_naming_file_and_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in VALID
    file = write_board(tmp_path, VALID.replace(old, new, 1))
    with pytest.raises(BuildError) as caught:
        read_board(file)
    assert "demo/board.toml" in str(caught.value)
    assert named in str(caught.value)


def test_a_file_that_is_not_toml_is_refused_naming_the_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"demo/board\.toml is not TOML.*line 1"):
        read_board(write_board(tmp_path, "name demo"))


def test_an_unknown_board_is_refused_naming_those_there_are() -> None:
    with pytest.raises(BoardNotFound) as caught:
        load_board("no-such-board")
    assert "no-such-board" in str(caught.value)
    assert "stm32f4" in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_path_is_no_board_name() -> None:
    with pytest.raises(BoardNotFound):
        load_board("../boards/stm32f4")


def test_the_boards_of_the_project_are_there() -> None:
    emulated = {"stm32f4", "microbit", "hifive1", "mps2-an505", "nucleo-f401re", "mps3-an524", "virt"}
    bought = {"nrf52840-dk", "microbit-v2", "pico"}
    assert {"host"} | emulated | bought == set(known_boards())
    assert {name for name in known_boards() if load_board(name).qemu() is not None} == emulated


@pytest.fixture(params=known_boards())
def board(request: pytest.FixtureRequest) -> BoardFacts:
    return load_board(request.param)


def test_portable_sources_and_pins_have_the_same_number_on_every_board(board: BoardFacts) -> None:
    sources = {s.name: s.number for s in board.irq_sources}
    pins = {p.name: p.number for p in board.pins}
    assert sources.items() >= PORTABLE_SOURCES.items()
    assert pins.items() >= PORTABLE_PINS.items()


def test_every_emulated_board_has_facts_for_the_qemu_versions_in_use(board: BoardFacts) -> None:
    if board.qemu() is None:
        assert board.machine == "host" or board.flashers, "nothing could run it"
        return
    for major in (7, 8, 9, 10):
        target = board.qemu(major)
        assert target is not None
        assert target.tick_hz > 0
