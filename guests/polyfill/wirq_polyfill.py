"""The import modules "wirq" and "board" for wasmtime: what `wirq instrument` made is interrupted here as wirq does it.

    from wirq_polyfill import Guest
    guest = Guest(Path("app.instrumented.wasm").read_bytes(), schedule=[(412, 2)])
    print(guest.call("main"), guest.output)

A schedule says when interrupts come: at the how manyth safe point that the program passes, and of which source. They
are wirq's own safe points, in their order. Only what a program needs to be interrupted, masked and chained is here: no
budgets, no classes but forced, and time stands still. Needs nothing but the package wasmtime.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import wasmtime

SOURCES = ("uart", "timer", "button", "soft0")
LEVELS = 2
LONGEST_CHAIN = 32  # handlers after another one before what they interrupt gets on (R42)
RED_ZONE = 128
UNKNOWN_SOURCE, NOT_SUPPORTED, BAD_PRIORITY, BAD_BLOCK = 112, 117, 114, 115

_MAGIC = 0x51524957
_HEADER, _SLOT = 64, 32
_DOORBELL, _DEPTH, _THRESHOLD, _NEED = 8, 12, 16, 20
_HEAD, _TAIL, _RING, _SHAPE = 16, 20, 24, 28


class WaitsForEver(Exception):
    """The guest waits and nothing will wake it."""


class _Ring:
    """A source's ring of records (R21): those that are not in the guest's memory yet."""

    def __init__(self, address: int, shape: int) -> None:
        self.address, self.count = address, 1 << (shape >> 8)
        self.head = self.tail = 0
        self.records: list[tuple[int, bytes]] = []

    def push(self, argument: int, stamp: int) -> None:
        if (self.head - self.tail) & 0xFFFFFFFF < self.count:
            at = self.address + 8 * (self.head % self.count)
            self.records.append((at, struct.pack("<II", argument, stamp & 0xFFFFFFFF)))
            self.head = (self.head + 1) & 0xFFFFFFFF


class Guest:
    """One instance. `output` is what it wrote; `passed` the safe points that the program passed, handlers' apart;
    `delivered` the handler runs: source and count of each."""

    def __init__(
        self, module: bytes, schedule: Sequence[tuple[int, int]] = (), *, typed: bytes = b"", config: Any = None
    ) -> None:
        self.output, self.passed, self.delivered = b"", list[int](), list[tuple[int, int]]()
        self._typed = typed
        self._schedule = sorted(schedule)
        count = len(SOURCES)
        self._raised, self._taken, self._woke = [0] * count, [0] * count, [False] * count
        self._enabled = [True] * count
        self._handlers: dict[int, tuple[Any, int, int]] = {}
        self._level, self._clock, self._block = LEVELS, 0, -1
        self._rings: dict[int, _Ring] = {}
        self._asked = False  # for a look at the next safe point
        self._passes = False  # the next safe point, without a look
        self._pins: dict[int, int] = {}
        self._store = wasmtime.Store(wasmtime.Engine(config) if config is not None else None)
        compiled = wasmtime.Module(self._store.engine, module)
        imports = [self._import(one) for one in compiled.imports]
        self.exports = wasmtime.Instance(self._store, compiled, imports).exports(self._store)
        for export in compiled.exports:
            words = export.name.split(":")
            if words[0] == "irq":
                source = int(words[1]) if words[1].isdigit() else SOURCES.index(words[1])
                priority = int(words[2]) if len(words) > 2 else 0
                self._handlers[source] = (self.exports[export.name], 0, priority)

    def call(self, name: str, *arguments: Any) -> Any:
        """Calls an export."""
        return self.exports[name](self._store, *arguments)

    def memory(self) -> bytes:
        memory = self.exports.get("memory")
        return bytes(memory.read(self._store)) if memory is not None else b""

    def global_(self, name: str) -> Any:
        return self.exports[name].value(self._store)

    # -- interrupts

    def raise_(self, source: int) -> None:
        if source in self._rings:
            self._rings[source].push(0, self._clock)
        self._raised[source] = (self._raised[source] + 1) & 0xFFFFFFFF
        self._woke[source] = True
        self._asked = True

    def _load(self, address: int) -> int:
        data = self.exports["memory"].read(self._store, address, address + 4)
        return int(struct.unpack("<I", data)[0])

    def _save(self, address: int, value: int) -> None:
        self.exports["memory"].write(self._store, struct.pack("<I", value & 0xFFFFFFFF), address)

    def _publish(self) -> None:
        for source, raised in enumerate(self._raised) if self._block >= 0 else ():
            slot = self._block + _HEADER + _SLOT * source
            if ring := self._rings.get(source):
                for at, record in ring.records:
                    self.exports["memory"].write(self._store, record, at)
                ring.records.clear()
                self._save(slot + _HEAD, ring.head)
                ring.tail = self._load(slot + _TAIL)
            if self._load(slot) != raised:
                self._save(slot, raised)
                self._save(self._block + _DOORBELL, 1)

    def _masked(self, priority: int, waiting: bool) -> bool:
        if self._block < 0 or waiting:
            return False
        return self._load(self._block + _DEPTH) != 0 or self._load(self._block + _THRESHOLD) <= priority

    def _select(self, waiting: bool) -> int | None:
        """The most urgent source whose handler may run now; of equal ones the first."""
        best, urgency = None, self._level
        for source in sorted(self._handlers):
            priority = self._handlers[source][2]
            if self._raised[source] == self._taken[source] or not self._enabled[source] or priority >= urgency:
                continue
            if self._masked(priority, waiting):
                self._save(self._block + _NEED, 1)
                continue
            best, urgency = source, priority
        return best

    def _deliver(self, waiting: bool = False) -> bool:
        """Whether there was more to do, which is for later: what is interrupted gets on first (R42)."""
        self._asked = False
        self._publish()
        chained = 0
        while (source := self._select(waiting)) is not None:
            function, context, priority = self._handlers[source]
            count = (self._raised[source] - self._taken[source]) & 0xFFFFFFFF
            self._taken[source] = self._raised[source]
            self.delivered.append((source, count))
            outer, self._level = self._level, priority
            pointer = self.exports.get("__stack_pointer")
            before = pointer.value(self._store) if pointer is not None else 0
            if pointer is not None:
                pointer.set_value(self._store, wasmtime.Val.i32((before - RED_ZONE) & ~15))
            function(self._store, source, count, context)
            if pointer is not None:
                pointer.set_value(self._store, wasmtime.Val.i32(before))
            self._level = outer
            if chained == LONGEST_CHAIN:
                self._asked = True
                return True
            chained += 1
        return False

    # -- imports

    def _import(self, one: wasmtime.ImportType) -> wasmtime.Func:
        act = getattr(self, f"_{one.module}_{one.name}")

        def call(*arguments: Any) -> Any:
            answer = act(*arguments)
            if one.name != "safepoint":  # there nothing is published unless it was asked for
                self._publish()
            return answer

        assert isinstance(one.type, wasmtime.FuncType)
        return wasmtime.Func(self._store, one.type, call)

    def _wirq_safepoint(self, site: int) -> None:
        if self._level == LEVELS:
            self.passed.append(site)
            while self._schedule and self._schedule[0][0] == len(self.passed):
                self.raise_(self._schedule.pop(0)[1])
        if self._passes:
            self._passes = False
        elif self._asked:  # what the guest holds back after that, it asks for itself (R36)
            self._deliver()

    def _wirq_block(self, address: int, length: int, version: int) -> int:
        right = address % 8 == 0 and version == 1 and length >= _HEADER and self._load(address) == _MAGIC
        if not right:
            return BAD_BLOCK
        self._rings.clear()
        for source in range(min(len(SOURCES), self._load(address + 4) >> 16)):
            slot = address + _HEADER + _SLOT * source
            ring, shape = self._load(slot + _RING), self._load(slot + _SHAPE)
            if ring or shape:
                if ring % 4 or shape & 0xFF != 8 or shape >> 8 > 5:
                    return BAD_BLOCK
                self._rings[source] = _Ring(ring, shape)
        self._block = address
        return 0

    def _attach(self, source: int, function: Any, context: int, priority: int) -> int:
        if source >= len(SOURCES):
            return UNKNOWN_SOURCE
        if not 0 <= priority < LEVELS:
            return BAD_PRIORITY
        self._handlers[source] = (function, context, priority)
        self._asked = True
        return 0

    def _wirq_attach(self, source: int, index: int, context: int, priority: int) -> int:
        return self._attach(
            source, self.exports["__indirect_function_table"].get(self._store, index), context, priority
        )

    _wirq_attach_ref = _attach

    def _wirq_detach(self, source: int) -> int:
        self._handlers.pop(source, None)
        return 0

    def _wirq_enable(self, source: int, on: int) -> int:
        self._enabled[source] = on != 0
        self._asked = True
        return 0

    def _wirq_pend(self, source: int) -> int:
        if source >= len(SOURCES):
            return UNKNOWN_SOURCE
        self.raise_(source)
        return 0

    def _wirq_take(self, source: int) -> int:
        count = (self._raised[source] - self._taken[source]) & 0xFFFFFFFF
        self._taken[source] = self._raised[source]
        return count

    def _wirq_poll(self) -> None:
        pass

    def _wirq_deliver(self) -> None:
        self._passes = self._deliver()

    def _wirq_wait(self, timeout_us: int) -> int:
        self._passes = self._deliver(waiting=True)
        bits = sum(1 << i for i, woke in enumerate(self._woke) if woke)
        self._woke = [False] * len(SOURCES)
        if not bits and timeout_us < 0:
            raise WaitsForEver
        return bits

    def _wirq_budget(self, source: int, fuel: int, deadline_us: int) -> int:
        return NOT_SUPPORTED

    def _wirq_query(self, key: int) -> int:
        return {0: 1, 1: LEVELS}.get(key, -1)

    def _board_write(self, address: int, length: int) -> int:
        if self._level == LEVELS:
            self.output += bytes(self.exports["memory"].read(self._store, address, address + length))
        return length

    def _board_read(self, address: int, length: int) -> int:
        piece, self._typed = self._typed[:length], self._typed[length:]
        self.exports["memory"].write(self._store, piece, address)
        return len(piece)

    def _board_pin_write(self, pin: int, level: int) -> None:
        self._pins[pin] = int(level != 0)

    def _board_pin_read(self, pin: int) -> int:
        return self._pins.get(pin, 0)

    def _board_timer_start(self, source: int, period_us: int) -> int:
        return 0

    def _board_timer_stop(self, source: int) -> int:
        return 0

    def _board_clock_us(self) -> int:
        self._clock += self._level == LEVELS
        return self._clock
