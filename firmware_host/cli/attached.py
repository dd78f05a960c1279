"""A board that commands stay attached to: unplugged or restarted, it is waited for and a mark is printed (R7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from firmware_host.board import Board
from firmware_host.cli.context import Context, stamp
from firmware_host.errors import BoardNotFound, LinkError, PortBusy, PortForbidden
from firmware_host.selector import choose

#: Selectors of boards that come back by themselves.
_RETURNING = ("port:", "id:", "tcp:")

PAUSE = 0.25  #: seconds between attempts


class Attached:
    """One board by its selector, chosen once. A context manager."""

    def __init__(self, context: Context, attach: Callable[[Board], None]) -> None:
        """`attach` is given each connection's board."""
        self._context = context
        self._selector = choose(context.board_selector, context.note)
        self._attach = attach
        self.board = self._connect()

    def _connect(self) -> Board:
        context = self._context
        board = Board.connect(self._selector, context.timeout, reset=context.reset, note=context.note)
        self._attach(board)
        return board

    @property
    def returns(self) -> bool:
        """May it come back when it has gone?"""
        from firmware_host import config

        entry = config.load().boards.get(self._selector)
        return (entry.selector if entry else self._selector).startswith(_RETURNING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.board.close()

    def lost(self, error: LinkError) -> None:
        """Lets go of a board that has gone and says so. Raises `error` if it never will come back."""
        if not self.returns:
            raise error
        self.board.close()
        self._context.note(f"--- {stamp()} {error}; waiting for it")

    def is_back(self) -> bool:
        """Tries once to reach a board that was lost, and says if it did."""
        try:
            self.board = self._connect()
        except (BoardNotFound, LinkError, PortBusy, PortForbidden):
            return False
        self._context.note(f"--- {stamp()} {self.board.info.name} is back")
        return True

    def again(self, error: LinkError) -> None:
        """Waits for the board to come back. Raises `error` if it never will."""
        self.lost(error)
        while not self.is_back():
            time.sleep(PAUSE)

    def stay(self, seconds: float | None = None) -> None:
        """Passes on what the board prints, for so many seconds or for ever."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            try:
                self.board.wait(1.0 if end is None else min(1.0, max(0.0, end - time.monotonic())))
            except LinkError as error:
                self.again(error)
