"""Runs many scripts over one connection, and over a new one when a script has cost the board its life."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from firmware_host.wast.cache import converted
from firmware_host.wast.report import ScriptReport
from firmware_host.wast.runner import RunnableBoard, Runner
from firmware_host.wast.suite import Script


def run_scripts(
    connect: Callable[[], AbstractContextManager[RunnableBoard]], scripts: Iterable[Script]
) -> Iterator[ScriptReport]:
    """Reports in the order of the scripts. An emulator is started once, as long as the board survives."""
    pending = list(scripts)[::-1]
    while pending:
        with connect() as board:
            runner = Runner(board)
            while pending:
                script = pending.pop()
                report = runner.run(converted(script.file.read_bytes()), script.unit, script.superseded)
                yield report
                if report.lost is not None:
                    break
