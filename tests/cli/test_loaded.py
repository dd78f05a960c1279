"""What a board runs and which handlers it has, by name: the board tells hashes, this computer kept the modules."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import Board, sent
from firmware_host.cli import boards as boards_command
from firmware_host.discovery import FoundBoard
from firmware_host.info import BoardInfo
from firmware_host.link import table
from firmware_host.loaded import AppState
from firmware_host.wasm import Module
from tests.cli import guest_modules
from tests.cli.conftest import Wirq

ROOT = Path(__file__).resolve().parents[2]

BLINK = """\
#include "wirq_guest.h"
static volatile uint32_t ticks;
WIRQ_HANDLER_FUNCTION(on_timer) {
    ticks++;
}
int main(void) {
    wirq_attach(WIRQ_SOURCE_TIMER, on_timer, 0, 0);
    for (;;)
        ticks++;
}
"""


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where modules are kept in these tests."""
    folder = tmp_path / "sent"
    monkeypatch.setattr(sent, "_folder", lambda: folder)
    return folder


@pytest.fixture
def running() -> Iterator[str]:
    """The selector of a board that stays between commands."""
    command = [sys.executable, "-m", "firmware_host.cli.main", "--json", "sim", "host"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["selector"]
    process.terminate()
    process.wait(20)


@pytest.fixture
def blink(tmp_path: Path) -> Path:
    source = tmp_path / "blink.c"
    source.write_text(BLINK)
    return source


def test_boards_tells_what_a_busy_board_runs_and_irq_list_names_its_handlers(
    wirq: Wirq, running: str, blink: Path, kept: Path
) -> None:
    with Board.connect(running) as board:
        board.run(board.load(blink))
    listed = wirq("-b", running, "boards")
    assert listed.out.splitlines()[0].split() == ["NAME", "BOARD", "PORT", "SERIAL", "VM", "APP"]
    assert listed.out.splitlines()[1].endswith("  blink (running)")
    [told] = wirq("-b", running, "boards", "--json").last["boards"]
    assert (told["app"]["state"], told["app"]["name"]) == ("running", "blink")
    timer = wirq("-b", running, "irq", "list").out.splitlines()[2].split()
    assert timer[:4] == ["1", "timer", "-", "on_timer"]
    assert "handler     on_timer, level 0" in wirq("-b", running, "irq", "show", "timer").out
    sources = wirq("-b", running, "irq", "list", "--json").last["sources"]
    assert [source["handler_name"] for source in sources] == [None, "on_timer", None, None]
    for file in kept.iterdir():  # another computer's board, or one from long ago
        file.unlink()
    assert wirq("-b", running, "boards").out.splitlines()[1].endswith(f"  build {told['app']['build'][:6]} (running)")
    assert wirq("-b", running, "irq", "list").out.splitlines()[2].split()[3].startswith("#")


def test_states_of_an_app() -> None:
    with Board.connect("host") as board:
        assert board.app_state() == AppState("none")
        assert AppState("none").text == "-"
        instance = board.load(guest_modules.main_never_ends())
        state = board.app_state()
        assert state is not None
        build = hashlib.sha256(Module.parse(guest_modules.main_never_ends()).strip()).hexdigest()
        assert state == AppState("idle", "", "app", build[: 2 * table.APP_ID_SIZE])
        with board.run(instance) as app:
            assert board.app_state().text == "app (running)"  # type: ignore[union-attr]
            app.stop()
            assert board.app_state().text == "app (stopped)"  # type: ignore[union-attr]
        with board.run(guest_modules.main_traps()) as app:
            app.wait(5.0)
            assert board.app_state().status == "TRAP_UNREACHABLE"  # type: ignore[union-attr]
            assert board.app_state().text == "app (trapped)"  # type: ignore[union-attr]
        with board.run(guest_modules.main_returns(3)) as app:
            app.wait(5.0)
            assert board.app_state().text == "app (ended)"  # type: ignore[union-attr]
        board.drop()
        assert board.app_state() == AppState("none")


def test_a_module_of_the_store_is_called_as_its_file(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "stored.wasm"
    file.write_bytes(guest_modules.main_never_ends())
    with Board.connect("host") as board:
        board.files.put(file)
        for one in kept.iterdir():
            one.unlink()
        with board.run(board.instantiate(stored="stored.wasm")):
            assert board.app_state().text == "stored (running)"  # type: ignore[union-attr]


def test_each_instance_tells_its_own_module_and_handlers_their_instance() -> None:
    with Board.connect("host") as board:
        board.load(guest_modules.add())
        board.load(guest_modules.handler("button"), keep=True)
        values = [board.ask("app.state", instance=number) for number in range(3)]
        modules = (guest_modules.add(), guest_modules.handler("button"))
        ids = [hashlib.sha256(Module.parse(data).strip()).digest()[:8] for data in modules]
        assert [one["id"] for one in values] == [*ids, bytes(8)]
        assert values[0]["instances"] == 2
        assert board.ask("irq.handler", source=2)["instance"] == 1
        [button] = board.irq_named([board.irq_show(2)])
        assert button.handler_name == "irq:button"
        assert board.ask("irq.handler", source=0) == {"instance": 0xFF, "function": 0xFFFFFFFF}


def test_the_table_is_that_of_the_documents(wirq: Wirq, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(port: str, serial: str, name: str, version: str, app: AppState | None) -> FoundBoard:
        welcome = {field: 0 for field, _ in table.WELCOME} | {"build_id": b"", "unique_id": b""}
        info = BoardInfo.from_welcome({**welcome, "names": f"{name}\0{version}\0"})
        return FoundBoard(port, serial, "usb", info, app=app)

    attached = [
        found("/dev/ttyACM0", "066BFF5252", "nucleo-f401re", "0.3.1", AppState("running", "", "blink", "41aa07")),
        found("/dev/ttyACM1", "E66118604B", "pico", "0.2.9", None),
    ]
    monkeypatch.setattr(boards_command, "find_boards", lambda timeout, apps: attached)
    monkeypatch.setattr(boards_command, "package_version", lambda: "0.3.1")
    assert wirq("boards").out.splitlines() == [
        "NAME  BOARD          PORT          SERIAL      VM     APP",
        "-     nucleo-f401re  /dev/ttyACM0  066BFF5252  0.3.1  blink (running)",
        "-     pico           /dev/ttyACM1  E66118604B  0.2.9  -                "
        "firmware older than this tool: wirq flash -b id:E66118604B",
    ]


# -- the modules that are kept


def test_what_was_sent_is_recalled_by_the_beginning_of_its_hash(kept: Path) -> None:
    data = guest_modules.add()
    build = hashlib.sha256(data).hexdigest()
    sent.remember("añ b.wasm", build, data)
    assert sent.recall(build[:16]) == sent.SentModule("añ b.wasm", build, data)
    assert sent.recall(build) is not None
    assert sent.recall("0" * 16) is None
    assert sent.recall("") is None
    assert sent.recall("../../../../x") is None


def test_what_is_kept_and_is_not_what_its_name_says_is_not_used(kept: Path) -> None:
    data = guest_modules.add()
    build = hashlib.sha256(data).hexdigest()
    sent.remember("app.wasm", build, data)
    [file] = kept.iterdir()
    file.write_bytes(b"app.wasm\0" + guest_modules.main_traps())
    assert sent.recall(build) is None
    file.write_bytes(b"no module at all")
    assert sent.recall(build) is None
    sent.remember("app.wasm", build, data)
    assert sent.recall(build) is not None


def test_modules_that_are_kept_are_bounded_in_number_and_size(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(number: int, size: int = 10) -> str:
        data = bytes([number]) * size
        build = hashlib.sha256(data).hexdigest()
        sent.remember("x", build, data)
        if (file := kept / f"{build}.sent").exists():
            os.utime(file, (number, number))
        return build

    monkeypatch.setattr(sent, "MOST_FILES", 3)
    builds = [keep(number) for number in range(1, 6)]
    assert [sent.recall(build) is not None for build in builds] == [False, False, True, True, True]
    monkeypatch.setattr(sent, "MOST_BYTES", 100)
    large = keep(6, 80)
    assert sent.recall(large) is not None
    assert sum(file.stat().st_size for file in kept.iterdir()) <= 100
    keep(7, 101)
    assert sent.recall(large) is not None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(sent, "_folder", lambda: tmp_path / "file" / "sent")
    sent.remember("app.wasm", "0" * 64, b"data")
    assert sent.recall("0" * 64) is None
