"""A board without time of its own: guests that talk to a board run on it, the same way each time they are run.

Its clock goes on only when the guest waits or looks at it, so nothing that happens depends on this computer. Interrupts
come where they are told to: at safe points of the guest, by number. The whole board can be saved and put back.
"""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Mapping, Sequence
from ctypes import c_bool, c_uint32
from dataclasses import astuple, dataclass
from types import TracebackType
from typing import Self

from firmware_host import status
from firmware_host.boards import load_board
from firmware_host.errors import BoardError
from firmware_host.inprocess.board import InProcessBoard, InProcessInstance
from firmware_host.wasm import Kind

#: Name of the board that it is like.
LIKE = "host"

_TEXT, _HANDLER_TEXT, _PINS = range(3)

#: An interrupt: at which safe point, counted from 1, and which source.
Injection = tuple[int, int]


@dataclass(frozen=True)
class Saved:
    """A whole board at one moment."""

    heap: bytes
    state: bytes


@dataclass(frozen=True)
class Ended:
    """How a call ended: the status code, 0 when it returned; result cells; where it trapped, as (function, byte of its
    lowered code, depth)."""

    code: int
    cells: tuple[int, ...] = ()
    place: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Signalled:
    """A raise by a signal: before which control operation of the run it came, counted from 1, those of handlers and
    each chunk of a bulk operation too; the source, and how many of that signal had come. Then what is so again in a
    run from the log: the level it interrupted, function, byte of its lowered code, how often in a row this operation
    was come to (how far a bulk operation is), and whether it ended a wait."""

    operation: int
    source: int
    argument: int
    level: int
    function: int
    offset: int
    repeated: int
    asleep: bool

    @classmethod
    def of(cls, row: Sequence[int]) -> Self:
        """From its numbers, in this order."""
        operation, source, argument, level, function, offset, repeated, asleep = row
        return cls(operation, source, argument, level, function, offset, repeated, bool(asleep))


