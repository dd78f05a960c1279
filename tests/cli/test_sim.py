"""`wirq sim` keeps a board running for clients that come and go; `wirq log` shows what it prints and lets it run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.sim.process import is_running
from tests.cli import guest_modules
from tests.cli.conftest import Wirq, WriteModule

ROOT = Path(__file__).resolve().parents[2]

TICKER = """\
#include "wirq_guest.h"
WIRQ_HANDLER(timer) {
    wirq_print("\\x1b[31mtick\\x1b[0m\\n");
}
int main(void) {
    board_timer_start(WIRQ_SOURCE_TIMER, 50000);
    for (;;)
        wirq_wait(-1);
}
"""


@pytest.fixture(params=["host", "qemu:microbit"])
def selector(request: pytest.FixtureRequest) -> Iterator[str]:
    command = [sys.executable, "-m", "firmware_host.cli.main", "--json", "sim", request.param]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        assert told["type"] == "sim"
        yield told["selector"]
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(out)["type"] == "result"


def test_clients_come_and_go_and_what_they_left_is_still_there(selector: str) -> None:
    with Board.connect(selector) as board:
        board.put(guest_modules.add())
        board.instantiate()
        assert not board.ends_with_us
    with Board.connect(selector) as board:
        assert board.memory().arena_used > 0
        board.put(guest_modules.add())
        assert board.instantiate().invoke("add", [1, 2]) == [3]


def test_put_tells_where_an_upload_that_was_cut_off_went_on(selector: str, wirq: Wirq, tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    file.write_bytes(bytes(range(256)) * 8)
    with Board.connect(selector) as board:
        digest = hashlib.sha256(file.read_bytes()).digest()
        board.ask("files.begin", size=2048, sha256=digest, name="long.txt")
        board.ask("files.write", offset=0, data=file.read_bytes()[:128])
    ran = wirq("-b", selector, "put", file)
    assert ran.out.splitlines()[0].endswith("0 frames resent, 128 B were there since it was cut off")
    again = wirq("-b", selector, "put", file, "--force", "--json").last["files"][0]
    assert (again["sent"], again["resumed_at"]) == (True, 0)


def test_a_second_client_is_told_who_has_the_board_and_the_first_goes_on(selector: str, wirq: Wirq) -> None:
    with Board.connect(selector) as board:
        second = wirq("-b", selector, "ls")
        assert second.code == 4
        assert re.search(rf"in use by `.*` \(pid {os.getpid()}\)", second.err)
        board.put(guest_modules.add())
        assert board.instantiate().invoke("add", [1, 2]) == [3]
    assert wirq("-b", selector, "ls").code == 0


def test_a_client_that_asks_for_no_lock_keeps_others_out_too(selector: str, wirq: Wirq) -> None:
    host, port = selector.removeprefix("tcp:").split(":")
    with socket.create_connection((host, int(port))):
        for _ in range(3):
            refused = wirq("--json", "-b", selector, "ls")
            assert refused.code == 4
            assert refused.last["message"] == f"{host}:{port} is in use by another client"
    assert wirq("-b", selector, "ls").code == 0


def test_a_log_shows_what_an_app_prints_that_somebody_else_left_running(
    wirq: Wirq, write: WriteModule, tmp_path: Path
) -> None:
    source = tmp_path / "ticker.c"
    source.write_text(TICKER)
    command = [sys.executable, "-m", "firmware_host.cli.main", "--json", "sim", "host"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        selector = json.loads(process.stdout.readline())["selector"]
        run = [sys.executable, "-m", "firmware_host.cli.main", "-b", selector, "run", "--keep", str(source)]
        left = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert left.stdout is not None
        assert any("tick" in line for line in left.stdout)
        left.send_signal(signal.SIGINT)
        out, _ = left.communicate(timeout=20)
        assert "left running" in out
        time.sleep(0.2)
        saved = tmp_path / "saved.log"
        ran = wirq("-b", selector, "log", "--for", "0.5", "--filter", "ti", "--save", saved)
        assert ran.code == 0
        assert len(ran.out.splitlines()) >= 3
        assert all(line.endswith("] \x1b[31mtick\x1b[0m") for line in ran.out.splitlines())
        assert all(line.endswith("Z tick") for line in saved.read_text().splitlines())
        assert wirq("-b", selector, "log", "--for", "0.3", "--filter", "tock").out == ""
        lines = wirq("-b", selector, "log", "--for", "0.5", "--time", "both").out.splitlines()
        times = [
            re.fullmatch(r"\[\d\d:\d\d:\d\d\.\d{3}\] \[ *(\d+\.\d{6})\] \x1b\[31mtick\x1b\[0m", line)
            for line in lines[1:-1]
        ]
        assert len(times) >= 3
        board_times = [float(match[1]) for match in times if match]
        assert len(board_times) == len(times)
        # The timer ticks every 50 ms of the board's clock; on a busy computer a line may be late.
        assert all(sooner < later for sooner, later in pairwise(board_times))
        assert board_times[-1] - board_times[0] > 0.04 * (len(board_times) - 1) - 0.04
        logged = [one for one in wirq("-b", selector, "log", "--for", "0.3", "--json").objects if one["type"] == "log"]
        assert any(one.get("board_time_us", 0) > board_times[-1] * 1e6 for one in logged)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["port:/dev/ttyACM0"], "no simulated board"),
        (["qemu:stm32f4", "--engine", "renode"], "contradict"),
        (["stm32f4", "--engine", "host"], "host does not play the board stm32f4; qemu and renode does"),
        (["host", "--gdb", "3333"], "--gdb is for qemu and renode"),
    ],
)
def test_what_cannot_be_simulated_is_usage(wirq: Wirq, arguments: list[str], told: str) -> None:
    ran = wirq("sim", *arguments)
    assert ran.code == 2
    assert told in ran.err


def test_an_emulator_ends_when_the_tool_is_killed_hard() -> None:
    command = [sys.executable, "-m", "firmware_host.cli.main", "-v", "--json", "sim", "qemu:microbit"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    json.loads(process.stdout.readline())
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.communicate()
    end = time.monotonic() + 5.0
    while any(is_running(int(pid)) for pid in children):
        assert time.monotonic() < end, "the emulator lives on"
        time.sleep(0.05)


def test_the_host_board_ends_with_the_tool_even_when_nothing_can_interrupt_it(tmp_path: Path) -> None:
    """A count of instructions holds all interrupts off, and this guest never ends."""
    script = (
        "from firmware_host import Board; from tests.cli import guest_modules\n"
        "from firmware_host.build.image import Options, build; from firmware_host.selector import Target\n"
        "from firmware_host.transport.pipe import PipeTransport\n"
        "image = build(Options('host', None, None, {'WIRQ_BENCH': '1'}))\n"
        "transport = PipeTransport([image.elf], name='host')\n"
        "board = Board(Target('host', transport)); board.put(guest_modules.main_never_ends())\n"
        "print(transport.process.pid, flush=True); board.bench('main')"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    board = int(process.stdout.readline())
    end = time.monotonic() + 10.0
    while processor_seconds(board) < 0.5:  # the guest runs
        assert time.monotonic() < end, "the guest does not run"
        time.sleep(0.05)
    process.kill()
    process.communicate()
    end = time.monotonic() + 10.0
    while is_running(board):
        assert time.monotonic() < end, "the board lives on"
        time.sleep(0.05)


def processor_seconds(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]
    return int(ticks) / os.sysconf("SC_CLK_TCK")
