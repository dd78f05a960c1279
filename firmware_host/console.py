"""The board's text: what it prints, and what is typed to it in a session."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Callable

from firmware_host.connection import Connection
from firmware_host.errors import LinkTimeout
from firmware_host.link import messages
from firmware_host.refusals import refusal

#: Characters kept for `expect`; older ones are forgotten.
_KEPT = 1 << 20


class Console:
    """Text in both directions. Reading is by `expect`; `text` is all that came and is still kept."""

    def __init__(self, connection: Connection, max_frame: int) -> None:
        self._connection = connection
        self._piece = max_frame - messages.HEADER_SIZE - 1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._position = 0
        self._discarded = 0
        self.text = ""

    def feed(self, data: bytes) -> None:
        """Takes what the board printed. The connection calls this."""
        self.text += self._decoder.decode(data)
        surplus = len(self.text) - _KEPT
        if surplus > 0:
            self.text = self.text[surplus:]
            self._position = max(0, self._position - surplus)
            self._discarded = max(0, self._discarded - surplus)

    @property
    def unread(self) -> str:
        """What came after the last match of `expect`."""
        return self.text[self._position :]

    @property
    def recent(self) -> str:
        """What was printed since the last `discard`, whether `expect` has passed over it or not."""
        return self.text[self._discarded :]

    def discard(self) -> None:
        """Passes over everything that has come."""
        self._position = self._discarded = len(self.text)

    def expect(self, pattern: str | re.Pattern[str], timeout: float = 5.0) -> re.Match[str]:
        """Waits until the text after the last match has this one, and passes over it.

        Raises LinkTimeout with the last output if it does not come within `timeout` seconds.
        """
        compiled = re.compile(pattern)
        found: list[re.Match[str]] = []

        def matches() -> bool:
            match = compiled.search(self.text, self._position)
            if match is not None:
                found.append(match)
            return match is not None

        if not self._connection.wait_until(matches, timeout):
            raise LinkTimeout(
                f"{compiled.pattern!r} did not come within {timeout:g} s; the board printed: {self.unread[-500:]!r}",
                pattern=compiled.pattern,
            )
        self._position = found[-1].end()
        return found[-1]

    def wait_quiet(self, quiet: float, timeout: float) -> str:
        """Waits until nothing was printed for `quiet` seconds, and returns and passes over what is unread."""
        deadline = time.monotonic() + timeout
        length = -1
        while length != len(self.text) and time.monotonic() < deadline:
            length = len(self.text)
            self._connection.wait_until(self._longer_than(length), quiet)
        text = self.unread
        self._position = len(self.text)
        return text

    def _longer_than(self, length: int) -> Callable[[], bool]:
        return lambda: len(self.text) > length

    def write(self, data: bytes) -> None:
        """Types `data`: a line for the board's command interpreter, or input of the running app. Waits while the
        board's buffer is full, for the connection's timeout at most."""
        deadline = time.monotonic() + self._connection.timeout
        while data:
            taken = self.offer(data)
            data = data[taken:]
            if taken:
                deadline = time.monotonic() + self._connection.timeout
            elif time.monotonic() >= deadline:
                raise LinkTimeout(f"the board takes no input: {len(data)} bytes are left", hint="does the app read it?")
            else:
                self._connection.wait_until(lambda: False, 0.02)

    def offer(self, data: bytes) -> int:
        """Types as much of `data` as fits the board's buffer now, and one frame; returns how many bytes that was."""
        answer = self._connection.request("console.input", data=data[: self._piece])
        if answer.status:
            raise refusal(answer.status, answer.values)
        return int(answer.values["taken"])

    def write_line(self, line: str = "") -> None:
        """Types a line and the return key."""
        self.write(line.encode() + b"\r")