class VirtualBoard(InProcessBoard):
    """One at a time in a process."""

    def __init__(self, arena_size: int) -> None:
        super().__init__(arena_size)
        self._size = c_uint32()
        self._address = self._library.virtual_state(ctypes.byref(self._size))
        self._state_size = self._size.value
        self._armed: ctypes.Array[c_uint32] | None = None
        self._replayed: ctypes.Array[c_uint32] | None = None
        self.sources = tuple(source.name for source in load_board(LIKE).irq_sources)

    def _open(self, arena: int, size: int) -> int | None:
        vm: int | None = self._library.virtual_open(arena, size)
        return vm

    def close(self) -> None:
        self._library.virtual_close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def script(self, text: bytes = b"", wakes: Sequence[int] = ()) -> None:
        """What is typed, and the sources that end the guest's waits, one after the other."""
        kept = ctypes.create_string_buffer(text, max(1, len(text)))
        self._script = kept
        self._library.virtual_script(kept, len(text), bytes(wakes), len(wakes))

    def save(self) -> Saved:
        """Everything that a run can change. Nothing may be loaded between this and `restore`."""
        assert self.vm is not None
        heap = ctypes.string_at(self.vm, self._library.injection_extent(self.vm))
        return Saved(heap, ctypes.string_at(self._address, self._state_size))

    def restore(self, saved: Saved) -> None:
        assert self.vm is not None
        ctypes.memmove(self.vm, saved.heap, len(saved.heap))
        ctypes.memmove(self._address, saved.state, len(saved.state))

    def difference(self, saved: Saved) -> int | None:
        """The first byte that differs from what was saved, of all that guests can see; None if nothing does."""
        at = int(self._library.injection_difference(self.vm, saved.heap, len(saved.heap)))
        return None if at == 0xFFFFFFFF else at

    # -- interrupts

    def arm(self, injections: Sequence[Injection] = (), *, every_dispatch: bool = False) -> None:
        """Raises sources at safe points of the next call, in their order; with `every_dispatch`, operations of all
        kinds are counted, not only those that can be safe points by themselves."""
        flat = [number for injection in sorted(injections, key=lambda one: one[0]) for number in injection]
        self._armed = (c_uint32 * max(2, len(flat)))(*flat)
        self._library.injection_arm(self.vm, self._armed, len(injections), every_dispatch)

    @property
    def points(self) -> int:
        """How many points the last armed call had."""
        return int(self._library.wirq_injection_count(self.vm))

    def place(self, n: int) -> tuple[int, int, int] | None:
        """Where the n-th interrupt of the last armed call came: the instance's address, the function, and the byte of
        its lowered code. None if it did not come."""
        fields = (c_uint32 * 2)()
        instance = self._library.injection_place(n, fields)
        return (instance, fields[0], fields[1]) if instance else None

    def logged(self) -> list[Injection]:
        """What the last armed call raised by itself, or time did while it ran: arming it brings the same interrupts to
        the same places (T12). Not what handlers raised, nor what ended waits."""
        pairs = self._library.injection_log(ctypes.byref(self._size))
        return [(pairs[2 * i], pairs[2 * i + 1]) for i in range(self._size.value)]

    def listen(self, signals: Mapping[int, int]) -> None:
        """Signals of the operating system raise sources during the next call, and are logged. They go to whichever
        thread of this process; the call is to be made on this one. Whoever sends them stops before `recorded`."""
        self.arm()
        self._library.recorder_begin(self.vm, None, 0)
        for number, source in signals.items():
            if not self._library.recorder_listen(number, source):
                self._library.recorder_end()
                raise BoardError(f"this computer cannot listen to signal {number}")

    def replay(self, log: Sequence[Signalled]) -> None:
        """The next call is interrupted as the one was that left this log."""
        self.arm()
        flat = [int(field) for entry in log for field in astuple(entry)]
        self._replayed = (c_uint32 * max(1, len(flat)))(*flat)
        self._library.recorder_begin(self.vm, self._replayed, len(log))

    def recorded(self) -> list[Signalled]:
        """What signals, or a log of them, raised in that call; they do again what they did before. Shorter than the
        log: the run was another one from there on."""
        self._library.recorder_end()
        if lost := self._library.recorder_lost():
            raise BoardError(f"{lost} signals came faster than they can be logged")
        fields = self._library.recorder_log(ctypes.byref(self._size))
        width = len(dataclasses.fields(Signalled))
        return [Signalled.of(fields[width * i : width * i + width]) for i in range(self._size.value)]

    def gap(self, instance: InProcessInstance) -> int:
        """The heaviest run of operations between two safe points that the loader has found in the module (R67)."""
        return int(self._library.injection_gap(instance.handle))

    def delivered(self, source: int) -> tuple[int, bool]:
        """Handler runs of a source, and whether it has a handler now."""
        attached = c_bool()
        return int(self._library.injection_delivered(self.vm, source, ctypes.byref(attached))), bool(attached.value)

    # -- running

    def call(self, instance: InProcessInstance, name: bytes, cells: Sequence[int], timeout: float | None) -> Ended:
        """Calls an export; what would be errors elsewhere are answers here. Code STOPPED: it waits for ever, or the
        time was over."""
        arguments = (c_uint32 * len(cells))(*cells)
        count = c_uint32(len(self.results))
        self._watch.begin(timeout)
        try:
            code = self._library.inprocess_call(
                *(self.vm, instance.handle, name, len(name)),
                *(arguments, len(cells), self.results, ctypes.byref(count)),
            )
        finally:
            self._watch.end()
        if code == 0:
            return Ended(0, tuple(self.results[: count.value]))
        if not status.status(code).is_trap:
            return Ended(code)
        self._library.inprocess_trap(self.vm, self._fields)
        offset, function, depth = self._fields
        return Ended(code, place=(function, offset, depth))

    def mask(self, source: int) -> None:
        """Holds a source back: raises of it interrupt nothing, but are still noted by their places."""
        self._library.wirq_enable(self.vm, source, False)

    def serve(self, instance: InProcessInstance, source: int) -> None:
        """Raises a source and lets its handler run while nothing else does."""
        self._library.injection_serve(self.vm, instance.handle, source)

    @property
    def waits_for_ever(self) -> bool:
        """Whether the last call was stopped because nothing would have ended its wait."""
        return bool(self._library.virtual_waits_for_ever())

    # -- what a run leaves

    def state(self, instance: InProcessInstance, kind: Kind) -> tuple[bytes, ...]:
        """The bytes of each memory, global or table of an instance."""
        found: list[bytes] = []
        while True:
            address = self._library.injection_state(instance.handle, kind, len(found), ctypes.byref(self._size))
            if not address:
                return tuple(found)
            found.append(ctypes.string_at(address, self._size.value))

    @property
    def text(self) -> bytes:
        """What the program has written, but for its handlers."""
        return self._written(_TEXT)

    @property
    def handler_text(self) -> bytes:
        return self._written(_HANDLER_TEXT)

    @property
    def edges(self) -> bytes:
        """What the program has done to pins: number and level of each."""
        return self._written(_PINS)

    def _written(self, which: int) -> bytes:
        address = self._library.virtual_written(which, ctypes.byref(self._size))
        return ctypes.string_at(address, self._size.value)
