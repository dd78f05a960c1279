"""`wirq repl`: on a terminal, from a pipe, and as a plain terminal program."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from firmware_host.build import firmware
from firmware_host.errors import LinkError
from firmware_host.transport.pseudo_terminal import PtyTransport
from tests.cli.conftest import Wirq

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A person at a terminal with the command in it."""

    def __init__(self, transport: PtyTransport) -> None:
        self.transport = transport
        self.seen = b""

    def expect(self, text: bytes, timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come, but {self.seen!r}"
            self.seen += self.transport.read(0.1)
        self.seen = self.seen.partition(text)[2]

    def type(self, data: bytes) -> None:
        self.transport.write(data)

    def leave(self, key: bytes, timeout: float = 20.0) -> int:
        """Types the key that ends the command; again, if nothing came of it: while a line appears above the prompt, the
        terminal is not raw and keeps a Ctrl-D to itself. Returns the status."""
        end = time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                self.type(key)
                self.seen += self.transport.read(1.0)
        except LinkError:
            return self.transport.process.wait(20)
        raise AssertionError(f"{key!r} does not end it, which showed {self.seen!r}")


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    environment = f"cd {ROOT} && TERM=xterm exec {sys.executable} -m firmware_host.cli.main"
    transport = PtyTransport(["sh", "-c", f"{environment} {' '.join(arguments)}"], name="terminal")
    try:
        yield Terminal(transport)
    finally:
        transport.close()


def test_lines_are_edited_sent_and_answered_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with terminal("-b", "host", "repl") as person:
        person.expect(b"wirq> ")
        person.type(b"irq lost\x7f\x7f\x7fist\r")
        person.expect(b"soft0")
        person.expect(b"wirq> ")
        assert person.leave(b"\x04") == 0
    assert "irq list" in (tmp_path / "wirq" / "repl-history").read_text()


def test_a_plain_terminal_passes_bytes_both_ways_and_leaves_by_its_own_key() -> None:
    with terminal("-b", "host", "repl", "--plain") as person:
        person.expect(b"wirq> ")
        person.type(b"irq list\r")
        person.expect(b"irq list\r\n")  # the board's own echo
        person.expect(b"soft0")
        person.type(b"\x03")
        person.expect(b"^C")
        assert person.leave(b"\x1d") == 0


def test_a_plain_terminal_ends_with_its_input() -> None:
    command = [sys.executable, "-m", "firmware_host.cli.main", "-b", "host", "repl", "--plain"]
    done = subprocess.run(command, cwd=ROOT, input=b"irq list\r", capture_output=True, timeout=30, check=True)
    assert b"soft0" in done.stdout


def test_lines_from_a_pipe_are_sent_one_after_another_and_the_answers_saved(
    wirq: Wirq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("irq list\ninfo\n"))
    ran = wirq("-b", "host", "repl", "--save", tmp_path / "log")
    assert ran.code == 0
    assert ran.out.index("soft0") < ran.out.index("a process on this computer")
    assert "soft0" in (tmp_path / "log").read_text()


def test_answers_are_log_objects_with_json(wirq: Wirq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("irq list\n"))
    ran = wirq("-b", "host", "repl", "--json")
    assert any("soft0" in one["line"] for one in ran.objects if one["type"] == "log")
    assert ran.last["type"] == "result"


FIB = """
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__attribute__((export_name("fib"))) int exported(int n) { return fib(n); }
__attribute__((export_name("half"))) float half(float x) { return x / 2; }
__attribute__((export_name("big"))) long long big(long long x) { return x * x; }
__attribute__((export_name("div"))) int divide(int a, int b) { return a / b; }
"""


def test_exports_are_called_with_typed_values_and_errors_do_not_end_it(
    wirq: Wirq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "fib.c"
    source.write_text(FIB)
    lines = ["call fib 20", f"load {source}", "call fib 20", "call half -1.5", "call big 3000000000", "exports"]
    lines += ["call fib x", "call fib", "call gone", "load gone.wasm", "call div 1 0", "call fib 10"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    ran = wirq("-b", "host", "repl")
    assert ran.code == 0
    answers = [line.removeprefix("wirq> ") for line in ran.out.splitlines()]
    assert answers[0] == "error: no module is loaded; nothing was called"
    assert answers[2].startswith("fib.c is loaded (build ")
    assert answers[3:6] == ["6765", "-0.75", "9000000000000000000"]
    assert "fib  [i32] -> [i32]" in answers
    assert "'x' is no i32" in ran.out
    assert "exports no function 'gone'" in ran.out
    assert "gone.wasm is no file" in ran.out
    assert "trap: integer divide by zero" in ran.out
    assert answers[-1] == "55"


HANDLES = """\
#include "wirq_guest.h"
WIRQ_HANDLER(button) {
}
"""


def test_sources_are_shown_and_bounded_as_by_the_commands(
    wirq: Wirq, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "handles.c"
    source.write_text(HANDLES)
    lines = ["irq bound", f"load {source}", "irq show button", "irq show", "irq show nosuch", "irq bound"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    ran = wirq("-b", "host", "repl")
    assert ran.code == 0
    answers = [line.removeprefix("wirq> ") for line in ran.out.splitlines()]
    assert answers[0] == "no source has a handler"
    assert "source      2 button" in answers
    assert "handler     irq:button, level 0" in answers
    assert "error: which source?" in answers
    assert "error: host has no interrupt source 'nosuch'" in answers
    assert any(line.startswith("SOURCE  NAME    LEVEL  RAISE") for line in answers)
    assert any(line.startswith("in ") and "the longest run between two safe points is" in line for line in answers)


def test_completion_knows_commands_exports_with_types_and_sources(tmp_path: Path, wirq: Wirq) -> None:
    from firmware_host.cli.attached import Attached
    from firmware_host.cli.context import Context
    from firmware_host.cli.repl_session import ReplSession

    source = tmp_path / "fib.c"
    source.write_text(FIB)
    context = Context("host")
    said: list[bytes] = []
    with Attached(context, lambda board: setattr(board, "on_text", said.append)) as attached:
        session = ReplSession(context, attached, said.append)
        assert ("irq", "") in list(session.completions("i"))
        assert ("button", "source 2") in list(session.completions("irq raise "))
        assert ("button", "source 2") in list(session.completions("irq show "))
        assert list(session.completions("irq bound ")) == []
        assert (str(source), "") in list(session.completions(f"load {tmp_path}/"))
        session.do(f"load {source}")
        found = dict(session.completions("call "))
        assert set(found) >= {"fib", "half", "big", "div"}
        assert "f32" in found["half"]
        session.forget()
        session.do("call fib 3")
    assert b"no module is loaded" in b"".join(said)


@contextmanager
def board_at(port: int) -> Iterator[None]:
    """The host board behind a TCP port, as a board that is plugged in."""
    process = subprocess.Popen([str(firmware("host")), "--tcp", str(port)], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_a_board_that_was_unplugged_is_waited_for_while_nobody_types() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as plugged_in:
        plugged_in.enter_context(board_at(port))
        with terminal("-b", f"tcp:127.0.0.1:{port}", "repl") as person:
            person.expect(b"wirq> ")
            plugged_in.close()
            person.expect(b"waiting for it")
            plugged_in.enter_context(board_at(port))
            person.expect(b"is back")
            person.type(b"irq list\r")
            person.expect(b"soft0")
            assert person.leave(b"\x04") == 0
