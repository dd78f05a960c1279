"""Something that scripts can be run on as on a board, made of a VM in this process."""

from __future__ import annotations

import ctypes
import mmap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from ctypes import c_uint32, c_void_p
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

from firmware_host import status
from firmware_host.errors import BoardError, LinkTimeout, NoSpace
from firmware_host.inprocess import library
from firmware_host.names import ModuleNames
from firmware_host.refusals import refusal

#: Cells of the wasm stack: as many as the `host` board has (boards/host/board.toml).
STACK_CELLS = 16384

#: Types whose values take two cells: i64 and f64.
_TWO_CELLS = (0x7E, 0x7C)

#: The place of a refusal that is not about a place.
_NOWHERE = {"offset": 0, "function": 0xFFFFFFFF, "detail": 0, "text": ""}

#: Result cells of a call: more than any function type may have.
_RESULTS = 4096

_INTERVAL = 0.25  # seconds between two looks at whether a call takes too long


@dataclass(frozen=True)
class Pieces:
    """How modules are fed to the loader: `size` bytes at a time, from memory that does not stay, or whole and in place
    (0), or in pieces of 1 to 64 bytes by chance (below 0, the seed)."""

    size: int = 0

    def __str__(self) -> str:
        if self.size < 0:
            return f"random pieces, seed {-self.size}"
        return f"pieces of {self.size} bytes" if self.size else "whole modules, in place"


@dataclass(frozen=True)
class InProcessMemory:
    """Bytes of the arena in use, and how often there was no room."""

    arena_used: int
    arena_refused: int


