"""What every command is given: the global options, and the one way to print: text, or one JSON object a line."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from firmware_host.board import Board
    from firmware_host.upload import Progress


@dataclass
class Context:
    """The global options and the output of one run. Commands get it by `click.pass_obj`."""

    board_selector: str | None = None
    json: bool = False
    verbosity: int = 0
    timeout: float = 5.0
    reset: bool = True
    command: str = ""
    finished: bool = False  # the one `result` or `error` was written

    # -- the board

    def connect(self, *, arena_size: int | None = None) -> Board:
        """The board that --board names, or the one that is meant without it. A context manager."""
        from firmware_host.board import Board

        return Board.connect(self.board_selector, self.timeout, reset=self.reset, arena_size=arena_size, note=self.note)

    # -- output

    def emit(self, type_: str, text: str | None = None, /, **fields: Any) -> None:
        """With --json one object of this type; without it `text`, if there is any."""
        if self.json:
            self._line(sys.stdout, json.dumps({"type": type_, "time": now(), **fields}, default=str))
        elif text is not None:
            self._line(sys.stdout, text)

    def result(self, text: str | None = None, *, ok: bool = True, **fields: Any) -> None:
        """The one result that ends a run that did what it was asked."""
        self.finished = True
        self.emit("result", text, ok=ok, command=self.command, **fields)

    def error(self, error: BaseException, code: int, hint: str = "", **details: Any) -> None:
        """The one error that ends a run: on stderr for people, with the way out below it."""
        self.finished = True
        message = str(error)
        if self.json:
            name = type(error).__name__
            self.emit("error", code=code, name=name, message=message, hint=hint, **details)
            return
        self._line(sys.stderr, f"error: {message}")
        for line in hint.splitlines():
            self._line(sys.stderr, f"  {line}")

    def say(self, text: str) -> None:
        """Something for people only, on stdout."""
        if not self.json:
            self._line(sys.stdout, text)

    def note(self, text: str) -> None:
        """Something worth knowing, on stderr; -q silences it."""
        if self.verbosity >= 0:
            self._line(sys.stderr, text)

    def detail(self, text: str) -> None:
        """Something worth knowing with -v, on stderr."""
        if self.verbosity > 0:
            self._line(sys.stderr, text)

    @staticmethod
    def _line(stream: TextIO, text: str) -> None:
        stream.write(text + "\n")
        stream.flush()

    @contextmanager
    def progress(
        self, what: str, resent: Callable[[], int] = lambda: 0, *, in_bytes: bool = True
    ) -> Iterator[Progress]:
        """Gives a progress callback: JSON objects with --json, a bar on a terminal, else nothing."""
        if self.json:
            yield lambda done, total: self.emit("progress", what=what, done=done, total=total, resent=resent())
        elif self.verbosity >= 0 and sys.stderr.isatty():
            with _bar(what, in_bytes) as update:
                yield update
        else:
            yield lambda done, total: None


@contextmanager
def _bar(what: str, in_bytes: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    counts: tuple[ProgressColumn, ...] = (MofNCompleteColumn(), TimeElapsedColumn())
    if in_bytes:
        counts = (DownloadColumn(), TransferSpeedColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *counts)
    # What is printed meanwhile goes above the bar, but only if it is for the same terminal.
    shared = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=shared) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def now() -> str:
    """The time of a JSON object: RFC 3339, this computer's clock."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp() -> str:
    """The time before a line of output, such as [09:12:40.031]."""
    return datetime.datetime.now().strftime("[%H:%M:%S.%f")[:-3] + "]"
