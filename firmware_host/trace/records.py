"""Reads what a board has recorded."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_host.board import Board
from firmware_host.errors import BoardError
from firmware_host.link import messages, table

#: Macros of firmware that records, and of firmware that records calls, too.
DEFINE = {"WIRQ_TRACE": "1"}
DEFINE_CALLS = {"WIRQ_TRACE": "2"}


@dataclass(frozen=True)
class Record:
    """One thing that happened: `event` of link.table.TRACE_EVENTS; `time_us` since the board's start. `subject` is an
    interrupt source; of a call, the function's index in the low half and its instance's number in the high one; of a
    memory, its size in bytes. `detail` is the depth of the stack in a function, or a memory's number."""

    time_us: int
    event: str
    subject: int = 0
    detail: int = 0


class Recorder:
    """Collects the records of one board."""

    def __init__(self, board: Board, *, calls: bool = False) -> None:
        """Forgets what was recorded before. Raises BoardError if the board's firmware does not record, or with `calls`
        if it does not record calls."""
        self._board = board
        self._epoch = 0
        self.records: list[Record] = []
        define, nothing = (DEFINE_CALLS, "no calls") if calls else (DEFINE, "nothing")
        refused = BoardError(
            f"the firmware of {board.info.name} records {nothing}",
            hint=f"build it with --define WIRQ_TRACE={define['WIRQ_TRACE']} and flash it; "
            "for host and emulated boards this is done here",
        )
        try:
            self.read()
        except BoardError as error:
            raise refused from error
        if calls and not self.has_calls:
            raise refused
        self.records.clear()
        self._lost_before = self.lost

    def read(self) -> None:
        """Takes what has been recorded since."""
        while True:
            answer = self._board.ask("trace.read")
            self.lost = int(answer["lost"])
            self.has_calls = answer["recorded"] >= 2
            if not answer["records"]:
                return
            for values in messages.parse_each(table.TRACE_RECORD, answer["records"]):
                time_us = values["time_us"] + self._epoch
                if self.records and time_us < self.records[-1].time_us - (1 << 31):
                    self._epoch += 1 << 32  # the low half has wrapped
                    time_us += 1 << 32
                self.records.append(
                    Record(time_us, table.TRACE_EVENTS[values["event"]], values["subject"], values["detail"])
                )

    @property
    def missing(self) -> int:
        """How many records there was no room for."""
        return self.lost - self._lost_before
