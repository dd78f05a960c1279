"""A board in Python that follows the rules of the link: the other end for tests that need one to misbehave on order.

It has no VM: `invoke` of "add" adds its cells, any other name never ends until it is stopped, `run` ends by itself or
when it is stopped. What the firmware itself does is tested with the `host` board.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from firmware_host import status
from firmware_host.link import frames, messages, table
from firmware_host.link.messages import Frame, Values

Answer = tuple[int, Values]
DEFERRED: Answer = (-1, {})


@dataclass
class _Pending:
    request_id: int
    channel: int
    name: str


class ModelBoard:
    """Sans-I/O, like the session it talks to."""

    def __init__(self, *, max_frame: int = 256, window: int = 1, major: int = table.PROTOCOL_MAJOR) -> None:
        self.max_frame = max_frame
        self.window = window
        self.major = major
        self.executed: list[tuple[str, Values]] = []  # every request run, in order
        self.text_in = bytearray()
        self.sessions = 0
        self.mute = False
        self.tick_hz = 0
        self.upload: tuple[bytes, int, bytearray] | None = None
        self.committed = b""
        self.raised = [0, 0, 0, 0]
        self.running = False
        self._decoder = frames.Decoder(max_frame)
        self._out = bytearray()
        self._nonce: int | None = None
        self._reset_session()

    def _reset_session(self) -> None:
        self._expected = 0
        self._next_sequence = 0
        self._kept: deque[Frame] = deque()  # sent and not acknowledged
        self._pending: _Pending | None = None

    # -- bytes

    def receive(self, data: bytes) -> None:
        if self.mute:
            return
        for piece in self._decoder.feed(data):
            match piece:
                case frames.Content(content) if len(content) >= messages.HEADER_SIZE:
                    self._frame(messages.parse_frame(content))
                case frames.Text(text) if self._nonce is None:
                    self.text_in += text
                case frames.Garbage(b"\x03"):
                    self._stop()
                case _:
                    pass

    def data_to_send(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def say(self, text: str) -> None:
        self._out += text.encode()

    # -- frames

    def _put(self, frame: Frame) -> None:
        self._out += frames.encode(frame.acknowledging(self._expected).to_bytes())

    def _say(self, kind: str) -> None:
        self._put(Frame(table.KINDS[kind], sequence=self._next_sequence))

    def _send(self, frame: Frame) -> None:
        frame = replace(frame, sequence=self._next_sequence)
        self._next_sequence = (self._next_sequence + 1) % 256
        self._kept.append(frame)
        self._put(frame)

    def _frame(self, frame: Frame) -> None:
        kind = messages.KIND_NAMES.get(frame.kind)
        if kind == "hello":
            self._hello(messages.parse(table.HELLO, frame.payload))
            return
        if self._nonce is None:
            return
        arrived = (frame.acknowledge - self._next_sequence + len(self._kept)) % 256
        for _ in range(arrived if arrived <= len(self._kept) else 0):
            self._kept.popleft()
        if kind == "nack":
            for kept in self._kept:
                self._put(kept)
            if not self._kept:
                self._say("ack")
        if kind == "bye":
            self._nonce = None
        elif kind == "request":
            self._request(frame)

    def _hello(self, hello: Values) -> None:
        if hello["nonce"] != self._nonce:
            self.sessions += 1
            self._nonce = hello["nonce"]
            self._reset_session()
        welcome = {
            "nonce": hello["nonce"],
            "major": self.major,
            "minor": table.PROTOCOL_MINOR,
            "session": self.sessions,
            "max_frame": self.max_frame,
            "window": self.window,
            "receive_buffers": self.window,
            "features": 0b11,
            "build_id": b"model\0\0\0",
            "unique_id": bytes(8),
            "operations": 100,
            "store_kind": table.STORES["ram"],
            "store_size": 4096,
            "code_kind": table.STORES["ram"],
            "arena_size": 8192,
            "names": "model\0" + "0.1.0\0",
        }
        self._put(Frame(table.KINDS["welcome"], payload=messages.build(table.WELCOME, welcome)))

    def _request(self, frame: Frame) -> None:
        if frame.sequence != self._expected:
            self._say("nack" if (frame.sequence - self._expected) % 256 < 128 else "ack")
            return
        self._expected = (self._expected + 1) % 256
        command = next(
            c for c in table.COMMANDS if table.CHANNELS[c.channel] == frame.channel and c.number == frame.payload[0]
        )
        name = f"{command.channel}.{command.name}"
        values = messages.parse(command.request, frame.payload[1:])
        self.executed.append((name, values))
        if command.deferred and self._pending is not None:
            self._answer(frame, name, (status.code("BUSY"), {}))
            return
        handler: Callable[..., Answer] | None = getattr(self, "_do_" + name.replace(".", "_"), None)
        answer = handler(**values) if handler else (status.code("NOT_SUPPORTED"), {})
        if answer is DEFERRED:
            self._pending = _Pending(frame.request_id, frame.channel, name)
            self._say("ack")
        else:
            self._answer(frame, name, answer)

    def _answer(self, request: Frame, name: str, answer: Answer) -> None:
        number, values = answer
        fields = messages.COMMANDS[name].response if number == 0 else table.FAILURE
        if number:
            values = {"offset": 0, "function": 0xFFFFFFFF, "detail": 0, "text": "", **values}
        payload = bytes([number]) + messages.build(fields, values)
        self._send(
            Frame(table.KINDS["response"], channel=request.channel, request_id=request.request_id, payload=payload)
        )

    def finish(self, answer: Answer) -> None:
        """Answers the deferred request."""
        pending, self._pending = self._pending, None
        assert pending is not None
        request = Frame(table.KINDS["request"], channel=pending.channel, request_id=pending.request_id)
        self._answer(request, pending.name, answer)

    def event(self, name: str, values: Values) -> None:
        event = next(e for e in table.EVENTS if f"{e.channel}.{e.name}" == name)
        payload = bytes([event.number]) + messages.build(event.fields, values)
        self._send(Frame(table.KINDS["event"], channel=table.CHANNELS[event.channel], payload=payload))

    def _stop(self) -> None:
        stopped = status.code("TRAP_STOPPED")
        if self._pending is not None:
            self.finish((stopped, {}))
        if self.running:
            self.exit(stopped)

    def exit(self, number: int, result: int = 0) -> None:
        """Ends the running app."""
        self.running = False
        values: dict[str, Any] = {"status": number, "result": result, "function": 0, "offset": 0, "depth": 1}
        self.event("app.exit", {**values, "source": 0xFFFFFFFF})

    # -- commands

    def _do_control_set_tick(self, hz: int) -> Answer:
        self.tick_hz = hz
        return 0, {}

    def _do_control_stop(self) -> Answer:
        if not self.running and self._pending is None:
            return status.code("NOT_RUNNING"), {}
        self._stop()
        return 0, {}

    def _do_console_input(self, data: bytes) -> Answer:
        self.text_in += data
        self.say("heard " + data.decode() + "\r\n")
        return 0, {"taken": len(data)}

    def _do_files_begin(self, size: int, sha256: bytes, name: str) -> Answer:
        if size > 4096:
            return status.code("MODULE_TOO_LARGE"), {"detail": size}
        if hashlib.sha256(self.committed).digest() == sha256:
            return 0, {"offset": size}
        if self.upload is None or self.upload[0] != sha256:
            self.upload = (sha256, size, bytearray())
        return 0, {"offset": len(self.upload[2])}

    def _do_files_write(self, offset: int, data: bytes) -> Answer:
        if self.upload is None:
            return status.code("NO_UPLOAD"), {}
        if offset != len(self.upload[2]):
            return status.code("BAD_OFFSET"), {}
        self.upload[2].extend(data)
        return 0, {"next": len(self.upload[2])}

    def _do_files_commit(self) -> Answer:
        if self.upload is None:
            return status.code("NO_UPLOAD"), {}
        digest, _, data = self.upload
        self.upload = None
        if hashlib.sha256(data).digest() != digest:
            return status.code("BAD_HASH"), {}
        self.committed = bytes(data)
        return 0, {}

    def _do_app_instantiate(self, flags: int, name: str) -> Answer:
        if not self.committed.startswith(b"\0asm"):
            return status.code("BAD_MAGIC"), {"offset": 0}
        sizes = {"lowered_code_bytes": 20, "wasm_code_bytes": 10, "module_bytes": 100, "code": 0}
        return 0, {"instance": 1, **sizes}

    def _do_app_invoke(self, instance: int, name_length: int, name_and_cells: bytes) -> Answer:
        name, cells = name_and_cells[:name_length], messages.unpack_cells(name_and_cells[name_length:])
        if name == b"add":
            return 0, {"cells": messages.pack_cells([sum(cells)])}
        return DEFERRED

    def _do_app_run(self, instance: int) -> Answer:
        self.running = True
        return 0, {}

    def _do_app_digest(self, instance: int) -> Answer:
        return 0, {"memory_size": len(self.committed), "memory": zlib.crc32(self.committed), "globals": 0, "tables": 0}

    def _do_irq_show(self, source: int) -> Answer:
        if source >= len(self.raised):
            return status.code("UNKNOWN_SOURCE"), {}
        counts = {"raised": self.raised[source], "delivered": 0, "missed": 0, "faults": 0, "worst_us": 0}
        flags = table.IRQ_FLAGS["enabled"]
        name = ("uart", "timer", "button", "soft0")[source]
        handler = {"class": 2, "flags": flags, "priority": 0, "policy": 0, "vector": 0xFFFF, "function": 0xFFFFFFFF}
        return 0, {**handler, **counts, "name": name}

    def _do_irq_raise(self, source: int, count: int, after_us: int, every_us: int) -> Answer:
        if source >= len(self.raised):
            return status.code("UNKNOWN_SOURCE"), {}
        self.raised[source] += count
        return 0, {}
