"""Requests about files that come while a module is loaded: what the load reads and writes is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_host import Board
from firmware_host.link import table
from firmware_host.status import code
from tests.cli import guest_modules
from tests.link.pipelining import Request, answers
from tests.store.test_boards import host
from tests.store.test_kept_code import adder, stored

#: So much that its load takes many turns of the board's main loop, and requests behind it come in between.
LARGE = adder(10, functions=2000)


@pytest.fixture(params=["ram", "flash"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    with host(tmp_path / "flash" if request.param == "flash" else None) as connected:
        yield connected


@pytest.mark.parametrize(
    "asked", [("files.set_autostart", {"name": ""}), ("console.input", {"data": b"boot -\r"})], ids=["link", "console"]
)
def test_what_starts_at_boot_is_not_set_and_the_upload_is_kept(board: Board, asked: Request) -> None:
    free = board.memory().arena_largest_free
    board.put(LARGE)
    loaded, answer = answers(board.connection, [("app.instantiate", {"flags": 0, "name": ""}), asked])
    assert loaded.status == 0
    if asked[0] == "console.input":
        board.console.expect("error: something runs", 5.0)
    else:
        assert answer.status == code("BUSY")
    board.drop()
    assert board.memory().arena_largest_free == free


def test_lowered_code_that_is_being_written_takes_nothing_from_the_host(tmp_path: Path) -> None:
    """Not a byte, and it is not for the host to commit: of its own it has begun nothing."""
    with host(tmp_path / "flash") as board:
        board.files.put(adder(10, functions=20_000), "a.wasm")  # written for as long as some requests take
        strangers: list[Request] = [("files.write", {"offset": 0, "data": b"\0"}), ("files.commit", {})]
        loaded, *refused = answers(
            board.connection, [("app.instantiate", {"flags": 0, "name": "a.wasm"}), *strangers * 200]
        )
        assert {answer.status for answer in refused} == {code("NO_UPLOAD")}
        assert loaded.status == 0
        assert stored(board) == ("found", [11])


#: More than the board can keep in place at once (PINS of its board.toml).
MANY = 35


@pytest.mark.parametrize("kind", ["invalid", "import", "stopped"])
def test_stored_modules_that_fail_to_load_beside_others_leave_their_places(board: Board, kind: str) -> None:
    bad = {"invalid": guest_modules.invalid(), "import": guest_modules.imports("no", "such"), "stopped": LARGE}[kind]
    board.files.put(adder(10), "first.wasm")
    board.files.put(adder(20), "last.wasm")
    first = board.instantiate(stored="first.wasm")
    for number in range(MANY):
        name = f"{number}.wasm"
        board.files.put(bad, name)
        request: Request = ("app.instantiate", {"flags": table.INSTANTIATE_FLAGS["keep"], "name": name})
        loaded, *_ = answers(board.connection, [request, *([("control.stop", {})] if kind == "stopped" else [])])
        assert loaded.status != 0
        board.files.remove(name)
    last = board.instantiate(keep=True, stored="last.wasm")
    assert (first.invoke("run", [1]), last.invoke("run", [1])) == ([11], [21])
