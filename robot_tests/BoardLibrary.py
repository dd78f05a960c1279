"""Robot keywords for a board: each is one call of the host package's API. See keywords/board.resource."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from robot.api import Failure, logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from firmware_host import Board, BoardError, resources, status
from firmware_host.app import App, AppResult
from firmware_host.build.guest import compile_c
from firmware_host.wasm import Module

_TIMEOUT = timedelta(seconds=10)
_PROGRAMS = Path(__file__).resolve().parent / "programs"


@library(scope="SUITE")
class BoardLibrary:
    """One board per suite. Times are typed, such as `500ms`, and lengthened by the target's factor."""

    def __init__(self, selector: str, factor: float, output: str) -> None:
        self._selector = selector
        self._factor = float(factor)
        self._output = Path(output)
        self._board_or_none: Board | None = None
        self._app_or_none: App | None = None

    @property
    def _board(self) -> Board:
        if self._board_or_none is None:
            raise Failure("no board was started: use Start Board")
        return self._board_or_none

    @property
    def _app(self) -> App:
        if self._app_or_none is None:
            raise Failure("no app was started: use Start App")
        return self._app_or_none

    def _seconds(self, time: timedelta) -> float:
        return time.total_seconds() * self._factor

    # -- the board

    @keyword
    def start_board(self) -> None:
        self._board_or_none = Board.connect(self._selector, timeout=self._seconds(_TIMEOUT))

    @keyword
    def stop_board(self) -> None:
        if self._board_or_none is not None:
            self._board_or_none.close()

    @keyword
    def save_console(self) -> None:
        """Keeps what the board printed so far beside the report, in a file named by the test."""
        if self._board_or_none is None:
            return
        test = re.sub(r"\W+", "-", str(BuiltIn().get_variable_value("${TEST NAME}")).lower())
        self._output.mkdir(parents=True, exist_ok=True)
        (self._output / f"console-{test}.txt").write_text(self._board_or_none.console.text, encoding="utf-8")

    # -- the serial line: Renode's words

    @keyword
    def write_line_to_uart(self, content: str = "") -> None:
        self._board.console.write_line(content)

    @keyword
    def write_to_uart(self, content: str) -> None:
        self._board.console.write(content.encode())

    @keyword
    def wait_for_line_on_uart(self, content: str, timeout: timedelta = _TIMEOUT, treatAsRegex: bool = False) -> str:
        """Waits for a whole line that contains the text, passes over it and returns it."""
        pattern = content if treatAsRegex else re.escape(content)
        match = self._board.console.expect(rf"[^\n]*?(?:{pattern})[^\n]*\n", self._seconds(timeout))
        logger.info(match[0].rstrip())
        return match[0].rstrip()

    @keyword
    def wait_for_prompt_on_uart(self, prompt: str, timeout: timedelta = _TIMEOUT) -> None:
        """Waits for a text that no end of line follows."""
        self._board.console.expect(re.escape(prompt), self._seconds(timeout))

    @keyword
    def should_not_be_on_uart(self, content: str, timeout: timedelta = timedelta(seconds=1)) -> None:
        """The text does not come within that time, which is not lengthened."""
        from firmware_host import LinkTimeout

        try:
            self._board.console.expect(re.escape(content), timeout.total_seconds())
        except LinkTimeout:
            return
        raise Failure(f"{content!r} came")

    @keyword
    def lines_should_be_apart(self, first: str, second: str, time_between: timedelta, within: timedelta) -> None:
        """Between both lines passes so much time of this computer's clock, give or take `within`."""
        self.wait_for_line_on_uart(first)
        start = time.monotonic()
        self.wait_for_line_on_uart(second, timeout=2 * time_between + _TIMEOUT)
        took = time.monotonic() - start
        logger.info(f"{took:.3f} s")
        if abs(took - time_between.total_seconds()) > within.total_seconds():
            raise Failure(f"{took:.3f} s passed between the lines")

    @keyword
    def press_ctrl_c(self) -> None:
        """What Ctrl-C does in `wirq run`: the stop sequence, which the UART's ISR takes in any state."""
        self._board.stop()

    # -- programs

    @keyword
    def put_file(self, content: str) -> None:
        self._board.put(content.encode())

    @keyword
    def load_program(self, name: str) -> None:
        """Compiles a C program of the suite's directory, programs/ or examples/, sends it and instantiates it."""
        suite = Path(str(BuiltIn().get_variable_value("${SUITE SOURCE}"))).parent
        places = (suite, suite.parent / "programs", _PROGRAMS, resources.path("examples", name))
        source = next((place / f"{name}.c" for place in places if (place / f"{name}.c").is_file()), None)
        if source is None:
            raise Failure(f"there is no {name}.c in {', '.join(map(str, places))}")
        module = compile_c(source, resources.cache_dir() / "robot" / f"{name}.wasm").read_bytes()
        self._board.put(Module.parse(module).strip(), f"{name}.wasm", symbols=module)
        self._instance = self._board.instantiate(timeout=self._seconds(_TIMEOUT))

    @keyword
    def instantiating_should_fail_with(self, name: str) -> None:
        """The module that was put is refused with the status of that name (vm/include/wirq_errors.h)."""
        try:
            self._board.instantiate(timeout=self._seconds(_TIMEOUT))
        except BoardError as error:
            if error.code != status.code(name):
                raise Failure(f"it was refused with {error.code}, not {name}: {error}") from error
            logger.info(str(error))
            return
        raise Failure("it was not refused")

    @keyword
    def start_app(self) -> None:
        self._app_or_none = self._board.run(self._instance)

    @keyword
    def wait_for_app(self, timeout: timedelta = _TIMEOUT) -> str:
        """Waits for its end: what it returned, or the name of its trap."""
        result = self._ended(timeout)
        return str(result.status) if result.trap is None else status.status(result.trap.code).name

    @keyword
    def trap_should_be(self, name: str, source: str = "") -> None:
        """The app traps, with the status of that name, in the handler of that source if one is given."""
        trap = self._ended(_TIMEOUT).trap
        if trap is None:
            raise Failure("the app ended without a trap")
        wanted: dict[str, Any] = {"code": status.code(name)}
        wanted["source"] = self._board.irq_number(source) if source else None
        seen = {key: getattr(trap, key) for key in wanted}
        if seen != wanted:
            raise Failure(f"the trap was {trap}")

    def _ended(self, timeout: timedelta) -> AppResult:
        try:
            return self._app.wait(self._seconds(timeout))
        except Exception:
            logger.info(f"the board printed last: {self._board.console.text[-500:]!r}")
            raise

    # -- interrupts

    @keyword
    def raise_irq(self, source: str, count: int = 1, after_us: int = 0, every_us: int = 0) -> None:
        """Raises a source; before Start App the times count from the app's start."""
        self._board.irq_raise(self._board.irq_number(source), count, after_us, every_us)

    @keyword
    def enable_irq(self, source: str, on: bool) -> None:
        self._board.irq_enable(self._board.irq_number(source), on)

    @keyword
    def irq_should_have_been_raised(self, source: str, times: int) -> None:
        self._check(source, "raised", times, times)

    @keyword
    def irq_should_have_been_delivered(self, source: str, at_least: int = 1) -> None:
        self._check(source, "delivered", at_least)

    @keyword
    def irq_should_not_have_been_delivered(self, source: str) -> None:
        self._check(source, "delivered", 0, 0)

    @keyword
    def irq_should_not_have_been_missed(self, source: str) -> None:
        self._check(source, "missed", 0, 0)

    def _check(self, source: str, field: str, least: int, most: int | None = None) -> None:
        info = self._board.irq_show(self._board.irq_number(source))
        value = getattr(info, field)
        if value < least or (most is not None and value > most):
            raise Failure(f"{source}: {field} is {value}: {info}")
