"""A running app: wait for its end, stop it, see how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from firmware_host import info, status
from firmware_host.errors import LinkTimeout, WirqError
from firmware_host.info import Trap
from firmware_host.link.messages import Values
from firmware_host.names import ModuleNames
from firmware_host.refusals import refusal

if TYPE_CHECKING:
    from firmware_host.connection import Connection


@dataclass(frozen=True)
class AppResult:
    """How an app ended: `status` is what main returned, 0 for _start; `trap` is None unless it trapped or was
    stopped; `out_of_fuel` tells that the latter was because it had executed all that `Board.run` allowed."""

    status: int
    trap: Trap | None = None
    out_of_fuel: bool = False

    @property
    def ok(self) -> bool:
        return self.trap is None and self.status == 0


class App:
    """An app that `Board.run` started. Leaving its block stops it if it still runs."""

    def __init__(self, connection: Connection, names: ModuleNames, fuel: int | None = None) -> None:
        self._connection = connection
        self.names = names
        self._fuel = fuel
        self._told_to_stop = False
        self._result: AppResult | None = None
        self._failure: WirqError | None = None

    def ended(self, values: Values) -> None:
        """Takes the event `exit`. The board calls this."""
        code = values["status"]
        if code == 0:
            self._result = AppResult(values["result"] - (values["result"] >> 31 << 32))
        elif status.status(code).is_trap:
            trap = info.trap_of(code, values)
            self._result = AppResult(0, trap, self._fuel is not None and trap.stopped and not self._told_to_stop)
        else:
            self._failure = refusal(code, {"text": "", "detail": 0, **values}, self.names)

    @property
    def running(self) -> bool:
        return self._result is None and self._failure is None

    def wait(self, timeout: float | None = None) -> AppResult:
        """Waits for its end, as long as the board lives or for `timeout` seconds: LinkTimeout if it still runs then."""
        if not self._connection.wait_until(lambda: not self.running, timeout):
            raise LinkTimeout(f"the app still runs after {timeout:g} s", hint="stop it, or wait longer")
        if self._failure is not None:
            raise self._failure
        assert self._result is not None
        return self._result

    def wait_or(self, condition: Callable[[], bool], interval: float = 0.03) -> bool:
        """Waits for its end (True) or until the condition, looked at every `interval` seconds, holds (False)."""
        self._connection.wait_until(lambda: not self.running or condition(), None, interval=interval)
        return not self.running

    def stop(self, timeout: float | None = None) -> AppResult:
        """Stops it at its next safe point and waits for that."""
        if self.running:
            self._told_to_stop = True
            self._connection.send_stop()
        return self.wait(self._connection.timeout if timeout is None else timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.running:
            return
        try:
            self.stop()
        except WirqError:
            if error is None:
                raise
