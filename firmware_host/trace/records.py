"""Reads what a board has recorded."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_host.board import Board
from firmware_host.errors import BoardError
from firmware_host.link import messages, table

#: Macros of firmware that records.
DEFINE = {"WIRQ_TRACE": "1"}


@dataclass(frozen=True)
class Record:
    """One thing that happened: `event` of link.table.TRACE_EVENTS; `time_us` since the board's start."""

    time_us: int
    event: str
    source: int


class Recorder:
    """Collects the records of one board."""

    def __init__(self, board: Board) -> None:
        """Forgets what was recorded before. Raises BoardError if the board's firmware does not record."""
        self._board = board
        self._epoch = 0
        self.records: list[Record] = []
        try:
            self.read()
        except BoardError as error:
            raise BoardError(
                f"the firmware of {board.info.name} records nothing",
                hint="build it with --define WIRQ_TRACE=1 and flash it; for host and emulated boards this is done here",
                code=error.code,
            ) from error
        self.records.clear()
        self._lost_before = self.lost

    def read(self) -> None:
        """Takes what has been recorded since."""
        while True:
            answer = self._board.ask("trace.read")
            self.lost = int(answer["lost"])
            if not answer["records"]:
                return
            for values in messages.parse_each(table.TRACE_RECORD, answer["records"]):
                time_us = values["time_us"] + self._epoch
                if self.records and time_us < self.records[-1].time_us - (1 << 31):
                    self._epoch += 1 << 32  # the low half has wrapped
                    time_us += 1 << 32
                self.records.append(Record(time_us, table.TRACE_EVENTS[values["event"]], values["source"]))

    @property
    def missing(self) -> int:
        """How many records there was no room for."""
        return self.lost - self._lost_before
