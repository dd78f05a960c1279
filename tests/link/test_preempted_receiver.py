"""The receiver's ISR at every moment of what the main loop does with it: as if it had come before or after.

Every access to memory of that part is a moment. So nothing is lost: no Ctrl-C, no byte, no frame that came damaged.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.build.generate import link_table_h
from firmware_host.link import frames
from tests.link.firmware_link import fresh_copy
from tests.link.test_board_codec import FACTS

HERE = Path(__file__).parent

DAMAGED = frames.encode(bytes(range(1, 30))).replace(bytes([20]), bytes([21]))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("receiver")
    (directory / "board_facts.h").write_text(FACTS.format(max_frame=64))
    (directory / "link_table.h").write_text(link_table_h())
    firmware, compiler = resources.path("boards", "firmware"), toolchains.find("host")
    command = [
        *(*compiler.command, *compiler.row.flags, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1"),
        *("-fno-sanitize=all", "-fPIC"),
        *(f"-I{path}" for path in (directory, firmware, resources.path("vm", "include"))),
    ]
    receiver = directory / "receive.o"
    # To zig, "no sanitizer" (its row says so) holds against any other word but one to clang itself.
    hooks = ["-fsanitize=thread"] if compiler.kind == "gcc" else ["-Xclang", "-fsanitize=thread"]
    subprocess.run([*command, *hooks, "-c", str(firmware / "receive.c"), "-o", str(receiver)], check=True)
    others = [
        str(firmware / "frame.c"),
        str(firmware / "crc32.c"),
        str(HERE / "preempted_receiver.c"),
        str(HERE / "absent_vm.c"),
    ]
    subprocess.run([*command, "-shared", *others, str(receiver), "-o", str(directory / "receiver.so")], check=True)
    return directory / "receiver.so"


class Receiver:
    """A receiver of its own."""

    def __init__(self, library: Path) -> None:
        self._c = fresh_copy(library)

    def receive(self, data: bytes) -> None:
        self._c.test_receive(data, len(data))

    def open_session(self) -> None:
        self._c.test_open_session()

    def coming(self, data: bytes, at: int) -> None:
        self._data = data  # it is referred to
        self._c.test_coming(data, len(data), at)

    def has_come(self) -> bool:
        return bool(self._c.test_has_come() & 0xFF)

    def damaged(self) -> bool:
        return bool(self._c.test_damaged() & 0xFF)

    def forget_text(self) -> None:
        self._c.test_forget_text()

    def typed(self) -> list[bytes | None]:
        """Pieces of text up to what is there; None: Ctrl-C."""
        buffer = ctypes.create_string_buffer(64)
        found: list[bytes | None] = []
        for _ in range(4):
            text = b""
            while length := self._c.test_text(buffer, 64):
                assert len(text) < 64, "text without an end"
                text += buffer.raw[:length]
            interrupted = bool(self._c.test_interrupted() & 0xFF)
            found += [*([text] if text else []), *([None] if interrupted else [])]
        return found


def outcomes(
    library: Path, prepare: bytes, data: bytes, do: Callable[[Receiver], object], *, session: bool = False
) -> tuple[set[str], set[str]]:
    """What `do` comes to with the bytes before it and after it, and with them at each moment in it."""

    def with_bytes(at: int | None) -> tuple[str, bool]:
        receiver = Receiver(library)
        if session:
            receiver.open_session()
        receiver.receive(prepare)
        if at is None:
            receiver.receive(data)
        else:
            receiver.coming(data, at)
        done = do(receiver)
        came = at is None or receiver.has_come()
        if not came:
            receiver.receive(data)
        receiver.coming(b"", 0)
        return repr((done, receiver.damaged(), receiver.typed())), came

    serial = {with_bytes(None)[0]}
    within: set[str] = set()
    for at in count(1):
        outcome, came = with_bytes(at)
        if not came:
            return serial | {outcome}, within
        within.add(outcome)
    raise AssertionError


@pytest.mark.parametrize("prepare", [b"", DAMAGED])
def test_a_damaged_frame_is_noticed(library: Path, prepare: bytes) -> None:
    """Two of them are one if they are told of at once."""
    serial, within = outcomes(library, prepare, DAMAGED, Receiver.damaged, session=True)
    assert within
    assert within <= serial


@pytest.mark.parametrize("prepare", [b"", b"ab", b"ab\x03", b"ab\x03cd"])
@pytest.mark.parametrize("data", [b"x", b"\x03", b"x\x03", b"\x03y", b"x\x03y"])
def test_text_that_is_forgotten_is_what_came_before(library: Path, prepare: bytes, data: bytes) -> None:
    serial, within = outcomes(library, prepare, data, Receiver.forget_text)
    assert within
    assert within <= serial


@pytest.mark.parametrize("prepare", [b"", b"ab", b"ab\x03"])
@pytest.mark.parametrize("data", [b"x", b"\x03", b"x\x03", b"\x03y", b"x\x03y"])
def test_all_text_is_taken_once_and_ctrl_c_before_what_was_typed_behind_it(
    library: Path, prepare: bytes, data: bytes
) -> None:
    """Two that come at once may be one."""
    _, *behind = (prepare + data).split(b"\x03")
    for at in count(1):
        receiver = Receiver(library)
        receiver.receive(prepare)
        receiver.coming(data, at)
        found = receiver.typed()
        came = receiver.has_come()
        receiver.receive(b"" if came else data)
        receiver.coming(b"", 0)
        found += receiver.typed()
        assert b"".join(piece for piece in found if piece) == (prepare + data).replace(b"\x03", b"")
        assert (None in found) == bool(behind)
        if behind:
            last = len(found) - 1 - found[::-1].index(None)
            assert b"".join(piece for piece in found[last:] if piece) == behind[-1]
        if not came:
            break
    assert at > 3
