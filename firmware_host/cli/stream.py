"""A board's text on our output: each line with the time of its first byte, or as a JSON object."""

from __future__ import annotations

import codecs
import sys
import threading
from collections.abc import Callable

from firmware_host.cli.context import Context, now, stamp


class TextStream:
    """Takes text as it comes. Whole lines become JSON objects; for people a line appears as soon as it begins."""

    def __init__(
        self,
        context: Context,
        *,
        stamped: bool = True,
        accept: Callable[[str], bool] = lambda line: True,
        whole_lines: bool = False,
    ) -> None:
        """`accept` is told each whole line; with `whole_lines` those that it does not accept are not shown."""
        self._context = context
        self._stamped = stamped
        self._accept = accept
        self._whole_lines = whole_lines
        self._prefix = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.Lock()  # text may come from the connection's thread
        self._line = ""
        self._since: str | None = None

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
            self._prefix = f"{stamp()} " if self._stamped else ""
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
                self._context.emit("log", line=self._line, time=self._since)
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
