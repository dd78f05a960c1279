"""`wirq repl`: on a terminal, from a pipe, and as a plain terminal program."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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

    def end(self) -> int:
        try:
            while True:
                self.seen += self.transport.read(1.0)
        except LinkError:
            return self.transport.process.wait(20)


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
        person.type(b"\x04")
        assert person.end() == 0
    assert "irq list" in (tmp_path / "wirq" / "repl-history").read_text()


def test_a_plain_terminal_passes_bytes_both_ways_and_leaves_by_its_own_key() -> None:
    with terminal("-b", "host", "repl", "--plain") as person:
        person.expect(b"wirq> ")
        person.type(b"irq list\r")
        person.expect(b"irq list\r\n")  # the board's own echo
        person.expect(b"soft0")
        person.type(b"\x03")
        person.expect(b"^C")
        person.type(b"\x1d")
        assert person.end() == 0


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
