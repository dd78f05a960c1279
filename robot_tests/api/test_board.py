"""What every board must do, through the host package's API: files, calls, interrupts, stops, refusals.

`wirq test --on TARGET` runs this and the Robot suites; the fixture `board` comes with wirq.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import BadModule, Board, BoardError, TrapError

_PROGRAMS = Path(__file__).resolve().parents[1] / "programs"

#: On slow emulators of a busy computer, too.
_TIMEOUT = 60.0

_CALLED = """
#include "wirq_guest.h"
WIRQ_EXPORT("mix") int64_t mix(int32_t a, int64_t b, float c, double d) {
    return a + b + (int64_t)(c * 4) + (int64_t)(d * 4);
}
WIRQ_EXPORT("half") double half(int32_t n) {
    return n / 2.0;
}
WIRQ_EXPORT("fall") void fall(void) {
    __builtin_trap();
}
"""


@pytest.fixture
def called(tmp_path: Path) -> Path:
    source = tmp_path / "called.c"
    source.write_text(_CALLED)
    return source


@pytest.fixture
def stored(board: Board) -> Iterator[str]:
    """The name of a file that is not there, and is not afterwards."""
    name = "wirq-test.bin"
    if board.files.find(name) is not None:
        board.files.remove(name)
    yield name
    if board.files.find(name) is not None:
        board.files.remove(name)


def test_it_says_who_it_is(board: Board) -> None:
    assert board.info.name
    assert [source.name for source in board.irq_sources()[:4]] == ["uart", "timer", "button", "soft0"]


def test_values_of_all_types_go_in_and_come_out(board: Board, called: Path) -> None:
    instance = board.load(called, timeout=_TIMEOUT)
    assert instance.call("mix", -7, 1 << 40, 0.25, -0.5) == (1 << 40) - 8
    assert instance.call("half", -3) == -1.5


def test_a_trap_is_told_and_the_instance_answers_again(board: Board, called: Path) -> None:
    instance = board.load(called, timeout=_TIMEOUT)
    with pytest.raises(TrapError, match="unreachable"):
        instance.call("fall")
    assert instance.call("half", 4) == 2.0


def test_an_endless_program_is_stopped(board: Board) -> None:
    with board.run(_PROGRAMS / "endless.c") as app:
        board.console.expect("computing", timeout=_TIMEOUT)
        result = app.stop(_TIMEOUT)
    assert result.trap is not None
    assert result.trap.stopped


def test_what_is_no_module_is_refused(board: Board) -> None:
    board.put(b"not a module at all", replace=True)
    with pytest.raises(BadModule):
        board.instantiate(timeout=_TIMEOUT)


def test_a_file_is_stored_read_back_and_removed(board: Board, stored: str) -> None:
    data = hashlib.sha256(b"wirq").digest() * 20
    board.files.put(data, name=stored)
    assert board.files.get(stored) == data
    board.files.remove(stored)
    assert board.files.find(stored) is None
    with pytest.raises(BoardError):
        board.files.get(stored)


def test_a_file_survives_a_reset_where_the_store_says_so(board: Board, stored: str) -> None:
    if not board.files.space().lasting:
        pytest.skip(
            f"SKIPPED: the store of {board.info.name} is gone with a reset, so no file that survives one was looked for"
        )
    board.files.put(b"still here", name=stored)
    board.reset()
    assert board.files.get(stored) == b"still here"


def test_every_raise_is_counted(board: Board) -> None:
    soft0 = board.irq("soft0")
    with board.run(_PROGRAMS / "waiting.c"):
        board.console.expect("waiting", timeout=_TIMEOUT)
        before = soft0.info
        soft0.raise_()
        board.console.expect("handled soft0", timeout=_TIMEOUT)
        after = soft0.info
    assert after.raised == before.raised + 1
    assert after.delivered >= 1
    assert after.missed == before.missed
