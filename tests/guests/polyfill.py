"""The import modules "board" and "wirq" for wasmtime: enough to run a guest on an engine that knows no interrupts.

Interrupts arrive where the specification allows them on any engine: at host calls. What a test wants to happen while
the guest waits is given as `script`, one step a call of wirq.wait.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import wasmtime

from firmware_host import status
from firmware_host.wasm import Module

_BLOCK_MAGIC = 0x51524957
_HEADER, _SLOT = 64, 32
_DOORBELL, _DEPTH, _NEED = 8, 12, 20


class Stopped(Exception):
    """The script of waits is over, and the guest waits once more."""


class Guest:
    """One guest on wasmtime. `output` is what it printed, `input` what it may read, `raised` the raises by source."""

    def __init__(
        self, module: Path, *, script: Sequence[Callable[[Guest], None]] = (), input_: bytes = b"", sources: int = 4
    ) -> None:
        config = wasmtime.Config()
        config.wasm_custom_page_sizes = True
        self.output = b""
        self.input = input_
        self.waits = list(script)
        self.clock = 0
        self.pins: dict[int, int] = {}
        self.raised = [0] * sources
        self.taken = [0] * sources
        self.block: int | None = None
        self.handlers: dict[int, tuple[wasmtime.Func, int]] = {}
        self.enabled = [True] * sources
        self.active = False
        self.store = wasmtime.Store(wasmtime.Engine(config))
        compiled = wasmtime.Module(self.store.engine, module.read_bytes())
        imports = [self._import(one) for one in compiled.imports]
        self.exports = wasmtime.Instance(self.store, compiled, imports).exports(self.store)
        names = ("uart", "timer", "button", "soft0")
        for export in Module.parse(module.read_bytes()).exports:
            source = export.name.removeprefix("irq:")
            if source in names:
                self.handlers[names.index(source)] = (self.exports[export.name], 0)

    def run(self) -> int:
        """Runs main; its result."""
        result: int = self.exports["main"](self.store)
        return result

    def raise_(self, source: int, count: int = 1) -> None:
        """What a device would do. Delivery and publication are at the next host call."""
        self.raised[source] += count

    # -- memory

    def _memory(self) -> Any:
        return self.exports["memory"]

    def load(self, address: int) -> int:
        return int(struct.unpack("<I", self._memory().read(self.store, address, address + 4))[0])

    def save(self, address: int, value: int) -> None:
        self._memory().write(self.store, struct.pack("<I", value & 0xFFFFFFFF), address)

    # -- interrupts

    def _publish(self) -> None:
        if self.block is None:
            return
        for source, raised in enumerate(self.raised):
            slot = self.block + _HEADER + _SLOT * source
            if self.load(slot) != raised:
                self.save(slot, raised)
                self.save(self.block + _DOORBELL, 1)

    def _deliver(self, waiting: bool = False) -> bool:
        """Runs due handlers; whether any ran."""
        ran = False
        if self.active:
            return ran
        for source, (function, context) in sorted(self.handlers.items()):
            count = self.raised[source] - self.taken[source]
            if not count or not self.enabled[source]:
                continue
            if self.block is not None and not waiting and self.load(self.block + _DEPTH):
                self.save(self.block + _NEED, 1)
                continue
            self.taken[source] += count
            self.active = True
            function(self.store, source, count, context)
            self.active = False
            ran = True
        return ran

    # -- imports

    def _import(self, one: wasmtime.ImportType) -> wasmtime.Func:
        act = getattr(self, f"_{one.module}_{one.name}")
        type_ = one.type
        assert isinstance(type_, wasmtime.FuncType)

        def call(*arguments: Any) -> Any:
            answer = act(*arguments)
            self._publish()
            if one.name != "wait":
                self._deliver()
            return answer

        return wasmtime.Func(self.store, type_, call)

    def _board_write(self, address: int, length: int) -> int:
        taken = min(length, 7)  # a console that takes little at a time
        self.output += bytes(self._memory().read(self.store, address, address + taken))
        return taken

    def _board_read(self, address: int, length: int) -> int:
        piece, self.input = self.input[:length], self.input[length:]
        self._memory().write(self.store, piece, address)
        return len(piece)

    def _board_pin_write(self, pin: int, level: int) -> None:
        self.pins[pin] = int(level != 0)

    def _board_pin_read(self, pin: int) -> int:
        return self.pins.get(pin, 0)

    def _board_timer_start(self, source: int, period_us: int) -> int:
        return 0 if source < len(self.raised) else status.code("UNKNOWN_SOURCE")

    def _board_timer_stop(self, source: int) -> int:
        return 0

    def _board_clock_us(self) -> int:
        self.clock += 1
        return self.clock

    def _wirq_block(self, address: int, length: int, version: int) -> int:
        right = self.load(address) == _BLOCK_MAGIC and version == 1 and length >= _HEADER and address % 8 == 0
        self.block = address if right else None
        return 0 if right else status.code("BAD_BLOCK")

    def _wirq_attach(self, source: int, index: int, context: int, priority: int) -> int:
        if source >= len(self.raised):
            return status.code("UNKNOWN_SOURCE")
        if priority:
            return status.code("BAD_PRIORITY")
        handler = self.exports["__indirect_function_table"].get(self.store, index)
        if not isinstance(handler, wasmtime.Func):
            return status.code("NULL_HANDLER")
        self.handlers[source] = (handler, context)
        return 0

    def _wirq_detach(self, source: int) -> int:
        self.handlers.pop(source, None)
        return 0

    def _wirq_enable(self, source: int, on: int) -> int:
        self.enabled[source] = bool(on)
        return 0

    def _wirq_pend(self, source: int) -> int:
        if source >= len(self.raised):
            return status.code("UNKNOWN_SOURCE")
        self.raise_(source)
        return 0

    def _wirq_take(self, source: int) -> int:
        count = self.raised[source] - self.taken[source]
        self.taken[source] = self.raised[source]
        return count

    def _wirq_poll(self) -> None:
        pass

    def _wirq_wait(self, timeout_us: int) -> int:
        if not self.waits:
            raise Stopped
        before = list(self.raised)
        self.waits.pop(0)(self)
        self._publish()
        self._deliver(waiting=True)
        return sum(1 << i for i, raised in enumerate(self.raised) if raised != before[i])

    def _wirq_deliver(self) -> None:
        pass

    def _wirq_budget(self, source: int, fuel: int, deadline_us: int) -> int:
        return status.code("NOT_SUPPORTED")

    def _wirq_query(self, key: int) -> int:
        return {0: 1, 1: 1}.get(key, -1)
