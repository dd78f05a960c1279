"""Stands in for the keywords that Renode brings, with their names, arguments and defaults, over the console of the
`host` board: what suites ask of Renode is tried where no Renode is. Time is real here.

An emulation runs or is paused as there: a wait starts it, and pauses it at its match if that was asked for; RunFor is
refused while it runs.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from robot.api.deco import library

from firmware_host.transport.pipe import PipeTransport

#: Monitor commands that the suites may use.
_COMMANDS = (r"\$bin=@(?P<file>\S+)", r"include @(?P<script>\S+)", r'emulation RunFor "(?P<seconds>[\d.]+)"')


@library(scope="SUITE", auto_keywords=True)
class renode_keywords:
    """One emulation."""

    def __init__(self) -> None:
        self._board: PipeTransport | None = None
        self._firmware = ""
        self._started = False
        self._pauses = False
        self._echoes = True
        self._timeout = 8.0
        self._text = ""

    def execute_command(self, command: str, machine: str | None = None) -> str:
        found = next((match for one in _COMMANDS if (match := re.fullmatch(one, command))), None)
        assert found is not None, f"not a command that this stand-in knows: {command}"
        values = found.groupdict()
        for name in ("file", "script"):
            assert name not in values or Path(values[name]).is_file(), values
        self._firmware = values.get("file", self._firmware)
        if "seconds" in values:
            assert not self._started, "This action is not available when emulation is already started"
            self._listen(float(values["seconds"]))
        return ""

    def create_terminal_tester(
        self,
        uart: str,
        timeout: float | None = None,
        machine: str | None = None,
        endLineOption: str | None = None,
        defaultPauseEmulation: bool | None = None,
        defaultWaitForEcho: bool | None = None,
        defaultMatchNextLine: bool | None = None,
        binaryMode: bool = False,
    ) -> int:
        assert uart.startswith("sysbus.")
        self._board = PipeTransport([Path(self._firmware)], name="host")
        self._timeout = timeout or self._timeout
        self._pauses = bool(defaultPauseEmulation)
        self._echoes = defaultWaitForEcho is not False
        return 0

    def start_emulation(self) -> None:
        self._started = True

    def reset_emulation(self) -> None:
        if self._board is not None:
            self._board.close()
        self._board, self._started, self._text = None, False, ""

    def write_line_to_uart(
        self,
        content: str = "",
        testerId: int | None = None,
        waitForEcho: bool | None = None,
        pauseEmulation: bool | None = None,
    ) -> None:
        assert self._board is not None
        self._board.write(content.encode() + b"\r")
        if self._echoes if waitForEcho is None else waitForEcho:
            self._wait(re.escape(content), None, pauseEmulation)

    def wait_for_line_on_uart(
        self,
        content: str,
        timeout: float | None = None,
        testerId: int | None = None,
        treatAsRegex: bool = False,
        includeUnfinishedLine: bool = False,
        pauseEmulation: bool | None = None,
        matchNextLine: bool | None = None,
    ) -> str:
        end = "" if includeUnfinishedLine else r"[^\n]*\n"
        return self._wait((content if treatAsRegex else re.escape(content)) + end, timeout, pauseEmulation)

    def wait_for_prompt_on_uart(
        self,
        prompt: str,
        testerId: int | None = None,
        timeout: float | None = None,
        treatAsRegex: bool = False,
        pauseEmulation: bool | None = None,
    ) -> str:
        return self._wait(prompt if treatAsRegex else re.escape(prompt), timeout, pauseEmulation)

    def _wait(self, pattern: str, timeout: float | None, pause: bool | None) -> str:
        self._started = True
        end = time.monotonic() + (timeout or self._timeout)
        while (found := re.search(pattern, self._text, re.MULTILINE)) is None:
            assert time.monotonic() < end, f"Terminal tester failed! {pattern!r} is not in {self._text!r}"
            self._listen(0.02)
        self._text = self._text[found.end() :]
        if self._pauses if pause is None else pause:
            self._started = False
        return found[0]

    def _listen(self, seconds: float) -> None:
        assert self._board is not None
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._text += self._board.read(left).decode(errors="replace")
