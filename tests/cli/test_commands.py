"""`wirq call`, `irq` and `boards` on the `host` board."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.boards import known_boards
from firmware_host.discovery import FoundBoard
from tests.cli import guest_modules
from tests.cli.conftest import Wirq, WriteModule


def test_call_takes_arguments_of_the_exports_type_and_prints_its_results(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "call", write(guest_modules.add()), "add", "-5", "0x3")
    assert (ran.code, ran.out) == (0, "-2\n")
    ran = wirq("-b", "host", "call", write(guest_modules.add()), "add", "1", "2", "--json")
    assert ran.last["results"] == [{"type": "i32", "value": "3"}]


def test_call_of_what_is_not_exported_names_what_is(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "call", write(guest_modules.add()), "sub", "1", "2")
    assert ran.code == 6
    assert "exports no function 'sub'" in ran.err
    assert "it exports add, fail" in ran.err


@pytest.mark.parametrize("arguments", [["1"], ["1", "2", "3"], ["1", "x"]])
def test_call_with_wrong_arguments_is_a_usage_error_that_tells_the_type(
    wirq: Wirq, write: WriteModule, arguments: list[str]
) -> None:
    ran = wirq("-b", "host", "call", write(guest_modules.add()), "add", *arguments)
    assert ran.code == 2
    assert "add has type [i32 i32] -> [i32]" in ran.err


def test_boards_shows_the_one_that_is_named_and_refuses_what_is_none(wirq: Wirq) -> None:
    ran = wirq("-b", "host", "--json", "boards")
    assert [one["info"]["name"] for one in ran.last["boards"]] == ["host"]
    ran = wirq("-b", "qemu:nope", "boards")
    assert ran.code == 3
    assert "nope" in ran.err


def test_a_trap_in_a_call_is_exit_code_1(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "call", write(guest_modules.add()), "fail")
    assert ran.code == 1
    assert "trap: integer divide by zero at app.wasm+0x" in ran.err


def test_irq_list_shows_every_source_in_a_table(wirq: Wirq) -> None:
    ran = wirq("-b", "host", "irq", "list")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "SOURCE  NAME    VECTOR  HANDLER  LEVEL  ENABLED  PENDING  DELIVERED  MISSED  FAULTS  WORST",
        "     0  uart         -  -            -  yes            0          0       0       0  -",
        "     1  timer        -  -            -  yes            0          0       0       0  -",
        "     2  button       -  -            -  yes            0          0       0       0  -",
        "     3  soft0        -  -            -  yes            0          0       0       0  -",
    ]
    ran = wirq("-b", "host", "irq", "list", "--json")
    assert [source["name"] for source in ran.last["sources"]] == ["uart", "timer", "button", "soft0"]


def test_irq_raise_takes_a_name_or_a_number(wirq: Wirq) -> None:
    ran = wirq("-b", "host", "irq", "raise", "soft0", "--count", "3")
    assert (ran.code, ran.out) == (0, "raised 3 soft0 3 times: 3 raised, 0 delivered, 0 missed\n")
    ran = wirq("-b", "host", "irq", "raise", "soft0", "--count", "3", "--after", "1s", "--every", "2ms")
    told = "raises 3 soft0 3 times, 2,000 us apart, the first in 1,000,000 us: so far 0 raised, 0 delivered, 0 missed\n"
    assert (ran.code, ran.out) == (0, told)
    ran = wirq("-b", "host", "irq", "raise", "soft0", "--count", "4000000000")  # in batches, for seconds
    assert ran.out.startswith("raises 3 soft0 4,000,000,000 times: so far ")
    assert wirq("-b", "host", "irq", "raise", "3", "--json").last["source"]["raised"] == 1


def test_irq_mask_and_unmask_hold_a_source_back_and_let_it_through(wirq: Wirq) -> None:
    ran = wirq("-b", "host", "irq", "mask", "button")
    assert (ran.code, ran.out) == (0, "masked 2 button\n")
    assert wirq("-b", "host", "irq", "mask", "2", "--json").last["source"]["enabled"] is False
    ran = wirq("-b", "host", "irq", "unmask", "button", "--json")
    assert ran.last["source"]["enabled"] is True
    assert wirq("-b", "host", "irq", "mask", "lever").code == wirq("-b", "host", "irq", "raise", "lever").code != 0


def test_boards_known_lists_every_board_with_what_plays_it(wirq: Wirq) -> None:
    ran = wirq("boards", "--known")
    assert ran.code == 0
    rows = ran.out.splitlines()
    assert rows[0].split() == ["NAME", "BOARD", "FLASH", "RAM", "SELECTORS"]
    assert [row.split()[0] for row in rows[1:]] == known_boards()
    assert re.search(r"^stm32f4 .*1024 KiB +128 KiB  qemu:stm32f4 renode:stm32f4$", ran.out, re.MULTILINE)
    objects = wirq("boards", "--known", "--json").last["boards"]
    assert {"name": "host", "selectors": ["host"]}.items() <= next(b for b in objects if b["name"] == "host").items()


def test_boards_with_nothing_attached_says_so(wirq: Wirq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_host.cli.boards.find_boards", lambda timeout, apps: [])
    ran = wirq("boards")
    assert (ran.code, ran.out.startswith("no board is attached")) == (0, True)
    assert wirq("boards", "--json").last["boards"] == []


def test_boards_names_the_way_out_of_old_firmware(wirq: Wirq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Board.connect("host") as board:
        info = board.info
    found = [
        FoundBoard("/dev/ttyACM0", "066BFF5252", "ST-LINK", info),
        FoundBoard("/dev/ttyACM1", "E66118604B", "Raspberry Pi Pico", replace(info, name="pico", vm_version="0.0.9")),
    ]
    monkeypatch.setattr("firmware_host.cli.boards.find_boards", lambda timeout, apps: found)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wirq.toml").write_text('[board.bench]\nselector = "port:/dev/ttyACM0"\n')
    assert wirq("boards").out.splitlines() == [
        "NAME   BOARD  PORT          SERIAL      VM     APP",
        f"bench  host   /dev/ttyACM0  066BFF5252  {info.vm_version}  -",
        "-      pico   /dev/ttyACM1  E66118604B  0.0.9  -    "
        "firmware older than this tool: wirq flash -b id:E66118604B",
    ]
