"""The messages that people meet first, word for word: two boards, a busy port, one that may not be opened, a trap under
--watch. Times, builds and offsets differ from run to run."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
from serial.tools import list_ports

from firmware_host import FoundBoard, PortForbidden, discovery
from firmware_host.info import BoardInfo
from firmware_host.transport.lock import PortLock
from tests.cli import guest_modules
from tests.cli.conftest import Wirq, WriteModule
from tests.link.model_board import ModelBoard
from tests.link.model_transport import connected
from tests.link.test_discovery import Port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRQ_LOCKS", str(tmp_path / "locks"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def info() -> BoardInfo:
    with connected(ModelBoard()) as model:
        return model.info


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("put", "app.wasm"), "put app.wasm"),
        (("run", "app.wasm", "--raise", "button@1ms"), "run app.wasm --raise button@1ms"),
        (("irq", "list"), "irq list"),
    ],
)
def test_two_boards_and_the_command_that_chooses_one(
    wirq: Wirq,
    write: WriteModule,
    monkeypatch: pytest.MonkeyPatch,
    info: BoardInfo,
    command: tuple[str, ...],
    shown: str,
) -> None:
    write(guest_modules.main_returns(0))
    Path("wirq.toml").write_text('[board.bench]\nselector = "port:/dev/ttyACM0"\n')
    found = [FoundBoard("/dev/ttyACM0", "A", "", info), FoundBoard("/dev/ttyACM1", "E66118604B", "", info)]
    monkeypatch.setattr(discovery, "candidate_ports", lambda: found)
    monkeypatch.setattr(discovery, "find_boards", lambda: found)
    ran = wirq(*command)
    assert ran.code == 3
    assert ran.err.splitlines() == [
        "error: two boards answer, so nothing was sent",
        "  bench          model  /dev/ttyACM0",
        "  id:E66118604B  model  /dev/ttyACM1",
        f"  choose one:  wirq -b bench {shown}        (or set WIRQ_BOARD; exit code 3)",
    ]


@pytest.fixture
def one_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A board's port, which some other program has."""
    monkeypatch.setattr(list_ports, "comports", lambda: [Port("/dev/ttyACM0", 0x0D28, 0x0204, "9900")])
    monkeypatch.setattr(sys, "argv", ["wirq", "log"])
    lock = PortLock("/dev/ttyACM0")
    yield "/dev/ttyACM0"
    lock.close()


@pytest.mark.parametrize("selector", [(), ("-b", "port:/dev/ttyACM0")])
def test_flash_of_a_busy_port_names_the_way_without_it(wirq: Wirq, one_port: str, selector: tuple[str, ...]) -> None:
    ran = wirq(*selector, "flash")
    assert ran.code == 4
    first, second = ran.err.splitlines()
    who = rf"`wirq log` \(pid {os.getpid()}\), started \d\d:\d\d"
    assert re.fullmatch(f"error: {one_port} is in use by {who}", first)
    assert second.startswith("  stop it, or flash through the debug probe:  wirq flash -b microbit")
    assert second.endswith(" --driver pyocd")


def test_flash_of_a_busy_port_whose_board_is_known(wirq: Wirq, one_port: str) -> None:
    Path("wirq.toml").write_text(f'[board.bench]\nselector = "port:{one_port}"\nboard = "stm32f4"\n')
    ran = wirq("-b", "bench", "flash")
    assert ran.code == 4
    assert ran.err.splitlines()[1] == (
        "  stop it, or flash through the debug probe:  wirq flash -b stm32f4 --driver pyocd"
    )


def test_a_port_that_may_not_be_opened(wirq: Wirq, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(port: serial.Serial) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(serial.Serial, "open", forbidden)
    monkeypatch.setattr("firmware_host.transport.serial_port._group_of", lambda port: "dialout")
    ports = [Port("/dev/ttyACM0", 0x0D28, 0x0204, "9900")]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    ran = wirq("boards")
    assert ran.code == PortForbidden.exit_code
    assert ran.err.splitlines() == [
        "error: /dev/ttyACM0 exists but you may not open it (group dialout)",
        "  sudo usermod -aG dialout $USER     then log in again",
    ]
    ports.append(Port("/dev/ttyACM1", 0x0D28, 0x0204, "9901"))  # then it is a list, with the same way out
    ran = wirq("boards")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[1].endswith("/dev/ttyACM0 exists but you may not open it (group dialout)")
    assert lines[3:] == ["  sudo usermod -aG dialout $USER     then log in again"]


TRAPS = """\
#include "wirq_guest.h"
static volatile uint32_t *const nowhere = (volatile uint32_t *)0x7fffffff;
WIRQ_HANDLER(soft0) {
    *nowhere = 1;
}
int main(void) {
    for (;;)
        wirq_pend(WIRQ_SOURCE_SOFT0);
}
"""


def test_watch_tells_a_trap_and_what_it_waits_for(tmp_path: Path) -> None:
    source = tmp_path / "app.c"
    source.write_text(TRAPS)
    command = [sys.executable, "-m", "firmware_host.cli.main", "-b", "host", "run", str(source), "--watch"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if "waiting for" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    reports = re.escape(str(tmp_path / "state" / "wirq" / "crashes"))
    wanted = [
        r"\[..:..:..\.\d{3}\] started \(build [0-9a-f]{6}\)",
        r"\[..:..:..\.\d{3}\] trap: out of bounds memory access at app\.wasm\+0x[0-9a-f]+, 1 interrupt delivered",
        r"    #0 irq:soft0   app\.c:4   address 0x7fffffff, memory 1 KiB   \(source 3, soft0\)",
        r"    #1 main        app\.c:[78]   \(interrupted here\)",
        rf"saved {reports}/crash-\d{{8}}-\d{{6}}(-\d+)?\.json; waiting for app\.c to change",
    ]
    assert len(lines) == len(wanted) + 2, lines
    assert "handler of soft0 trapped" in lines[2]  # what the board prints, whoever listens, on a line of its own
    for line, pattern in zip(lines[:1] + lines[3:], wanted, strict=True):
        assert re.fullmatch(pattern, line), line
    assert "waiting" not in err


SPINS = """\
#include "wirq_guest.h"
static volatile uint32_t turns;
WIRQ_HANDLER(soft0) {
    turns = 0;
}
int main(void) {
    for (;;)
        turns++;
}
"""


def test_ctrl_c_tells_the_line_and_how_many_interrupts_there_were(tmp_path: Path) -> None:
    source = tmp_path / "blink.c"
    source.write_text(SPINS)
    raises = [word for ms in (1, 2, 3) for word in ("--raise", f"soft0@{ms}ms")]
    command = [sys.executable, "-m", "firmware_host.cli.main", "-b", "host", "run", str(source), *raises]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "started (build " in process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    ending = out.splitlines()[-1]
    place = r"stopped at a safe point in main \(blink\.c:[78]\), 3 interrupts delivered"
    assert re.fullmatch(rf"\[..:..:..\.\d{{3}}\] {place}", ending), ending
