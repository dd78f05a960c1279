"""Transports: pipe, pseudo-terminal, socket and serial port carry bytes both ways, and say clearly when they cannot."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from firmware_host import Board, BoardNotFound, LinkError, PortBusy, PortForbidden
from firmware_host.selector import Target
from firmware_host.transport import LineControl, Transport
from firmware_host.transport.lock import PortLock
from firmware_host.transport.pipe import PipeTransport
from firmware_host.transport.pseudo_terminal import PtyTransport, open_raw
from firmware_host.transport.serial_port import SerialTransport, _explained
from firmware_host.transport.stream_socket import SocketTransport, connect, free_port
from tests.link.model_board import ModelBoard
from tests.link.serving import serial_port, tcp_port

ECHO = [sys.executable, "-c", "import os\nwhile d := os.read(0, 4096): os.write(1, d)"]
EVERY_BYTE = bytes(range(256)) * 16


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRQ_LOCKS", str(tmp_path / "locks"))


def read_all(transport: Transport, size: int, timeout: float = 10.0) -> bytes:
    data, end = b"", time.monotonic() + timeout
    while len(data) < size and time.monotonic() < end:
        data += transport.read(0.5)
    return data


@pytest.mark.parametrize("kind", [PipeTransport, PtyTransport])
def test_a_process_gets_and_gives_every_byte(kind: type[PipeTransport] | type[PtyTransport]) -> None:
    transport = kind(ECHO, name="echo")
    try:
        if kind is PtyTransport:
            time.sleep(0.1)
        transport.write(EVERY_BYTE)
        assert read_all(transport, len(EVERY_BYTE)) == EVERY_BYTE
        assert transport.read(0.0) == b""
    finally:
        transport.close()
    assert transport.process.poll() is not None
    transport.close()


def test_more_is_written_than_a_pipe_holds() -> None:
    transport = PipeTransport(ECHO, name="echo")
    received = bytearray()
    reader = threading.Thread(target=lambda: received.extend(read_all(transport, 1 << 20)))
    try:
        reader.start()
        transport.write(bytes(1 << 20))
        reader.join()
        assert len(received) == 1 << 20
    finally:
        transport.close()


def test_a_process_that_ends_is_told_with_its_status_and_its_last_words() -> None:
    script = "import sys; print('no arena', file=sys.stderr); sys.exit(3)"
    transport = PipeTransport([sys.executable, "-c", script], name="host")
    try:
        with pytest.raises(LinkError, match="ended with status 3") as caught:
            read_all(transport, 1)
        assert "no arena" in caught.value.hint
    finally:
        transport.close()


def test_a_program_that_is_not_there_is_a_link_error() -> None:
    with pytest.raises(LinkError, match="cannot start"):
        PipeTransport(["/nonexistent/firmware"], name="host")


def test_a_socket_reads_what_there_is_at_once() -> None:
    ours, theirs = socket.socketpair()
    transport = SocketTransport(ours, "pair")
    try:
        theirs.sendall(bytes(40000))
        assert len(transport.read(1.0)) > 10000
        theirs.close()
        with pytest.raises(LinkError, match="closed the connection"):
            while True:
                transport.read(1.0)
    finally:
        transport.close()
        theirs.close()


def test_a_unix_socket_is_connected_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        transport = connect(path)
        transport.write(b"hello")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(5) == b"hello"
        transport.close()


def test_nothing_listening_is_board_not_found() -> None:
    with pytest.raises(BoardNotFound, match="nothing answers") as caught:
        connect(("127.0.0.1", free_port()))
    assert caught.value.exit_code == 3


def test_a_board_behind_tcp_is_reached_by_its_selector() -> None:
    with tcp_port(ModelBoard()) as port, Board.connect(f"tcp:127.0.0.1:{port}", timeout=5.0) as board:
        assert board.info.name == "model"


def test_a_board_behind_a_serial_port_is_reached_by_its_selector() -> None:
    model = ModelBoard()
    with serial_port(model) as port, Board.connect(f"port:{port}", timeout=5.0) as board:
        board.put(b"\0asm\1\0\0\0" + EVERY_BYTE[:3000])
        assert board.instantiate().invoke("add", [1, 2]) == [3]
    assert model.committed.endswith(EVERY_BYTE[:3000])


def test_a_serial_port_has_lines_and_a_socket_has_none() -> None:
    assert issubclass(SerialTransport, LineControl)
    assert not issubclass(SocketTransport, LineControl)


def test_setting_the_lines_of_a_pseudo_terminal_does_no_harm() -> None:
    with serial_port(ModelBoard()) as port:
        transport = SerialTransport(port, dtr=False, rts=False)
        transport.set_lines(dtr=True, rts=None)
        with Board(Target(port, transport), timeout=5.0) as board:
            assert board.info.name == "model"  # bytes pass both ways as before


def test_a_port_in_use_by_the_tool_is_busy_and_names_the_holder() -> None:
    with serial_port(ModelBoard()) as port:
        transport = SerialTransport(port)
        try:
            with pytest.raises(PortBusy, match=rf"in use by `.*` \(pid {os.getpid()}\), started \d\d:\d\d") as caught:
                SerialTransport(port)
            assert caught.value.exit_code == 4
            assert caught.value.details["pid"] == os.getpid()
        finally:
            transport.close()
        SerialTransport(port).close()


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys, os; from firmware_host.transport.lock import PortLock; "
        "lock = PortLock('/dev/ttyTEST'); print('held', flush=True); sys.stdin.read(); os._exit(1)"
    )
    root = str(Path(__file__).resolve().parents[2])
    holder = PipeTransport([sys.executable, "-c", script], name="holder", environment={"PYTHONPATH": root})
    try:
        assert read_all(holder, 5) == b"held\n"
        with pytest.raises(PortBusy, match=f"pid {holder.process.pid}"):
            PortLock("/dev/ttyTEST")
    finally:
        holder.close()
    PortLock("/dev/ttyTEST").close()


def test_absent_busy_and_forbidden_are_told_apart() -> None:
    absent = _explained("/dev/ttyACM7", OSError(errno.ENOENT, "No such file"))
    busy = _explained("/dev/ttyACM7", OSError(errno.EBUSY, "Device or resource busy"))
    forbidden = _explained("/dev/null", OSError(errno.EACCES, "Permission denied"))
    assert isinstance(absent, BoardNotFound)
    assert isinstance(busy, PortBusy)
    assert isinstance(forbidden, PortForbidden)
    assert "fuser" in busy.hint
    assert "usermod -aG" in forbidden.hint
    assert {absent.exit_code, busy.exit_code, forbidden.exit_code} == {3, 4}


def test_a_port_that_is_not_there_is_board_not_found() -> None:
    with pytest.raises(BoardNotFound, match="no port"):
        SerialTransport("/dev/ttyNOWHERE")


def test_a_port_that_goes_away_is_a_link_error() -> None:
    master, slave = open_raw()
    port = os.ttyname(slave)
    transport = SerialTransport(port)
    try:
        os.close(slave)
        os.close(master)
        with pytest.raises(LinkError, match=port):
            read_all(transport, 1, timeout=2.0)
    finally:
        transport.close()