class InProcessBoard:
    """A VM with an arena of its own. A context manager; leaving it ends the VM. Not for several threads.

    `define` are build options of the VM, such as {"WIRQ_WITH_TAIL_CALL": "0"}; `toolchain` compiles it.
    """

    def __init__(
        self,
        arena_size: int,
        pieces: Pieces | None = None,
        define: Mapping[str, str] | None = None,
        toolchain: str | None = None,
    ) -> None:
        self._library = library.load(define, toolchain)
        self._pieces = pieces or Pieces()
        self._arena = mmap.mmap(-1, arena_size)
        self._view = ctypes.c_char.from_buffer(self._arena)
        self.vm = self._open(ctypes.addressof(self._view), arena_size)
        if not self.vm:
            raise NoSpace(f"an arena of {arena_size} bytes is too small for the VM")
        self.features = status.feature_names(self._library.wirq_features())
        self.results = (c_uint32 * _RESULTS)()
        self._upload = b""
        self._kept: list[object] = []  # modules and names that the VM refers to
        self._instances = 0
        self._fields = (c_uint32 * 3)()
        self._watch = _Watch(lambda: self._library.wirq_stop(self.vm))

    def _open(self, arena: int, size: int) -> int | None:
        """The VM, in the arena at this address; None if it does not fit."""
        vm: int | None = self._library.inprocess_open(arena, size, STACK_CELLS)
        return vm

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the VM and gives its memory back. May be called twice."""
        self._watch.close()
        if self.vm:
            self._library.wirq_reset(self.vm)
            self.vm = None
            del self._view
            self._arena.close()

    @property
    def used(self) -> int:
        """Bytes of the arena in use."""
        return int(self._library.inprocess_used(self.vm))

    def memory(self) -> InProcessMemory:
        return InProcessMemory(self.used, int(self._library.inprocess_refused(self.vm)))

    def put(self, data: bytes, *, replace: bool = False) -> None:
        """Takes a module; with `replace`, drops everything loaded before."""
        if replace:
            self._drop()
        self._upload = data

    def instantiate(self, *, keep: bool = False, start: bool = True, timeout: float | None = None) -> InProcessInstance:
        """Loads what `put` took, makes an instance and runs its start function. Everything loaded before is dropped
        unless `keep` is true. Raises BadModule, NoSpace, or TrapError if a segment or the start function trapped."""
        if not keep:
            self._drop()
        data = self._upload
        names = ModuleNames("the module", data)
        module, handle = c_void_p(), c_void_p()
        self._kept.append(data)
        self._check(
            self._library.inprocess_load(self.vm, data, len(data), self._pieces.size, ctypes.byref(module)), names
        )
        code = self._library.wirq_instantiate(self.vm, module, ctypes.byref(handle))
        if code:
            # When a segment was out of bounds, those before it may have written functions of this module into tables
            # of others: it stays, but where there are no others.
            try:
                self._check(code, names)
            finally:
                if not status.status(code).is_trap:
                    self._library.wirq_unload(self.vm, module)
                elif not self._instances:
                    self._drop()
        self._instances += 1
        instance = InProcessInstance(self, self._library, handle, names)
        if start:
            self.run(lambda: int(self._library.inprocess_start(self.vm, handle)), names, timeout)
        return instance

    def run(self, call: Callable[[], int], names: ModuleNames, timeout: float | None) -> None:
        """Has the VM do something that code of a guest may make long. Raises what `instantiate` raises; LinkTimeout if
        it was ended after `timeout` seconds."""
        self._watch.begin(timeout)
        try:
            code = call()
        finally:
            late = self._watch.end()
        if late:
            raise LinkTimeout(f"it did not end within {timeout:.1f} s and was stopped")
        if code:
            self._raise(code, names, trapped=status.status(code).is_trap)

    def _check(self, code: int, names: ModuleNames) -> None:
        if code:
            self._raise(code, names, trapped=False)

    def _raise(self, code: int, names: ModuleNames, trapped: bool) -> NoReturn:
        tell = self._library.inprocess_trap if trapped else self._library.inprocess_failure
        tell(self.vm, self._fields)
        offset, function, detail = self._fields
        raise refusal(code, {"offset": offset, "function": function, "detail": detail, "text": ""}, names)

    def keep(self, what: object) -> None:
        """Keeps something alive for as long as what is loaded now may refer to it."""
        self._kept.append(what)

    def _drop(self) -> None:
        self._library.wirq_reset(self.vm)
        self._kept.clear()
        self._instances = 0


class InProcessInstance:
    """An instance in that VM; the same methods as firmware_host.Instance has for scripts."""

    def __init__(self, board: InProcessBoard, vm: ctypes.CDLL, handle: c_void_p, names: ModuleNames) -> None:
        self._board = board
        self.handle = handle
        self.names = names
        self._library = vm

    def register(self, name: str) -> None:
        """Modules instantiated later find its exports under this module name."""
        encoded = ctypes.create_string_buffer(name.encode(), max(1, len(name.encode())))
        self._board.keep(encoded)
        code = self._library.wirq_register(self._board.vm, encoded, len(name.encode()), self.handle)
        if code:
            raise refusal(code, _NOWHERE, self.names)

    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]:
        """Calls an export and returns its result cells. Raises TrapError if it traps, LinkTimeout after `timeout`."""
        encoded = name.encode()
        arguments = (c_uint32 * len(cells))(*cells)
        count = c_uint32(_RESULTS)
        results = self._board.results
        try:
            self._board.run(
                lambda: int(
                    self._library.inprocess_call(
                        *(self._board.vm, self.handle, encoded, len(encoded)),
                        *(arguments, len(cells), results, ctypes.byref(count)),
                    )
                ),
                self.names,
                timeout,
            )
        except BoardError as error:  # no load: the place of the last one says nothing
            raise refusal(error.code, _NOWHERE, self.names) from None
        return results[: count.value]

    def global_get(self, name: str) -> tuple[int, list[int]]:
        """Type byte and cells of an exported global."""
        encoded = name.encode()
        type_, cells = c_uint32(), (c_uint32 * 2)()
        code = self._library.inprocess_global(self.handle, encoded, len(encoded), ctypes.byref(type_), cells)
        if code:
            raise refusal(code, _NOWHERE, self.names)
        return type_.value, cells[: 2 if type_.value in _TWO_CELLS else 1]


class _Watch:
    """Stops the VM when a call takes too long. A thread looks from time to time, which costs a call next to
    nothing; it asks again until the call has ended."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._deadline: float | None = None
        self._late = False
        self._lock = threading.Lock()  # so that no stop comes after the end of the call it is meant for
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, name="wirq watch", daemon=True)
        self._thread.start()

    def begin(self, timeout: float | None) -> None:
        with self._lock:
            self._late = False
            self._deadline = None if timeout is None else time.monotonic() + timeout

    def end(self) -> bool:
        """Whether the call was stopped."""
        with self._lock:
            self._deadline = None
            return self._late

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._closed.wait(_INTERVAL):
            with self._lock:
                if self._deadline is not None and time.monotonic() > self._deadline:
                    self._late = True
                    self._stop()
