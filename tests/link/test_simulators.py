"""Simulators: a missing one is named with its package; Renode is driven headless over its server and a byte pipe."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from firmware_host import Board, BoardNotFound, LinkError, ToolMissing
from firmware_host.boards import load_board
from firmware_host.selector import Target
from firmware_host.sim import qemu, renode
from firmware_host.sim.qmp import Qmp

ROOT = Path(__file__).resolve().parents[2]

#: Answers like Renode's server and plays the board, told by what the monitor is asked to do.
FAKE_RENODE = """#!{python}
import sys, threading
sys.path.insert(0, {root!r})
from xmlrpc.server import SimpleXMLRPCServer
from contextlib import ExitStack
import socket
from tests.link.model_board import ModelBoard
from tests.link.serving import serve

assert "--disable-gui" in sys.argv and "--hide-log" in sys.argv
log = open({log!r}, "w", buffering=1)
board = ModelBoard()

def listen(port):
    listener = socket.create_server(("127.0.0.1", port))
    def accept():
        connection, _ = listener.accept()
        serve(connection.fileno(), board, threading.Event())
    threading.Thread(target=accept, daemon=True).start()

class Server:
    def get_keyword_names(self):
        return ["StopRemoteServer", "ExecuteCommand"]
    def run_keyword(self, name, arguments):
        assert name == "ExecuteCommand"
        (line,) = arguments
        log.write(line + "\\n")
        if line == {refused!r}:
            return {{"status": "FAIL", "output": "", "return": "", "error": "No such device", "traceback": ""}}
        if line.startswith("emulation CreateServerSocketTerminal"):
            listen(int(line.split()[2]))
        return {{"status": "PASS", "output": "", "return": "", "error": "", "traceback": ""}}
    def stop_remote_server(self):
        threading.Thread(target=server.shutdown).start()
        return True

server = SimpleXMLRPCServer(("127.0.0.1", int(sys.argv[sys.argv.index("--robot-server-port") + 1])), logRequests=False)
server.register_instance(Server())
server.serve_forever()
"""


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    qemu.find_program.cache_clear()


@pytest.mark.usefixtures("no_programs")
def test_a_missing_qemu_is_named_with_the_package_to_install() -> None:
    with pytest.raises(ToolMissing, match="is not installed, so no board was started") as caught:
        Board.connect("qemu:stm32f4")
    assert caught.value.exit_code == 8
    assert caught.value.hint.startswith("sudo apt-get install --no-install-recommends qemu-system-")


@pytest.mark.usefixtures("no_programs")
@pytest.mark.parametrize("last", [b"", b'{"timestamp": {"seconds": 1, '])
def test_a_qemu_that_ends_while_it_is_spoken_to_has_closed_its_socket_even_within_a_line(last: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b'{"QMP": {}}\n{"return": {}}\n' + last)
        theirs.shutdown(socket.SHUT_WR)
        qmp = Qmp(ours)
        with pytest.raises(LinkError, match="closed its control socket"):
            qmp.execute("quit")
        qmp.close()


def test_a_missing_renode_is_told() -> None:
    with pytest.raises(ToolMissing, match="renode is not on PATH") as caught:
        Board.connect("renode:stm32f4")
    assert caught.value.exit_code == 8


def test_a_board_that_an_emulator_does_not_play_is_not_found() -> None:
    with pytest.raises(BoardNotFound, match="does not play the board host"):
        qemu.target_of(load_board("host"))


def fake_renode(directory: Path, refused: str = "") -> Path:
    program = directory / "renode"
    values = {"python": sys.executable, "root": str(ROOT), "log": str(directory / "log"), "refused": refused}
    program.write_text(FAKE_RENODE.format(**values))
    program.chmod(0o755)
    return directory / "log"


def test_renode_loads_the_boards_script_attaches_its_uart_and_only_then_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = fake_renode(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    facts = load_board("stm32f4")
    target = facts.renode()
    assert target is not None
    with renode.Renode(facts, tmp_path / "fw.elf") as simulator:
        with Board(Target("renode", simulator.transport, simulator.tick_hz), timeout=5.0) as board:
            assert board.info.name == "model"
        lines = log.read_text().splitlines()
    assert lines[0] == f"$bin=@{tmp_path / 'fw.elf'}"
    assert lines[1] == f"include @{target.script}"
    assert lines[2].startswith("emulation CreateServerSocketTerminal")
    assert lines[2].endswith("false")
    assert lines[3] == f"connector Connect {target.uart} link"
    assert lines[4:] == ["start"]


def test_what_renode_refuses_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = load_board("stm32f4")
    target = facts.renode()
    assert target is not None
    fake_renode(tmp_path, refused=f"include @{target.script}")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(LinkError, match="No such device"):
        renode.Renode(facts, tmp_path / "fw.elf")
