"""One interrupt source of a board, as an object: raise it, mask it, look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_host.info import SourceInfo

if TYPE_CHECKING:
    from firmware_host.board import Board


class Irq:
    """What `Board.irq` answers. Times are microseconds of the board's clock."""

    def __init__(self, board: Board, number: int) -> None:
        self._board = board
        self.number = number

    def raise_(self, count: int = 1, *, after_us: int = 0, every_us: int = 0) -> None:
        """Raises it `count` times: first after `after_us` from now, or from the start of an app that has not started;
        then every `every_us`. Raises NoSpace if the board has no timer left for that."""
        self._board.irq_raise(self.number, count, after_us, every_us)

    def mask(self) -> None:
        """Holds its handler off; raises stay pending."""
        self._board.irq_enable(self.number, False)

    def unmask(self) -> None:
        """Lets its handler run again."""
        self._board.irq_enable(self.number, True)

    @property
    def info(self) -> SourceInfo:
        """Its state now: handler, pending, delivered, missed, worst latency. Asks the board each time."""
        return self._board.irq_show(self.number)

    def __repr__(self) -> str:
        return f"<interrupt source {self.number} of {self._board.info.name}>"
