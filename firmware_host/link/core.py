"""The host's side of one link session, without I/O: bytes and a clock value in, bytes and events out.

Delivery is go-back-N with the window that the board's welcome allows. Requests, responses and events are counted by a
sequence number per direction; each frame tells the next one expected from the peer. Whoever notices that frames are
missing, by a later one or by a damaged one, says so with a nack, and they are sent again at once. What nobody could
notice is found by timers. All of them are here, on the host; the board keeps none: a nack that we send after a silence
brings what it has not got acknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from firmware_host.errors import LinkError
from firmware_host.link import frames, messages, table
from firmware_host.link.messages import Frame, Response, Values
from firmware_host.link.table import Command

#: Sequence and acknowledge are counted modulo this.
_MODULO = 256

#: The largest frame that we take from a board; ours are limited by what the board takes.
MAX_RECEIVED_FRAME = 4096 + 64


@dataclass(frozen=True)
class RetryPolicy:
    """When things are sent again; seconds. How long a caller waits in all is the caller's one `timeout`."""

    hello_interval: float = 0.1  # of the first hellos; doubles up to hello_longest
    hello_longest: float = 0.5
    first: float = 0.3  # of a request that was not acknowledged; half as long again each time, up to longest
    longest: float = 0.5
    shortest: float = 0.05  # instead of `first` on a line whose answers come much sooner
    after_garbage: float = 0.01  # what came damaged was perhaps a frame that we lack
    acknowledge_after: float = 0.005  # how long an acknowledgement waits for a request to travel with
    keep_alive: float = 0.5  # a nack is sent after this silence of ours


@dataclass(frozen=True)
class Welcome:
    """The board's answer to our hello: who it is and its limits."""

    values: Mapping[str, Any]

    @property
    def session(self) -> int:
        return int(self.values["session"])

    @property
    def max_frame(self) -> int:
        return int(self.values["max_frame"])


@dataclass(frozen=True)
class OtherMajor:
    """A board that speaks another major of the protocol answered; nothing else may be exchanged with it."""

    major: int
    minor: int


@dataclass(frozen=True)
class Text:
    """Console text, as it came."""

    data: bytes


@dataclass(frozen=True)
class Stamped:
    """The line of text that comes next began at this time of the board's clock, in microseconds."""

    board_time_us: int


@dataclass(frozen=True)
class Answered:
    """A request was answered."""

    request_id: int
    response: Response


@dataclass(frozen=True)
class Happened:
    """An event of the board, such as "app.exit"."""

    name: str
    values: Values = field(hash=False)


SessionEvent = Welcome | OtherMajor | Text | Stamped | Answered | Happened


@dataclass
class _Sent:
    """A sequenced frame that is not acknowledged yet."""

    frame: Frame
    sent: float
    due: float  # when it is sent again
    interval: float
    again: bool = False  # it was sent more than once, so that its acknowledgement tells no round-trip time


