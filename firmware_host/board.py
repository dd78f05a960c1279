"""A connected board: what Python programs, the command line and the tests talk to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from firmware_host import guest, sent, trap_report
from firmware_host.app import App
from firmware_host.board_facts import LatencyFacts
from firmware_host.boards import known_boards, load_board
from firmware_host.connection import Connection
from firmware_host.console import Console
from firmware_host.errors import BoardError, LinkTimeout, NoSpace, WirqError
from firmware_host.files import Files
from firmware_host.info import BenchResult, BoardInfo, MemoryInfo, SourceInfo, Trap
from firmware_host.instance import Instance
from firmware_host.irq import Irq
from firmware_host.latency import LatencyBound
from firmware_host.link import messages, table
from firmware_host.link.messages import Values
from firmware_host.loaded import AppState, Loaded
from firmware_host.names import ModuleNames
from firmware_host.refusals import refusal
from firmware_host.selector import Target, open_target
from firmware_host.status import code, status
from firmware_host.symbols.report import Report
from firmware_host.symbols.symbols import Frame, Symbols
from firmware_host.upload import Progress, send
from firmware_host.wasm import Module

#: An app to send: a file, by its path, or a module's bytes.
AppSource = str | Path | bytes


class Board:
    r"""One board and the session with it. A context manager: leaving it always releases the port or ends the emulator.

        with Board.connect("host") as board:
            print(board.call("fib.wasm", "fib", 20))
            with board.run("app.c") as app:
                board.irq("button").raise_()
                board.console.expect(r"pressed (\d+) times", timeout=1.0)
                print(app.wait(timeout=5.0).status)

    For one thread at a time. Callbacks may come from another one and must not call the board.
    """

    def __init__(self, target: Target, *, timeout: float = 5.0) -> None:
        """Begins a session with what `target` reaches. Most callers want `Board.connect`."""
        self._target = target
        self.connection = Connection(target.transport, timeout=timeout)
        self.connection.on_text = self._take_text
        self.connection.on_event = self._take_event
        self._names = ModuleNames()
        self._instances: dict[int, ModuleNames] = {}  # of what this session has loaded
        self._source_names: tuple[str, ...] | None = None
        self._app: App | None = None
        self._fuelled = False  # was the last app given fuel?
        self.on_text: Callable[[bytes], None] = lambda data: None
        self.on_irq: Callable[[Values], None] = lambda values: None
        try:
            self.info = BoardInfo.from_welcome(self.connection.open().values)
            self.files = Files(self)
            self.console = Console(self.connection, self.info.max_frame)
            if target.tick_hz is not None:
                self.set_tick(target.tick_hz)
        except BaseException:
            self.close()
            raise

    @classmethod
    def connect(
        cls,
        selector: str | None = None,
        timeout: float = 5.0,
        *,
        reset: bool = True,
        arena_size: int | None = None,
        note: Callable[[str], None] | None = None,
    ) -> Self:
        """Opens the board that the selector names ("host", "qemu:stm32f4", "port:/dev/ttyACM0", …) and says hello.

        Without a selector it chooses as the command does: WIRQ_BOARD, the project's default, the only attached board,
        else `host`, and says so by `note`. `timeout` (seconds) is for hello and for each answer later. `reset` False
        leaves the port's modem lines alone. `arena_size` (bytes) is for the `host` board only. Raises BoardNotFound,
        BoardAmbiguous, PortBusy, PortForbidden, ToolMissing, BuildError, LinkTimeout, ProtocolMismatch.
        """
        target = open_target(selector, timeout=timeout, reset=reset, arena_size=arena_size, note=note)
        return cls(target, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session and releases the port or the emulator. May be called twice."""
        try:
            self.connection.close()
        finally:
            self._target.close()

    @property
    def selector(self) -> str:
        """The selector that reaches this board."""
        return self._target.selector

    @property
    def ends_with_us(self) -> bool:
        """Was it started for this session, and does it end with it, as `host` and emulators do?"""
        return self._target.ours

    # -- requests

    def ask(self, command: str, names: ModuleNames | None = None, /, **values: Any) -> Values:
        """Sends a request by its name in the link table and returns the values of its answer."""
        answer = self.connection.request(command, **values)
        if answer.status:
            raise refusal(answer.status, answer.values, names)
        return answer.values

    def deferred(
        self, command: str, timeout: float | None, names: ModuleNames, /, *, lively: bool = True, **values: Any
    ) -> Values:
        """Like `ask`, for commands that are answered when what they start has ended. If the time is over or the wait is
        interrupted, what runs is stopped."""
        request_id = self.connection.begin(command, **values)
        try:
            answer = self.connection.finish(request_id, timeout, lively=lively)
        except (LinkTimeout, KeyboardInterrupt):
            self.connection.send_stop()
            raise
        if answer.status:
            if status(answer.status).is_trap and len(self._instances) > 1:
                names = self._names_of_trap(names)
            raise refusal(answer.status, answer.values, names)
        return answer.values

    def _names_of_trap(self, names: ModuleNames) -> ModuleNames:
        """Those of the module whose function trapped last, where that need not be the one that was called."""
        try:
            where = self.ask("trap.where")["instance"]
        except BoardError:  # earlier firmware
            return names
        return self._instances.get(where) or ModuleNames()

    def ask_slow(self, command: str, seconds: float, names: ModuleNames | None = None, /, **values: Any) -> Values:
        """Like `ask`, for what may keep the board deaf for so many seconds, such as an erase of flash."""
        request_id = self.connection.begin(command, **values)
        answer = self.connection.finish(request_id, max(seconds, self.connection.timeout))
        if answer.status:
            raise refusal(answer.status, answer.values, names)
        return answer.values

    def halt(self) -> bool:
        """Ends whatever runs or is about to, whoever started it, and waits for its end. True if something did."""
        deadline = time.monotonic() + self.connection.timeout
        ran = False
        while True:
            try:
                self.ask("control.stop")
            except BoardError as error:
                if error.code != code("NOT_RUNNING"):
                    raise
                return ran
            ran = True
            if time.monotonic() >= deadline:
                raise LinkTimeout("what the board runs does not stop", hint="reset the board")
            self.wait(0.01)

    def wait(self, seconds: float) -> None:
        """Listens for so many seconds: what the board says arrives meanwhile. Raises LinkTimeout if it has gone."""
        end = time.monotonic() + seconds
        self.connection.wait_until(lambda: time.monotonic() >= end, None, interval=min(seconds, 0.05))

    def set_tick(self, hz: int) -> None:
        """Tells the firmware the tick rate of its target. Raises BoardError for a rate that no target has."""
        least, most = table.TICK_HZ["least"], table.TICK_HZ["most"]
        if not least <= hz <= most:
            raise BoardError(
                f"{hz} Hz is no tick rate of a board; nothing was changed",
                hint=f"it lies between {least} and {most}: tick_hz in board.toml",
                code=code("BAD_REQUEST"),
            )
        self.ask("control.set_tick", hz=hz)

    def stamp_lines(self, on_stamp: Callable[[int], None] | None) -> None:
        """From now on `on_stamp` is told, before the text of each line, the board's time when that line began, in
        microseconds since its start; with None it tells no more. Raises BoardError if the firmware cannot."""
        self.connection.on_stamp = on_stamp or (lambda board_time_us: None)
        self.ask("log.stamp", on=int(on_stamp is not None))

    def stop(self) -> None:
        """Stops what runs, whatever it is, at its next safe point."""
        self.connection.send_stop()

    def finish(self) -> None:
        """Stops the app that this session started, if one still runs, and waits for its end."""
        if self._app is not None and self._app.running:
            self._app.stop()

    def reset(self) -> None:
        """Restarts the firmware and begins a new session. What ran or was loaded is gone."""
        self.ask("control.reset")
        self._app = None
        self.info = BoardInfo.from_welcome(self.connection.reopen().values)
        if self._target.tick_hz is not None:
            self.set_tick(self._target.tick_hz)

    def memory(self) -> MemoryInfo:
        """Where the board's RAM went."""
        return MemoryInfo(**self.ask("control.memory"))

    # -- modules

    def put(
        self,
        data: bytes,
        name: str = "app.wasm",
        progress: Progress | None = None,
        *,
        symbols: bytes | None = None,
        replace: bool = False,
    ) -> None:
        """Sends a module into the board's RAM, where the next `instantiate` finds it. What the board has already is not
        sent again, and an earlier upload is forgotten. `symbols` is the same module with its names, for messages; it
        stays here. With `replace`, what is loaded is dropped if there is no room beside it.

        Raises NoSpace if it does not fit, BoardBusy if room could only be made by ending what runs.
        """
        digest = hashlib.sha256(data)
        whole = data if symbols is None else symbols
        names = self._names_for(name, whole, digest.hexdigest(), stripped=len(whole) != len(data))
        file = {"size": len(data), "sha256": digest.digest(), "name": ""}  # without a name it goes into RAM
        try:
            begin = self.ask("files.begin", names, **file)
        except NoSpace as error:
            if not replace or error.code != code("NO_MEMORY"):
                raise
            self.drop()
            begin = self.ask("files.begin", names, **file)
        there = begin["offset"] == len(data)
        if not there:
            send(self.connection, self.info.max_frame, data, begin["offset"], progress)
        try:
            self.ask("files.commit", names)
        except BoardError as error:
            # What was committed before and asked for again needs no second commit.
            if not (there and error.code == code("NO_UPLOAD")):
                raise
        if there and progress is not None:
            progress(len(data), len(data))
        if symbols is not None:
            sent.remember(name, names.build, symbols)
        self._names = names

    @property
    def resent(self) -> int:
        """Frames of this session that had to be sent again."""
        return self.connection.resent

    @property
    def features(self) -> frozenset[str]:
        """Names of the features that this board's build has."""
        return self.info.features

    def _names_for(self, name: str, data: bytes, build: str, *, stripped: bool) -> ModuleNames:
        if self._source_names is None:
            self._source_names = ()
            if self.info.name in known_boards():
                try:
                    self._source_names = tuple(source.name for source in load_board(self.info.name).irq_sources)
                except WirqError:
                    pass  # a broken description of a board costs names in messages, no more
        return ModuleNames(name, data, self._source_names, build, stripped=stripped)

    def instantiate(
        self, *, stored: str = "", keep: bool = False, start: bool = True, timeout: float | None = None
    ) -> Instance:
        """Loads what `put` sent, makes an instance and runs its start function. Everything loaded before is dropped
        unless `keep` is true. With `stored`, it is the file of that name in the board's store, or a module frozen into
        its firmware, used where it lies. Raises BadModule, NoSpace, or TrapError if a segment or the start function
        trapped."""
        flags = table.INSTANTIATE_FLAGS["keep"] * keep | table.INSTANTIATE_FLAGS["no_start"] * (not start)
        names = ModuleNames(stored) if stored else self._names
        if not keep:
            self._instances.clear()
        made = Instance(self, self.deferred("app.instantiate", timeout, names, flags=flags, name=stored), names)
        self._instances[made.handle] = names
        return made

    def load(
        self, app: AppSource, *, keep: bool = False, progress: Progress | None = None, timeout: float | None = None
    ) -> Instance:
        """Sends an app and makes an instance of it: a file (a module, or C, which is compiled first) or the bytes of a
        module. `keep` leaves what is loaded beside it. Raises what `put` and `instantiate` raise, and BuildError."""
        file = guest.of_bytes(app) if isinstance(app, bytes) else guest.load(Path(app))
        self.put(file.stripped, file.name, progress, symbols=file.module.data, replace=not keep)
        return self.instantiate(keep=keep, timeout=timeout)

    def call(self, app: AppSource, export: str, *arguments: float | str | None, timeout: float | None = None) -> Any:
        """Sends an app, calls one of its exports with Python values and returns its result: see `Instance.call`."""
        return self.load(app, timeout=timeout).call(export, *arguments, timeout=timeout)

    def run(self, app: Instance | AppSource, *, fuel: int | None = None) -> App:
        """Starts the entry point of an instance (_start; or _initialize and main; or nothing but its handlers). What is
        no instance yet is sent first: see `load`. A context manager; leaving it stops the app.

        With `fuel` it is stopped after so many safe points (branches, calls, returns, chunks of bulk operations), those
        of handlers left out; `AppResult.out_of_fuel` tells. They are counted one by one, which takes its time."""
        instance = app if isinstance(app, Instance) else self.load(app)
        if self._app is not None and self._app.running:
            raise refusal(code("BUSY"), {"offset": 0, "function": 0, "detail": 0, "text": ""})
        if fuel is not None or self._fuelled:
            self.ask("app.fuel", points=fuel or 0)
            self._fuelled = fuel is not None
        running = App(self.connection, instance.names, fuel)
        self._app = running
        try:
            self.ask("app.run", instance.names, instance=instance.handle)
        except BaseException:
            self._app = None
            raise
        return running

    def report(self, trap: Trap, instance: Instance | None = None) -> Report:
        """Everything that the board can tell about a trap of this instance, or of the module sent last: its stack, and
        of which build it is. To be asked before anything else runs; `firmware_host.symbols` turns it into lines."""
        names = self._names if instance is None else instance.names
        return trap_report.collect(self, trap, names, instance, self._instances)

    def frames(self, trap: Trap, instance: Instance) -> list[Frame]:
        """The stack of a trap of this instance with functions, files and lines, the innermost first. To be asked before
        anything else runs. Lines need debug information in what was sent as `symbols`, or in the file that was run."""
        return Symbols(Module.parse(instance.names.data)).frames(self.report(trap, instance))

    def app_state(self) -> AppState | None:
        """What is loaded and how it does, whoever loaded it; also while it runs. None if the firmware cannot tell."""
        return Loaded(self).state()

    def drop(self) -> None:
        """Releases every instance and module, and the upload."""
        self.ask("app.drop")

    def bench(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> BenchResult:
        """Loads what `put` sent and calls an export twice, with everything else on the board held still. The board
        answers nothing meanwhile, not even to a stop, so without a timeout it waits for ever. Raises BoardError if the
        board's firmware is not made for counting, as that of `wirq bench` is."""
        call = messages.call_values(name, cells)
        try:
            return BenchResult.from_values(self.deferred("app.bench", timeout, self._names, lively=False, **call))
        except BoardError as error:
            if error.code != code("BAD_REQUEST"):
                raise
            raise BoardError(
                f"the firmware of {self.info.name} is not made for counting; nothing was run",
                hint="wirq bench … --board qemu:stm32f4 builds its own",
                code=error.code,
            ) from error

    # -- interrupts

    def irq(self, source: str | int) -> Irq:
        """An interrupt source by name or number. Raises BoardError naming those there are."""
        return Irq(self, self.irq_number(source))

    def irq_show(self, source: int) -> SourceInfo:
        """One interrupt source by its number."""
        return SourceInfo.from_values(source, self.ask("irq.show", source=source))

    def irq_sources(self) -> list[SourceInfo]:
        """All interrupt sources."""
        sources: list[SourceInfo] = []
        while True:
            try:
                sources.append(self.irq_show(len(sources)))
            except BoardError as error:
                if error.code != code("UNKNOWN_SOURCE"):
                    raise
                return sources

    def irq_named(self, sources: Sequence[SourceInfo]) -> list[SourceInfo]:
        """The same sources with the names of their handlers, where the module was sent from this computer."""
        return Loaded(self).with_handlers(sources)

    def irq_number(self, source: str | int) -> int:
        """The number of a source given by name or number. Raises BoardError naming those there are."""
        if isinstance(source, int) or source.isdecimal():
            return int(source)
        sources = self.irq_sources()
        for known in sources:
            if known.name == source:
                return known.number
        there = ", ".join(f"{known.number} {known.name}" for known in sources)
        raise BoardError(
            f"{self.info.name} has no interrupt source {source!r}",
            hint=f"it has: {there}",
            code=code("UNKNOWN_SOURCE"),
            sources=[known.name for known in sources],
        )

    def irq_raise(self, source: int, count: int = 1, after_us: int = 0, every_us: int = 0) -> None:
        """Raises a source `count` times: the first after `after_us` of board time from now, or from the app's start if
        none has started, the others `every_us` apart."""
        try:
            self.ask("irq.raise", source=source, count=count, after_us=after_us, every_us=every_us)
        except NoSpace as error:
            raise NoSpace(
                "all of the board's timers are in use, so this raise was not scheduled",
                hint="schedule fewer at once: one can stand for many, with a count and the time between them",
                code=error.code,
            ) from error

    def irq_enable(self, source: int, on: bool) -> None:
        """Unmasks or masks a source."""
        self.ask("irq.enable", source=source, on=int(on))

    def irq_bound(self, source: int) -> LatencyBound:
        """How long an interrupt of a source with a handler waits for it at most, with all that is loaded now. Raises
        BoardError if it has no handler, or if it is not known what things cost on this board."""
        unit = LatencyFacts.unit
        if self.info.name in known_boards():
            unit = load_board(self.info.name).latency.unit
        return LatencyBound.from_values(source, self.ask("irq.bound", source=source), unit)

    def irq_inject(self, source: int, n: int, *, every_dispatch: bool = False) -> None:
        """For tests: raises the source at the n-th safe point (or dispatch) of the next call, counted from 1; n = 0
        only counts them."""
        self.ask("irq.inject", source=source, every_dispatch=int(every_dispatch), n=n)

    def irq_injected(self) -> int:
        """How many such points the last armed call had."""
        return int(self.ask("irq.injected")["points"])

    # -- what the board says by itself

    def _take_text(self, data: bytes) -> None:
        if hasattr(self, "console"):
            self.console.feed(data)
        self.on_text(data)

    def _take_event(self, name: str, values: Values) -> None:
        if name == "app.exit" and self._app is not None:
            self._app.ended(values)
        elif name == "irq.irq":
            self.on_irq(values)
