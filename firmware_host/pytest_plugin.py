"""pytest with boards: the fixture `board` is a connected board, the same test runs on every board that `--on` names.

    def test_it_counts_presses(board):
        with board.run("counter.c"):
            board.irq("button").raise_()
            board.console.expect("pressed 1 times", timeout=1.0)

    pytest --on host --on qemu:stm32f4 --on port:/dev/ttyACM0

Without --on it is WIRQ_BOARD, else `host`. One session with each board serves all tests; before each test whatever ran
is stopped, what was loaded is dropped and the console is emptied. What the board printed is shown with a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from firmware_host.errors import BoardError, WirqError

if TYPE_CHECKING:
    from firmware_host.board import Board

_BOARDS = pytest.StashKey[dict[str, "Board"]]()

#: Seconds; an emulator on a busy machine is slower than a board.
_TIMEOUT = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wirq", "boards that run WebAssembly")
    group.addoption(
        "--on",
        action="append",
        metavar="BOARD",
        default=[],
        help="run tests that take the fixture `board` on this board (host, qemu:NAME, port:DEVICE …); may be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_BOARDS] = {}
    config.addinivalue_line("markers", "not_on(board): not on boards of this name, such as not_on('microbit')")


def pytest_unconfigure(config: pytest.Config) -> None:
    for board in config.stash.get(_BOARDS, {}).values():
        board.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "board_selector" in metafunc.fixturenames:
        from firmware_host.selector import ENVIRONMENT_VARIABLE

        selectors = metafunc.config.getoption("--on") or [os.environ.get(ENVIRONMENT_VARIABLE) or "host"]
        metafunc.parametrize("board_selector", list(dict.fromkeys(selectors)), scope="session")


@pytest.fixture
def board(board_selector: str, request: pytest.FixtureRequest) -> Iterator[Board]:
    """A connected board with nothing loaded and an empty console."""
    connected = _connected(request.config, board_selector)
    for marker in request.node.iter_markers("not_on"):
        if connected.info.name in marker.args:
            pytest.skip(f"not on {connected.info.name}")
    yield connected
    try:
        connected.finish()
    except WirqError:
        _forget(request.config, board_selector)
        raise


def _connected(config: pytest.Config, selector: str) -> Board:
    boards = config.stash[_BOARDS]
    if selector in boards:
        try:
            boards[selector].finish()
            boards[selector].drop()
            boards[selector].console.discard()
            return boards[selector]
        except BoardError:
            raise
        except WirqError:  # it is gone, by what the last test did: this one begins with a new one
            _forget(config, selector)
    from firmware_host.board import Board

    boards[selector] = Board.connect(selector, _TIMEOUT)
    return boards[selector]


def _forget(config: pytest.Config, selector: str) -> None:
    gone = config.stash[_BOARDS].pop(selector, None)
    if gone is not None:
        gone.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    used = getattr(item, "funcargs", {}).get("board")
    if report.failed and used is not None and used in item.config.stash[_BOARDS].values():
        report.sections.append((f"console of {used.selector}", used.console.recent))