class Session:
    """State of one session. Not for several threads at once."""

    def __init__(self, nonce: int, now: float, policy: RetryPolicy | None = None) -> None:
        self.policy = policy or RetryPolicy()
        self.welcome: Welcome | None = None
        self.resent = 0  #: frames of ours that were sent more than once
        self.losses = 0  #: how often that was needed
        self.garbage = 0  #: bytes received that were neither text nor a good frame
        self.heard_at = now  #: when the last good frame came
        self._nonce = nonce
        self._refused = False
        self._decoder = frames.Decoder(MAX_RECEIVED_FRAME)
        self._ready = bytearray()
        self._hello_due = now
        self._hello_interval = self.policy.hello_interval
        self._next_sequence = 0
        self._waiting: deque[Frame] = deque()
        self._flight: deque[_Sent] = deque()
        self._next_request = 1
        self._round_trip: float | None = None  # smoothed
        self._fastest: float | None = None  # the shortest round trip that was seen
        self._byte_time = 1.0  # no byte can have taken longer than this
        self._unanswered: dict[int, Command] = {}
        self._expected = 0
        self._acknowledge_due: float | None = None
        self._nack_due: float | None = None
        self._nacked_at = now
        self._keep_alive_due = now

    # -- what the caller does

    @property
    def open(self) -> bool:
        return self.welcome is not None

    @property
    def idle(self) -> bool:
        """Everything sent was acknowledged and answered."""
        return not (self._waiting or self._flight or self._unanswered)

    def request(self, command: Command, values: Values) -> int:
        """Queues a request and returns its id. Raises LinkError if it is larger than the board takes."""
        if self.welcome is None:
            raise LinkError("no session: the board has not answered hello")
        payload = messages.request_payload(command, values)
        size = messages.HEADER_SIZE + len(payload)
        if size > self.welcome.max_frame:
            name = f"{command.channel}.{command.name}"
            raise LinkError(f"{name} needs a frame of {size} bytes; the board takes {self.welcome.max_frame}")
        request_id = self._new_request_id()
        self._unanswered[request_id] = command
        self._waiting.append(
            Frame(
                table.KINDS["request"],
                channel=table.CHANNELS[command.channel],
                request_id=request_id,
                payload=payload,
            )
        )
        return request_id

    def forget(self, request_id: int) -> None:
        """Its answer, should it come yet, is of no interest any more."""
        self._unanswered.pop(request_id, None)

    def say_bye(self) -> None:
        """Queues the end of the session."""
        if self.welcome is not None:
            self._put(Frame(table.KINDS["bye"], channel=table.CHANNELS["control"]))
        self.welcome = None
        self._refused = True

    # -- bytes and time

    def receive(self, data: bytes, now: float) -> list[SessionEvent]:
        """Takes what came from the board and returns what it means."""
        events: list[SessionEvent] = []
        for piece in self._decoder.feed(data):
            match piece:
                case frames.Text(text):
                    events.append(Text(text))
                case frames.Content(content):
                    events.extend(self._frame(content, now))
                case frames.Garbage(garbage) if _is_text(garbage):
                    # A lost delimiter made the text between two frames look like a frame.
                    events.append(Text(garbage))
                case frames.Garbage(garbage):
                    self._take_garbage(len(garbage), now)
        return events

    def data_to_send(self, now: float) -> bytes:
        """What is to be written now; afterwards the next thing is due at `next_due`."""
        if self.welcome is None:
            if not self._refused and now >= self._hello_due:
                self._say_hello(now)
        else:
            self._send_again(now)
            self._send_waiting(now)
            if now >= min(self._keep_alive_due, self._nack_due or self._keep_alive_due):
                self._nack_due = None
                self._nacked_at = now
                self._say("nack", now)
            elif self._acknowledge_due is not None and now >= self._acknowledge_due:
                self._say("ack", now)
        data = bytes(self._ready)
        self._ready.clear()
        return data

    def next_due(self) -> float:
        """The clock value at which `data_to_send` must be called again at the latest."""
        if self.welcome is None:
            return self._hello_due
        dues = [self._keep_alive_due, *(due for due in (self._acknowledge_due, self._nack_due) if due is not None)]
        if self._flight:
            dues.append(self._flight[0].due)
        return min(dues)

    # -- sending

    def _put(self, frame: Frame) -> None:
        self._ready += frames.encode(frame.acknowledging(self._expected).to_bytes())

    def _say(self, kind: str, now: float) -> None:
        """Tells what we expect and what we shall send next."""
        self._put(Frame(table.KINDS[kind], channel=table.CHANNELS["control"], sequence=self._next_sequence))
        self._acknowledged(now)

    def _say_hello(self, now: float) -> None:
        values = {"nonce": self._nonce, "major": table.PROTOCOL_MAJOR, "minor": table.PROTOCOL_MINOR}
        self._put(Frame(table.KINDS["hello"], payload=messages.build(table.HELLO, values)))
        self._hello_due = now + self._hello_interval
        self._hello_interval = min(2 * self._hello_interval, self.policy.hello_longest)

    def _window(self) -> int:
        assert self.welcome is not None
        return max(1, min(int(self.welcome.values["window"]), _MODULO // 2))

    def _interval(self, frame: Frame) -> float:
        """How long a frame waits for its acknowledgement before it is sent a second time. What is longer takes longer
        on a slow line."""
        if self._round_trip is None:
            return self.policy.first
        needed = 4 * max(self._round_trip, len(frame.payload) * self._byte_time)
        return min(self.policy.first, max(self.policy.shortest, needed))

    def _send_waiting(self, now: float) -> None:
        while self._waiting and len(self._flight) < self._window():
            frame = self._waiting.popleft()
            frame = Frame(frame.kind, frame.channel, self._next_sequence, 0, frame.request_id, frame.payload)
            self._next_sequence = (self._next_sequence + 1) % _MODULO
            interval = self._interval(frame)
            self._flight.append(_Sent(frame, now, now + interval, interval))
            self._put(frame)
            self._acknowledged(now)

    def _send_again(self, now: float) -> None:
        """Go back N: when the oldest frame's time is over, it and all after it are sent again."""
        if not self._flight or now < self._flight[0].due:
            return
        self.losses += 1
        for sent in self._flight:
            sent.interval = min(1.5 * sent.interval, self.policy.longest)
            sent.due = now + sent.interval
            sent.sent = now
            sent.again = True
            self._put(sent.frame)
            self.resent += 1
        self._acknowledged(now)

    def _acknowledged(self, now: float) -> None:
        """A frame that carries our acknowledgement was just sent."""
        self._acknowledge_due = None
        self._keep_alive_due = now + self.policy.keep_alive

    def _new_request_id(self) -> int:
        while True:
            request_id = self._next_request
            self._next_request = request_id % 0xFFFF + 1
            if request_id not in self._unanswered:
                return request_id

    # -- receiving

    def _take_garbage(self, size: int, now: float) -> None:
        self.garbage += size
        if self.welcome is not None:
            self._lacking(now, self.policy.after_garbage)

    def _lacking(self, now: float, delay: float = 0.0) -> None:
        """Frames of the board are missing: it is told, but not again before the answer to the last telling can have
        come."""
        due = max(now + delay, self._nacked_at + self._turnaround())
        self._nack_due = min(due, self._nack_due or due)

    def _turnaround(self) -> float:
        """Sooner than this after it was sent, nothing can be the answer to a frame."""
        return 0.0 if self._fastest is None else 0.75 * self._fastest

    def _frame(self, content: bytes, now: float) -> Iterable[SessionEvent]:
        try:
            frame = messages.parse_frame(content)
        except LinkError:
            self.garbage += len(content)
            return ()
        kind = messages.KIND_NAMES.get(frame.kind)
        if kind == "welcome":
            return self._welcomed(frame, now)
        if self.welcome is None or kind not in ("response", "event", "ack", "nack", "stamp"):
            return ()
        self.heard_at = now
        self._take_acknowledge(frame.acknowledge, now)
        if kind == "nack":
            self._go_back(frame.acknowledge, now)
        if kind == "stamp":
            return (Stamped(messages.parse(table.STAMP, frame.payload)["board_time_us"]),)
        ahead = (frame.sequence - self._expected) % _MODULO
        if 0 < ahead < _MODULO // 2:
            self._lacking(now)  # one before it is missing; it will be sent again, too
            return ()
        if not frame.sequenced:
            return ()
        if ahead:
            # Sent again because our acknowledgement was lost: tell at once what we expect.
            self._acknowledge_due = now
            return ()
        self._expected = (self._expected + 1) % _MODULO
        self._nack_due = None
        self._acknowledge_due = now + self.policy.acknowledge_after
        return self._answered(frame) if kind == "response" else self._happened(frame)

    def _go_back(self, acknowledge: int, now: float) -> None:
        """The board lacks what we sent from here on. One loss makes it say so several times, and the first counts; what
        it says before it can have what we sent again is about that only if nothing better comes in good time."""
        if self._flight and self._flight[0].frame.sequence == acknowledge:
            oldest = self._flight[0]
            if now - oldest.sent >= self._turnaround():
                oldest.due = now
            elif self._round_trip is not None:
                oldest.due = min(oldest.due, oldest.sent + 2 * self._round_trip)

    def _welcomed(self, frame: Frame, now: float) -> Iterable[SessionEvent]:
        # Nonce and version stand first in every major.
        head = messages.parse(table.HELLO, frame.payload)
        if self.welcome is not None or self._refused or head["nonce"] != self._nonce:
            return ()
        self.heard_at = now
        if head["major"] != table.PROTOCOL_MAJOR:
            self._refused = True
            return (OtherMajor(head["major"], head["minor"]),)
        self.welcome = Welcome(messages.parse(table.WELCOME, frame.payload))
        self._acknowledged(now)
        return (self.welcome,)

    def _take_acknowledge(self, acknowledge: int, now: float) -> None:
        """Removes what the board has from the flight; ignores acknowledgements of what was never sent."""
        if not self._flight:
            return
        count = (acknowledge - self._flight[0].frame.sequence) % _MODULO
        if not 0 < count <= len(self._flight):
            return
        for _ in range(count):
            sent = self._flight.popleft()
            if not sent.again:
                sample = now - sent.sent
                self._byte_time = min(self._byte_time, sample / (messages.HEADER_SIZE + len(sent.frame.payload)))
                self._fastest = sample if self._fastest is None else min(sample, self._fastest)
                self._round_trip = sample if self._round_trip is None else 0.875 * self._round_trip + 0.125 * sample
        for sent in self._flight:
            sent.interval = self._interval(sent.frame)
            sent.due = now + sent.interval

    def _answered(self, frame: Frame) -> Iterable[SessionEvent]:
        command = self._unanswered.pop(frame.request_id, None)
        if command is None:
            return ()
        return (Answered(frame.request_id, messages.parse_response(command, frame.payload)),)

    def _happened(self, frame: Frame) -> Iterable[SessionEvent]:
        parsed = messages.parse_event(frame.channel, frame.payload)
        if parsed is None:
            return ()
        event, values = parsed
        return (Happened(f"{event.channel}.{event.name}", values),)


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t\b\x1b" for character in text)
