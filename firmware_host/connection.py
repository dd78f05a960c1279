"""Runs a link session over a transport: blocking requests with a deadline, and the acknowledgements of an idle host.

Whoever waits does the reading. While nobody waits, a background thread reads four times a second, so that the board is
acknowledged and its text arrives; callbacks may therefore come from that thread.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from firmware_host.errors import LinkError, LinkTimeout, ProtocolMismatch, WirqError
from firmware_host.link import core, messages, table
from firmware_host.link.messages import Response, Values
from firmware_host.transport import Transport

#: The session asks a silent board to say something twice a second. One that said nothing for this long, and for the
#: connection's timeout on top of it, has gone.
_SILENCE = 2.0

#: The background thread's interval, and the longest single wait of a reading caller.
_IDLE_INTERVAL = 0.25


class Connection:
    """A session with one board. `timeout` is the one answer to "how long": for hello, and for each answer."""

    def __init__(
        self,
        transport: Transport,
        *,
        timeout: float = 5.0,
        policy: core.RetryPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        background: bool = True,
    ) -> None:
        """`clock` is for tests in simulated time, which have no use for a `background` thread either."""
        self.transport = transport
        self.timeout = timeout
        self.on_text: Callable[[bytes], None] = lambda data: None
        self.on_stamp: Callable[[int], None] = lambda board_time_us: None
        self.on_event: Callable[[str, Values], None] = lambda name, values: None
        self._clock = clock
        self._background = background
        self._policy = policy
        self._session = core.Session(secrets.randbits(32), clock(), policy)
        self._answers: dict[int, Response | None] = {}
        self._other_major: core.OtherMajor | None = None
        self._heard = bytearray()  # text before the welcome, for the message when none comes
        self._heard_bytes = 0
        self._lock = threading.RLock()
        self._pumped_at = clock()
        self._failure: WirqError | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    # -- the session

    def open(self) -> core.Welcome:
        """Says hello until the board answers. Raises LinkTimeout telling what the board sent instead."""
        self.wait_until(lambda: self._session.open or self._other_major is not None, self.timeout)
        if self._other_major is not None:
            board = f"{self._other_major.major}.{self._other_major.minor}"
            ours = f"{table.PROTOCOL_MAJOR}.{table.PROTOCOL_MINOR}"
            newer = self._other_major.major > table.PROTOCOL_MAJOR
            raise ProtocolMismatch(
                f"{self.transport.name} speaks link protocol {board}, this tool {ours}; nothing was sent",
                hint="update wirq" if newer else "update the board's firmware to this tool's version",
                board_major=self._other_major.major,
                tool_major=table.PROTOCOL_MAJOR,
            )
        welcome = self._session.welcome
        if welcome is None:
            raise self._no_hello()
        if self._background and self._thread is None:
            self._thread = threading.Thread(target=self._keep_alive, name="wirq keep-alive", daemon=True)
            self._thread.start()
        return welcome

    def reopen(self) -> core.Welcome:
        """Begins another session: after a reset, which ends what the board knew of the last one."""
        with self._lock:
            self._check()
            self._session = core.Session(secrets.randbits(32), self._clock(), self._policy)
            self._answers.clear()
            self._heard.clear()
            self._heard_bytes = 0
        return self.open()

    def _no_hello(self) -> LinkTimeout:
        message = f"no hello from {self.transport.name} in {self.timeout:.1f} s; it sent "
        lines = [line for line in self._heard.decode("utf-8", "replace").splitlines() if line.strip()]
        if not self._heard_bytes:
            message += "nothing"
        elif lines:
            message += f'{self._heard_bytes} bytes of text, last line: "{lines[-1].strip()[:80]}"'
        else:
            message += f"{self._heard_bytes} bytes that are no text: is the baud rate right?"
        hint = "is wirq firmware on it, is it powered, and is this its port?"
        if lines and self.transport.name.startswith(("/dev/", "COM")):  # something else runs there
            hint = f"is wirq firmware on it?  wirq flash -b port:{self.transport.name}"
        return LinkTimeout(message, hint=hint)

    @property
    def resent(self) -> int:
        """Frames that were sent more than once."""
        return self._session.resent

    @property
    def losses(self) -> int:
        """How often frames had to be sent again."""
        return self._session.losses

    @property
    def window(self) -> int:
        welcome = self._session.welcome
        return max(1, int(welcome.values["window"])) if welcome else 1

    def begin(self, command: str, /, **values: Any) -> int:
        """Sends a request such as begin("irq.raise", source=1, …) without waiting; returns its id for `finish`."""
        with self._lock:
            self._check()
            request_id = self._session.request(messages.COMMANDS[command], values)
            self._answers[request_id] = None
            self._send()
        return request_id

    def finish(self, request_id: int, timeout: float | None = None, *, lively: bool = True) -> Response:
        """Waits for the answer. Without a timeout it waits as long as the board lives: see `wait_until`."""
        try:
            if not self.wait_until(lambda: self._answers[request_id] is not None, timeout, lively=lively):
                raise LinkTimeout(
                    f"{self.transport.name} did not answer within {timeout:.1f} s",
                    hint="was it reset or unplugged? try again, with a longer --timeout if it is slow",
                )
            answer = self._answers[request_id]
            assert answer is not None
            return answer
        finally:
            with self._lock:
                self._answers.pop(request_id, None)
                self._session.forget(request_id)

    def request(self, command: str, /, **values: Any) -> Response:
        """Sends a request and waits for its answer, whatever its status, for `timeout` seconds at most."""
        return self.finish(self.begin(command, **values), self.timeout)

    def send_stop(self) -> None:
        """Sends the three bytes that stop what runs, whatever state the board's receiver is in."""
        with self._lock:
            self._check()
            self.transport.write(table.STOP_SEQUENCE)

    def close(self) -> None:
        """Says bye and closes the transport. May be called twice; never raises."""
        if self._closed.is_set():
            return
        self._closed.set()
        try:
            if self._failure is None and self._session.open:
                self._session.say_bye()
                self._send()
        except WirqError:
            pass  # whoever closes has no use for a board that is gone already
        finally:
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join()
            self.transport.close()

    # -- waiting

    def wait_until(
        self,
        condition: Callable[[], bool],
        timeout: float | None,
        *,
        lively: bool = True,
        interval: float = _IDLE_INTERVAL,
    ) -> bool:
        """Reads and sends until the condition holds (True) or the time is over (False).

        Without a timeout it waits as long as the board lives: LinkTimeout is raised when it stays silent although the
        session asks it to say something. `lively` False is for commands during which
        a board hears nothing. A condition that depends on more than the board is looked at every `interval` seconds.
        """
        deadline = None if timeout is None else self._clock() + timeout
        while True:
            with self._lock:
                self._check()
                if condition():
                    return True
                now = self._clock()
                if deadline is not None and now >= deadline:
                    return False
                if deadline is None and lively:
                    self._watch(now)
                wait = interval if deadline is None else min(interval, deadline - now)
                self._pump(wait)

    def _watch(self, now: float) -> None:
        silent = now - self._session.heard_at
        if silent > _SILENCE + self.timeout:
            raise LinkTimeout(
                f"{self.transport.name} stopped answering {silent:.0f} s ago",
                hint="was it reset or unplugged? then run the command again",
            )

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed.is_set():
            raise LinkError(f"the connection to {self.transport.name} is closed")

    def _pump(self, timeout: float) -> None:
        """Sends what is due and reads once, waiting at most until the next thing is due."""
        try:
            self._send()
            now = self._clock()
            data = self.transport.read(max(0.0, min(timeout, self._session.next_due() - now)))
        except LinkError as error:
            self._failure = error
            raise
        self._pumped_at = self._clock()
        if data:
            self._take(data)

    def _send(self) -> None:
        data = self._session.data_to_send(self._clock())
        if data:
            self.transport.write(data)

    def _take(self, data: bytes) -> None:
        before = not self._session.open
        events = self._session.receive(data, self._clock())
        if before:
            self._heard_bytes += len(data)
        for event in events:
            match event:
                case core.Text(text):
                    if before:
                        self._heard = (self._heard + text)[-4096:]
                    self.on_text(text)
                case core.Stamped(board_time_us):
                    self.on_stamp(board_time_us)
                case core.Answered(request_id, response):
                    if request_id in self._answers:
                        self._answers[request_id] = response
                case core.Happened(name, values):
                    self.on_event(name, values)
                case core.OtherMajor():
                    self._other_major = event
                case _:
                    pass

    def _keep_alive(self) -> None:
        while not self._closed.wait(_IDLE_INTERVAL):
            if not self._lock.acquire(blocking=False):
                continue  # somebody waits, and reads
            try:
                if self._failure is None and self._clock() - self._pumped_at >= _IDLE_INTERVAL / 2:
                    self._pump(0.0)
            except WirqError as error:
                self._failure = error
            finally:
                self._lock.release()
