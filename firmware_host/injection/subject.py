"""What is run again and again: one call of one program, on a board that begins each time in the same state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from firmware_host import status
from firmware_host.board import Board
from firmware_host.errors import BoardError, LinkTimeout, TrapError, WirqError
from firmware_host.injection import disturber
from firmware_host.injection.outcome import STACK_POINTER, Masks, Outcome, Ranges
from firmware_host.inprocess.virtual import VirtualBoard
from firmware_host.instance import Instance
from firmware_host.wasm import Kind, Module

RETURNED = "returned"
WAITS = "waits for ever"

#: The place of the last safe point: the call has returned, its results are there.
AT_ITS_END = (0xFFFFFFFF, 0)

#: The arena of the VM in this process: what a run may have changed of it is put back before each run.
ARENA_SIZE = 4 << 20


class Subject(Protocol):
    """One call of one program."""

    source_name: str
    #: Whether the program does nothing about the source, and was given a handler that keeps nothing.
    is_disturber: bool
    #: Whether the program waits for interrupts: any of them wakes it, whatever its handler does.
    is_woken: bool

    def run(self, points: Sequence[int] = ()) -> Outcome:
        """Runs it, with the source raised at each of these points."""
        ...

    def serial(self, interrupts: int) -> list[Outcome]:
        """What it comes to when so many interrupts come one by one, before the call or after it, in every division."""
        ...

    @property
    def points(self) -> int:
        """How many points the last run had."""
        ...

    @property
    def delivered(self) -> int:
        """Handler runs of the source in the last run."""
        ...

    def place(self) -> tuple[int, int] | None:
        """Where the first interrupt of the last run came: function, byte of its lowered code. None: not known."""
        ...


def entry_of(module: Module) -> str:
    """The function that a board would start: _start or main. Raises WirqError if there is none."""
    for name in ("_start", "main"):
        if module.exported_function(name) is not None:
            return name
    raise WirqError(
        "the module has no entry point, so there is nothing to interrupt",
        hint="name one of its exports to call: wirq irq inject-every APP EXPORT ARGS",
    )


def handler_of(module: Module) -> str | None:
    """The first source that the module exports a handler for, as it is named there."""
    for export in module.exports:
        words = export.name.split(":")
        if export.kind == Kind.FUNCTION and words[0] == "irq" and len(words) > 1:
            return words[1]
    return None


def has_handler(module: Module, source: str, number: int) -> bool:
    """Whether the module exports a handler of the source, by its name or number."""
    exports = (one.name.split(":") for one in module.exports if one.kind == Kind.FUNCTION)
    return any(words[0] == "irq" and len(words) > 1 and words[1] in (source, str(number)) for words in exports)


def is_woken(module: Module) -> bool:
    """Whether the module can wait for interrupts, and be told which have come."""
    return any((one.module, one.name) == ("wirq", "wait") for one in module.imports)


def minds_interrupts(module: Module) -> bool:
    """Whether the module may attach handlers while it runs, or look for interrupts by itself."""
    names = ("attach", "attach_ref", "block", "take")
    imports = any(one.module == "wirq" and one.name in names for one in module.imports)
    return imports or module.export("wirq_block") is not None


class VirtualSubject:
    """One call in a VM of this process."""

    def __init__(
        self,
        module: Module,
        entry: str,
        cells: Sequence[int] = (),
        *,
        source: str | None = None,
        every_dispatch: bool = False,
        text: bytes = b"",
        wakes: Sequence[str] = (),
        ignored: Ranges = (),
        stack_first: bool = False,
        timeout: float = 60.0,
    ) -> None:
        """`source`: by default the one that the module has a handler for, else soft0. `text` is typed; `wakes` are
        sources that end waits, one after the other. A context manager. Raises what loading raises."""
        self.board = VirtualBoard(ARENA_SIZE)
        try:
            self.source_name, self.number = self._source(source or handler_of(module) or "soft0")
            self.is_disturber = not has_handler(module, self.source_name, self.number) and not minds_interrupts(module)
            self.is_woken = is_woken(module)
            data = module.strip()
            if self.is_disturber:
                data = disturber.added(data, self.source_name, len(module.functions))
            self.board.script(text, [self._source(name)[1] for name in wakes])
            self.board.put(data)
            self._instance = self.board.instantiate(timeout=timeout)
            if module.exported_function("_initialize") is not None and entry != "_initialize":
                self._instance.invoke("_initialize", (), timeout)
        except BaseException:
            self.board.close()
            raise
        self._entry = entry.encode()
        self._cells = list(cells)
        self._every_dispatch = every_dispatch
        self._timeout = timeout
        self._masks = Masks(module, ignored, stack_first=stack_first)
        self._saved = self.board.save()
        self._delivered_before = self.board.delivered(self.number)[0]

    def __enter__(self) -> VirtualSubject:
        return self

    def __exit__(self, *exception: object) -> None:
        self.board.close()

    def _source(self, name: str) -> tuple[str, int]:
        sources = self.board.sources
        if name.isdecimal() and int(name) < len(sources):
            return sources[int(name)], int(name)
        if name in sources:
            return name, sources.index(name)
        there = ", ".join(f"{i} {one}" for i, one in enumerate(sources))
        raise BoardError(f"there is no interrupt source {name!r}", hint=f"there are: {there}")

    def run(self, points: Sequence[int] = ()) -> Outcome:
        return self._run(points)

    def serial(self, interrupts: int) -> list[Outcome]:
        return [self._run((), before=interrupts - after, after=after) for after in range(interrupts + 1)]

    def _run(self, points: Sequence[int], *, before: int = 0, after: int = 0) -> Outcome:
        board = self.board
        board.restore(self._saved)
        for _ in range(before):
            board.serve(self._instance, self.number)
        board.arm([(point, self.number) for point in points], every_dispatch=self._every_dispatch)
        ended = board.call(self._instance, self._entry, self._cells, self._timeout)
        if ended.code == status.code("TRAP_STOPPED"):
            if not board.waits_for_ever:
                raise LinkTimeout(
                    f"{self._entry.decode()} did not end within {self._timeout:g} s and was stopped",
                    hint="call an export that ends, or give it what it waits for: --input, --wake",
                )
            ending = WAITS
        elif ended.code and not status.status(ended.code).is_trap:
            raise BoardError(f"{self._entry.decode()} cannot be called: {status.status(ended.code).text}")
        else:
            ending = RETURNED if not ended.code else f"trapped: {status.status(ended.code).text}"
        for _ in range(after):
            board.serve(self._instance, self.number)
        globals_ = board.state(self._instance, Kind.GLOBAL)
        memories = board.state(self._instance, Kind.MEMORY)
        if not points and memories:
            self._masks.find_block(memories[0])
        return Outcome(
            ending,
            ended.cells,
            ended.place,
            self._masks.apply(memories, globals_),
            globals_,
            board.state(self._instance, Kind.TABLE),
            board.text,
            board.edges,
        )

    @property
    def points(self) -> int:
        return self.board.points

    @property
    def delivered(self) -> int:
        return self.board.delivered(self.number)[0] - self._delivered_before

    def place(self) -> tuple[int, int] | None:
        found = self.board.place(0)
        if found is None or found[0] != self._instance.handle.value:
            return None
        return found[1], found[2]


class BoardSubject:
    """One call on a board: a process, an emulator or a chip. Slower, and the board's time is its own."""

    def __init__(
        self,
        board: Board,
        module: Module,
        entry: str,
        cells: Sequence[int] = (),
        *,
        source: str | None = None,
        every_dispatch: bool = False,
        ignored: Ranges = (),
        stack_first: bool = False,
        timeout: float = 60.0,
    ) -> None:
        self._board = board
        self.number = board.irq_number(source or handler_of(module) or "soft0")
        self.source_name = board.irq_show(self.number).name
        self.is_disturber = not has_handler(module, self.source_name, self.number) and not minds_interrupts(module)
        self.is_woken = is_woken(module)
        self._data = module.strip()
        if self.is_disturber:
            self._data = disturber.added(self._data, self.source_name, len(module.functions))
        self._module = module
        self._entry = entry
        self._cells = list(cells)
        self._every_dispatch = every_dispatch
        self._timeout = timeout
        self._masks = Masks(module, ignored, stack_first=stack_first)
        self._text = b""
        self._points = self._delivered = 0
        board.on_text = self._take

    def _take(self, text: bytes) -> None:
        self._text += text

    def run(self, points: Sequence[int] = ()) -> Outcome:
        """At one point at most: that is what boards can do."""
        return self._run(points)

    def _run(self, points: Sequence[int], *, raised: bool = False) -> Outcome:
        board = self._board
        board.put(self._data, replace=True)
        instance = board.instantiate(timeout=self._timeout)
        if self._module.exported_function("_initialize") is not None and self._entry != "_initialize":
            instance.invoke("_initialize", (), self._timeout)
        before = board.irq_show(self.number).delivered
        self._text = b""
        board.irq_inject(self.number, points[0] if points else 0, every_dispatch=self._every_dispatch)
        if raised:
            board.irq_raise(self.number)
        ending, place = RETURNED, None
        results: tuple[int, ...] = ()
        try:
            results = tuple(instance.invoke(self._entry, self._cells, self._timeout))
        except TrapError as trap:
            ending = f"trapped: {status.status(trap.code).text}"
            place = (trap.function, trap.offset, trap.depth)
        self._points = board.irq_injected()
        self._delivered = board.irq_show(self.number).delivered - before
        digest = instance.digest()
        globals_: tuple[bytes, ...] = (digest.globals.to_bytes(4, "little"),)
        memories: tuple[bytes, ...] = (digest.memory.to_bytes(4, "little"),)
        if digest.memory_size and self._module.imported(Kind.MEMORY) == 0:
            memory = instance.memory_read(0, digest.memory_size)
            if not points:
                self._masks.find_block(memory)
            memories = self._masks.apply((memory,), self._stack_pointer(instance))
        return Outcome(ending, results, place, memories, globals_, (digest.tables.to_bytes(4, "little"),), self._text)

    def serial(self, interrupts: int) -> list[Outcome]:
        """Of one interrupt. Raised before the call it is delivered before the first operation; at the last safe point
        the call has returned."""
        self._run(())
        last = self._points
        return [self._run((), raised=True), self._run((last,))]

    def _stack_pointer(self, instance: Instance) -> list[bytes]:
        """Globals up to the shadow stack pointer, which alone has its value."""
        export = self._module.export(STACK_POINTER)
        if export is None or export.kind != Kind.GLOBAL:
            return []
        cells = instance.global_get(STACK_POINTER)[1]
        return [b""] * export.index + [int(cells[0]).to_bytes(4, "little")]

    @property
    def points(self) -> int:
        return self._points

    @property
    def delivered(self) -> int:
        return self._delivered

    def place(self) -> tuple[int, int] | None:
        return None
