"""A board's text on our output: each line with the time of its first byte, or as a JSON object."""

from __future__ import annotations

import codecs
import contextlib
import sys
import threading
from collections.abc import Callable

from firmware_host.board import Board
from firmware_host.cli.context import Context, now, stamp
from firmware_host.errors import BoardError

#: What can stand before a line.
CLOCKS = ("host", "board", "both", "none")


class TextStream:
    """Takes text as it comes. Whole lines become JSON objects; for people a line appears as soon as it begins."""

    def __init__(
        self,
        context: Context,
        *,
        clock: str = "host",
        accept: Callable[[str], bool] = lambda line: True,
        whole_lines: bool = False,
    ) -> None:
        """`clock` is one of CLOCKS: whose time stands before each line. `accept` is told each whole line; with
        `whole_lines` those that it does not accept are not shown."""
        self._context = context
        self._clock = clock
        self._board_time_us: int | None = None
        self._accept = accept
        self._whole_lines = whole_lines
        self._prefix = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.Lock()  # text may come from the connection's thread
        self._line = ""
        self._since: str | None = None

    def attach(self, board: Board) -> None:
        """Takes the board's text, and its times where they are shown. Firmware that cannot tell them tells none."""
        board.on_text = self.feed
        if self._context.json or self._clock in ("board", "both"):
            with contextlib.suppress(BoardError):
                board.stamp_lines(self.stamp)

    def stamp(self, board_time_us: int) -> None:
        """The next line began at this time of the board."""
        with self._lock:
            self._board_time_us = board_time_us

    def _times(self) -> str:
        """What stands before a line that begins now."""
        times = [stamp()] if self._clock in ("host", "both") else []
        if self._clock in ("board", "both"):
            known = self._board_time_us is not None
            times.append(f"[{(self._board_time_us or 0) / 1e6:12.6f}]" if known else f"[{'-':>12}]")
        return "".join(f"{time} " for time in times)

    def feed(self, data: bytes) -> None:
        with self._lock:
            text = self._decoder.decode(data).replace("\r", "")
            for part in text.splitlines(keepends=True):
                self._part(part)
            if not self._context.json:
                sys.stdout.flush()

    def _part(self, part: str) -> None:
        if self._since is None:
            self._since = now()
            self._prefix = self._times()
            if not self._context.json and not self._whole_lines:
                sys.stdout.write(self._prefix)
        self._line += part.rstrip("\n")
        if not self._context.json and not self._whole_lines:
            sys.stdout.write(part)
        if part.endswith("\n"):
            self._end()

    def _end(self) -> None:
        if self._accept(self._line):
            if self._context.json:
                fields: dict[str, object] = {"line": self._line, "time": self._since}
                if self._board_time_us is not None:
                    fields["board_time_us"] = self._board_time_us
                self._context.emit("log", **fields)
            elif self._whole_lines:
                sys.stdout.write(f"{self._prefix}{self._line}\n")
        self._line = ""
        self._since = None

    def finish(self) -> None:
        """Ends a line that was not ended, so that what is printed next has its own."""
        with self._lock:
            if self._since is not None:
                if not self._context.json and not self._whole_lines:
                    sys.stdout.write("\n")
                self._end()
                if not self._context.json:
                    sys.stdout.flush()
