"""Throws bytes at a board's console and link: `make fuzz-link TIME=3600`, or python -m tests.link.fuzzing --time 3600.

Rounds of noise, of damaged frames, of well-formed frames with nonsense in them, of several good requests in one write
and of half-typed commands, each from a seed that is told when something is found. A request in good order must be
answered with its own outcome, whatever is sent with it. After every round the board must open a session and answer a
request, and then print its prompt at a plain terminal. The `host` board is built with sanitizers where the compiler
can.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from firmware_host.boards import load_board
from firmware_host.build import firmware
from firmware_host.build.generate import field_size
from firmware_host.errors import BuildError, LinkError, ToolMissing
from firmware_host.link import core, frames, messages, table
from firmware_host.link.messages import Frame
from firmware_host.sim.qemu import Qemu
from firmware_host.transport import Transport
from firmware_host.transport.pipe import PipeTransport
from tests.cli import guest_modules
from tests.link.lossy_line import Faults, damaged

BOARDS = ("host", "qemu:stm32f4")

#: Seconds: a board that needs longer than this for an answer hangs.
PATIENCE = 15.0

#: Seconds after which it is told how far a long run is.
_PROGRESS = 300.0

_FAULTS = Faults(drop=0.005, flip=0.005, repeat=0.002, swap=0.002)
_WORDS = ("help", "info", "ps", "irq list", "irq raise soft0", "peek", "pins", "ls", "df", "rm", "run", "boot", "x")

#: Commands that do what they say, to the time and to the session itself.
_NOT_ASKED = ("reset", "set_tick")

_NOT_ASKED_BY_CHANCE = {
    (table.CHANNELS[one.channel], bytes([one.number])) for one in table.COMMANDS if one.name in _NOT_ASKED
}

_BROKEN = re.compile(rb"the firmware failed|runtime error|AddressSanitizer")


class Found(Exception):
    """The board hangs, has crashed, or says that it failed."""


@dataclass
class Subject:
    """A board, what it has said lately, and how many bytes it was sent."""

    name: str
    transport: Transport
    text: bytes = b""
    sent: int = 0

    def read(self, seconds: float) -> bytes:
        try:
            data = self.transport.read(seconds)
        except LinkError as error:
            raise Found(f"{error}\n{error.hint}") from error
        self.text = (self.text + data)[-4096:]
        if _BROKEN.search(self.text):
            raise Found(f"it says: {self.text[-600:]!r}")
        return data

    def write(self, data: bytes) -> None:
        self.sent += len(data)
        try:
            self.transport.write(data)
        except LinkError as error:
            raise Found(f"{error}\n{error.hint}") from error

    def drain(self) -> None:
        while self.read(0.0):
            pass


@contextmanager
def subject(name: str) -> Iterator[Subject]:
    if name == "host":
        try:
            program = firmware("host", variant="sanitize")
        except (BuildError, ToolMissing):
            program = firmware("host")
        transport = PipeTransport([program], name=name)
        try:
            yield Subject(name, transport)
        finally:
            transport.close()
        return
    board = load_board(name.partition(":")[2])
    with Qemu(board, firmware(board.name)) as qemu:
        yield Subject(name, qemu.transport)


# ---- what is thrown


def noise(source: random.Random) -> bytes:
    size = source.choice((1, 10, 100, 1000))
    some = bytes(source.choices(range(8), k=4)) if source.random() < 0.3 else bytes(range(256))
    return bytes(source.choice(some) for _ in range(size))


def typed(source: random.Random) -> bytes:
    words = [source.choice(_WORDS) if source.random() < 0.8 else str(source.getrandbits(40)) for _ in range(4)]
    ends = (b"\r", b"\n", b"\r\n", b"", b"\x03", b"\x08\x08\x08\r", b"\x7f" * 90)
    return " ".join(words[: source.randrange(5)]).encode() + source.choice(ends)


def field_bytes(kind: str, source: random.Random) -> bytes:
    size = field_size(kind)
    if size is None:
        return source.choice((b"", b"main", b"add", b"app.wasm", source.randbytes(source.randrange(60))))
    number = source.choice((0, 1, source.getrandbits(8), source.getrandbits(8 * size), (1 << 8 * size) - 1))
    return (number & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def request(source: random.Random) -> tuple[int, bytes]:
    """Channel and payload of a request that is well formed, cut off, too long, or none at all."""
    command = source.choice([one for one in table.COMMANDS if one.name not in _NOT_ASKED])
    payload = bytes([command.number]) + b"".join(field_bytes(kind, source) for _, kind in command.request)
    match source.randrange(6):
        case 0:
            payload = payload[: source.randrange(len(payload) + 1)]
        case 1:
            payload += source.randbytes(source.randrange(40))
        case 2:
            channel, payload = source.randrange(256), source.randbytes(source.randrange(60))
            if (channel, payload[:1]) in _NOT_ASKED_BY_CHANCE:
                payload = b""
            return channel, payload
        case _:
            pass
    return table.CHANNELS[command.channel], payload


@dataclass(frozen=True)
class Asked:
    """A request to the module that is loaded, or to load it, and what may be answered."""

    command: str
    values: dict[str, Any]
    right: Callable[[bytes], bool] = lambda payload: True  #: of a response whose status is 0

    @property
    def channel(self) -> int:
        return table.CHANNELS[messages.COMMANDS[self.command].channel]

    @property
    def payload(self) -> bytes:
        return messages.request_payload(messages.COMMANDS[self.command], self.values)


def addition(one: int, other: int) -> Asked:
    values = {"instance": 0, **messages.call_values("add", [one, other])}
    return Asked("app.invoke", values, lambda payload: payload == b"\0" + (one + other).to_bytes(4, "little"))


def loading(name: str, flags: int) -> Asked:
    fields = sum(field_size(kind) or 0 for _, kind in messages.COMMANDS["app.instantiate"].response)
    return Asked(
        "app.instantiate",
        {"flags": flags, "name": name},
        lambda payload: len(payload) == 1 + fields and payload[6] > 0,  # bytes of its code
    )


def never_well(export: str) -> Asked:
    return Asked("app.invoke", {"instance": 0, **messages.call_values(export, [])}, lambda payload: False)


def asked(source: random.Random) -> Asked:
    """What belongs to a module that has `add`, and `fail`, which traps."""
    match source.randrange(7):
        case 0 | 1:
            return addition(source.randrange(1000), source.randrange(1000))
        case 2:
            return never_well("fail")
        case 3 | 4:
            return loading(source.choice(("", "add.wasm")), source.choice((0, 1)))
        case 5:
            return Asked("app.drop", {})
        case _:
            values = {"source": source.randrange(4), "count": 3, "after_us": source.randrange(2), "every_us": 100}
            return Asked("irq.raise", values)


class Talk:
    """A session that keeps its numbers right, so that what it sends is run."""

    def __init__(self, subject: Subject, source: random.Random) -> None:
        self.subject, self.source = subject, source
        self._decoder = frames.Decoder(4096 + 64)
        self._nonce = source.getrandbits(32)
        self._sequence = self._expected = 0
        self._id = source.randrange(1, 1000)
        self.welcomed = False
        self._answers: dict[int, bytes] = {}

    def hello(self) -> None:
        values = {"nonce": self._nonce, "major": table.PROTOCOL_MAJOR, "minor": table.PROTOCOL_MINOR}
        self._put(Frame(table.KINDS["hello"], payload=messages.build(table.HELLO, values)), clean=True)
        end = time.monotonic() + 1.0
        while not self.welcomed and time.monotonic() < end:
            self.listen(0.05)

    def _put(self, frame: Frame, *, clean: bool = False) -> None:
        data = frames.encode(frame.acknowledging(self._expected).to_bytes())
        if not clean and self.source.random() < 0.3:
            data = damaged(data, _FAULTS, self.source)
        self.subject.write(data)

    def listen(self, seconds: float) -> None:
        for piece in self._decoder.feed(self.subject.read(seconds)):
            if not isinstance(piece, frames.Content) or len(piece.data) < messages.HEADER_SIZE:
                continue
            frame = messages.parse_frame(piece.data)
            if frame.kind == table.KINDS["welcome"]:
                self.welcomed = True
            elif frame.sequenced and frame.sequence == self._expected:
                self._expected = (self._expected + 1) % 256
                if frame.kind == table.KINDS["response"]:
                    self._answers[frame.request_id] = frame.payload
            if frame.kind in (table.KINDS["response"], table.KINDS["ack"], table.KINDS["nack"]):
                self._sequence = frame.acknowledge

    def say(self) -> None:
        """Sends something that has the right number, most of the time."""
        source = self.source
        kind = table.KINDS["request"] if source.random() < 0.9 else source.randrange(12)
        channel, payload = request(source)
        sequence = self._sequence if source.random() < 0.95 else source.randrange(256)
        self._put(Frame(kind, channel, sequence, 0, self._id, payload))
        self._id = self._id % 0xFFFF + 1
        self.listen(0.02)

    def burst(self) -> bool:
        """Two or three requests in one write. Raises Found if the board takes them and does not answer each of them, or
        one with what is not its outcome. False if it takes them not: then it is not known any more what it expects."""
        first, data = self._sequence, b""
        several: dict[int, Asked] = {}
        for number in range(self.source.choice((2, 3))):
            one = several[self._id] = asked(self.source)
            frame = Frame(table.KINDS["request"], one.channel, (first + number) % 256, 0, self._id, one.payload)
            data += frames.encode(frame.acknowledging(self._expected).to_bytes())
            self._answers.pop(self._id, None)
            self._id = self._id % 0xFFFF + 1
        self.subject.write(data)
        begin = time.monotonic()
        while missing := [request for request in several if request not in self._answers]:
            self.listen(0.02)
            now = time.monotonic()
            if (self._sequence - first) % 256 < len(several) and now > begin + 0.5:
                return False
            if now > begin + PATIENCE:
                names = ", ".join(f"{one.command}{' (no answer)' * (key in missing)}" for key, one in several.items())
                raise Found(f"taken in one write and not answered within {PATIENCE:.0f} s: {names}")
            self._put(Frame(table.KINDS["ack"]), clean=True)
        for request, one in several.items():
            payload = self._answers[request]
            if payload[:1] == b"\0" and not one.right(payload):
                raise Found(
                    f"{one.command} {one.values} among {len(several)} in one write was answered with {payload!r}"
                )
        return True


def upload(talk: Talk, data: bytes, name: bytes = b"") -> bool:
    """Gives the board a module, into its store if it has a name, so that there is something to call. Has it taken all
    of it? Then it is known what it expects next."""
    digest = hashlib.sha256(data).digest()
    parts = [
        bytes([1]) + len(data).to_bytes(4, "little") + digest + name,
        bytes([2]) + bytes(4) + data,
        bytes([3]),
    ]
    for part in parts:
        talk._put(Frame(table.KINDS["request"], table.CHANNELS["files"], talk._sequence, 0, talk._id, part), clean=True)
        talk._id += 1
        end, after = time.monotonic() + 1.0, (talk._sequence + 1) % 256
        while talk._sequence != after and time.monotonic() < end:
            talk.listen(0.02)
        if talk._sequence != after:
            return False
    return True


def round_of(subject: Subject, source: random.Random) -> None:
    for _ in range(source.randrange(1, 6)):
        match source.randrange(5):
            case 0:
                subject.write(noise(source))
            case 1:
                subject.write(typed(source))
            case 2:
                subject.write(source.choice((table.STOP_SEQUENCE, b"\0", b"\0\0\0", b"\x03")))
            case _:
                talk = Talk(subject, source)
                talk.hello()
                if source.random() < 0.5:
                    in_step = talk.welcomed and upload(talk, guest_modules.add(), source.choice((b"", b"add.wasm")))
                    for _ in range(source.randrange(10)):
                        in_step = in_step and talk.burst()
                for _ in range(source.randrange(30)):
                    talk.say()
        subject.drain()


# ---- what must still work


def answers(subject: Subject) -> None:
    """Opens a session, asks something, ends it, and finds the prompt. Raises Found."""
    session = core.Session(secrets.randbits(32), time.monotonic())
    subject.write(table.STOP_SEQUENCE)  # what runs may go on for ever
    end = time.monotonic() + PATIENCE
    asked: int | None = None
    while True:
        now = time.monotonic()
        if now > end:
            what = "a request" if session.open else "hello"
            raise Found(f"no answer to {what} within {PATIENCE:.0f} s; it said {subject.text[-300:]!r}")
        data = session.data_to_send(now)
        if data:
            subject.write(data)
        events = session.receive(subject.read(0.01), time.monotonic())
        if session.open and asked is None:
            asked = session.request(messages.COMMANDS["irq.show"], {"source": 0})
        if any(isinstance(event, core.Answered) and event.request_id == asked for event in events):
            break
    session.say_bye()
    subject.write(session.data_to_send(time.monotonic()) + table.STOP_SEQUENCE)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        subject.text = b""
        subject.write(b"\r")
        look = time.monotonic() + 0.5
        while time.monotonic() < look:
            subject.read(0.02)
            if b"wirq> " in subject.text:
                return
    raise Found(f"no prompt within {PATIENCE:.0f} s; it said {subject.text[-300:]!r}")


@dataclass
class Run:
    """How far the fuzzing of a board is."""

    name: str
    seed: int
    rounds: int = 0
    sent: int = 0
    slowest: float = 0.0  #: seconds from the end of a round until the board had answered all

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.rounds:,} rounds of seed {self.seed}, {self.sent:,} bytes; "
            f"it answers after each, after {self.slowest:.1f} s at most"
        )


def fuzz(name: str, seconds: float, seed: int) -> Run:
    """Rounds for so many seconds. Raises Found naming the seed of the round."""
    run = Run(name, seed)
    with subject(name) as board:
        answers(board)
        begin = time.monotonic()  # building and starting are not part of it
        progress = begin + _PROGRESS
        while (now := time.monotonic()) < begin + seconds:
            if now >= progress:
                print(f"{now - begin:.0f} s: {run}", file=sys.stderr, flush=True)
                progress += _PROGRESS
            this = seed + run.rounds
            try:
                round_of(board, random.Random(this))
                ended = time.monotonic()
                answers(board)
            except Found as error:
                raise Found(f"{name}, round {run.rounds} of seed {seed} ({this}): {error}") from error
            run.slowest = max(run.slowest, time.monotonic() - ended)
            run.rounds += 1
            run.sent = board.sent
    return run


def told(name: str, seconds: float, seed: int) -> bool:
    """Fuzzes one board and prints how it went. Has it stood?"""
    try:
        run = fuzz(name, seconds, seed)
    except Found as error:
        print(f"FOUND: {error}", file=sys.stderr, flush=True)
        return False
    except ToolMissing as error:
        print(f"{name}: not fuzzed: {error}", file=sys.stderr, flush=True)
        return True
    print(f"{seconds:.0f} s: {run}", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", type=float, default=60.0, help="seconds; all boards are fuzzed at once")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--board", action="append", help=f"host or qemu:NAME; default {', '.join(BOARDS)}")
    arguments = parser.parse_args()
    boards = arguments.board or list(BOARDS)
    seed = random.SystemRandom().randrange(1 << 32) if arguments.seed is None else arguments.seed
    with ThreadPoolExecutor(len(boards)) as threads:
        stood = list(threads.map(lambda name: told(name, arguments.time, seed), boards))
    return 0 if all(stood) else 1


if __name__ == "__main__":
    sys.exit(main())
