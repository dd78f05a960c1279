"""`wirq run --fuel`: an app is stopped after so many safe points, on each board alike."""

from __future__ import annotations

import pytest

from firmware_host import Board
from tests import needs
from tests.cli import guest_modules
from tests.cli.conftest import Wirq, WriteModule


@pytest.mark.parametrize("board", ["host", "qemu:microbit"])
def test_an_app_that_never_ends_is_out_of_fuel_at_exactly_that_safe_point(
    wirq: Wirq, write: WriteModule, board: str
) -> None:
    if board != "host":
        needs.program("qemu-system-arm", "fuel on an emulated chip")
    ran = wirq("-b", board, "--json", "run", write(guest_modules.main_never_ends()), "--fuel", "1234")
    assert ran.code == 1
    assert ran.last["fuel"] == {"limit": 1234, "used": 1234, "exhausted": True}
    assert (ran.last["ok"], ran.last["interrupted"], ran.last["trap"]["function"]) == (False, False, 0)


def test_running_out_of_fuel_is_told_in_words(wirq: Wirq, write: WriteModule) -> None:
    ran = wirq("-b", "host", "run", write(guest_modules.main_never_ends()), "--fuel", "1000")
    assert "out of fuel (1,000 safe points), stopped at a safe point in main" in ran.out


def test_initialize_and_main_share_the_fuel(wirq: Wirq, write: WriteModule) -> None:
    module = write(guest_modules.loops_in_initialize_and_main(100))
    used = wirq("-b", "host", "--json", "run", module, "--fuel", "1000").last
    assert used["ok"]
    needed = used["fuel"]["used"]
    assert needed >= 200
    assert not used["fuel"]["exhausted"]

    last = wirq("-b", "host", "--json", "run", module, "--fuel", str(needed - 1)).last
    assert last["fuel"] == {"limit": needed - 1, "used": needed - 1, "exhausted": True}


def test_the_next_run_is_not_limited_by_the_fuel_of_the_one_before() -> None:
    with Board.connect("host") as board:
        instance = board.load(guest_modules.loops_in_initialize_and_main(100))
        assert board.run(instance, fuel=50).wait(timeout=10).out_of_fuel
        result = board.run(instance).wait(timeout=10)
        assert (result.ok, result.out_of_fuel) == (True, False)


def test_what_is_stopped_by_hand_is_not_out_of_fuel() -> None:
    with Board.connect("host") as board:
        app = board.run(guest_modules.main_never_ends(), fuel=0xFFFFFFFF)
        result = app.stop(timeout=10)
        assert result.trap is not None
        assert (result.trap.stopped, result.out_of_fuel) == (True, False)


def test_fuel_is_at_least_one(wirq: Wirq, write: WriteModule) -> None:
    assert wirq("-b", "host", "run", write(guest_modules.main_never_ends()), "--fuel", "0").code == 2
