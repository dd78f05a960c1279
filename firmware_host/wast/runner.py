"""Gives the commands of a script to a board and judges its answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from firmware_host import status
from firmware_host.errors import BadModule, BoardError, LinkError, LinkTimeout, NoSpace, TrapError, WirqError
from firmware_host.wast import commands as c
from firmware_host.wast import spectest
from firmware_host.wast.lifetimes import fresh_starts, imports_of, stateful_imports
from firmware_host.wast.report import CommandResult, Outcome, ScriptReport
from firmware_host.wast.superseded import Superseded
from firmware_host.wast.values import mismatch, to_cells

#: Seconds that one call may take, on the slowest emulated board.
CALL_TIMEOUT = 120.0

#: Timeouts in a row after which a board counts as lost.
_TIMEOUTS = 2

#: Assertions that a module is refused at load.
_REFUSED = ("assert_malformed", "assert_invalid", "assert_malformed_custom", "assert_invalid_custom")

#: Texts of scripts that differ from the traps' own.
_TRAP_TEXTS = {
    "uninitialized": "uninitialized element",
    "undefined": "undefined element",
    "indirect call": "indirect call type mismatch",
    "null function reference": "null reference",
}


class RunnableInstance(Protocol):
    """What the runner needs of firmware_host.Instance."""

    def register(self, name: str) -> None: ...
    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]: ...
    def global_get(self, name: str) -> tuple[int, list[int]]: ...


class MemoryFigures(Protocol):
    """What the runner needs of firmware_host.MemoryInfo."""

    @property
    def arena_refused(self) -> int: ...


class RunnableBoard(Protocol):
    """What the runner needs of firmware_host.Board, or of another that runs modules."""

    @property
    def features(self) -> Collection[str]: ...
    def memory(self) -> MemoryFigures: ...
    def put(self, data: bytes, *, replace: bool = False) -> None: ...
    def instantiate(
        self, *, keep: bool = False, start: bool = True, timeout: float | None = None
    ) -> RunnableInstance: ...


class _Failed(Exception):
    """The command failed, for good."""


class _OtherAnswer(_Failed):
    """The board answered soundly but otherwise than the script demands: right if a newer rule demands that."""


class _Skipped(Exception):
    """The command says nothing about this board."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


@dataclass(frozen=True)
class _Missing:
    """Stands for an instance that could not be made. What needs it ends in the same way."""

    why: _Skipped | _Failed


_Slot = RunnableInstance | _Missing


class Runner:
    """Runs scripts on one board, one after the other; each begins with an empty board.

    `on_result` is told of every command as it is done.
    """

    def __init__(
        self,
        board: RunnableBoard,
        *,
        timeout: float = CALL_TIMEOUT,
        on_result: Callable[[CommandResult], None] | None = None,
    ) -> None:
        self._board = board
        self._timeout = timeout
        self._on_result = on_result or (lambda result: None)

    def run(self, commands: Sequence[c.Command], unit: str, superseded: Superseded | None = None) -> ScriptReport:
        """Runs one script. If the connection is lost, the rest of the script has failed, and `lost` of the report says
        why; the runner is of no more use then."""
        report = ScriptReport(unit)
        script = _Script(self._board, self._timeout, commands)
        listed = superseded or Superseded()

        def add(command: c.Command, outcome: Outcome, message: str = "") -> None:
            report.add(CommandResult(command.line, command.keyword, outcome, message))
            self._on_result(report.results[-1])

        timeouts = 0
        for index, command in enumerate(commands):
            outcome, message = Outcome.PASSED, ""
            is_listed = listed.lists(unit, command.line)
            flipped = listed.flipped_by(unit, command.line, self._board.features) if is_listed else None
            try:
                script.run(index, command, flipped)
            except _Skipped as skipped:
                outcome, message = skipped.outcome, str(skipped)
                if outcome is Outcome.ABSENT and is_listed and command.keyword in _REFUSED:
                    outcome = Outcome.PASSED  # refused as the script says; the feature is what would supersede that
            except _OtherAnswer as other:
                outcome, message = Outcome.SUPERSEDED if is_listed else Outcome.FAILED, str(other)
            except _Failed as failed:
                outcome, message = Outcome.FAILED, str(failed)
            except LinkError as error:
                add(command, Outcome.FAILED, str(error))
                timeouts += 1
                if isinstance(error, LinkTimeout) and timeouts < _TIMEOUTS:
                    continue  # a call that took too long was stopped; the board may be well
                for rest in commands[index + 1 :]:
                    add(rest, Outcome.FAILED, f"not run: the board was lost at line {command.line}")
                report.lost = error
                return report
            timeouts = 0
            add(command, outcome, message)
        return report


class _Script:
    """The state of one running script: its instances by name, by registration, and the current one."""

    def __init__(self, board: RunnableBoard, timeout: float, commands: Sequence[c.Command]) -> None:
        self.board = board
        self.timeout = timeout
        self.fresh_starts = fresh_starts(commands)
        self.wanted = stateful_imports(commands)
        self.empty = False  # whether the next instance is the first on the board
        self.has_spectest = False
        self.current: _Slot = _Missing(_Failed("there is no instance"))
        self.named: dict[str, _Slot] = {}
        self.registered: dict[str, _Slot] = {}
        self.definitions: dict[str, c.ModuleSource] = {}
        self.refused = board.memory().arena_refused
        self._drop_all()

    def _drop_all(self) -> None:
        self.empty = True
        self.has_spectest = False
        self.too_small = ""  # why commands may find another state than the script means: the board lacked room

    def run(self, index: int, command: c.Command, flipped: str | None = None) -> None:
        """Returns if all is as the script says; raises _Failed, _OtherAnswer, _Skipped, LinkError otherwise. `flipped`
        is the feature that demands another answer than the script, if one does."""
        if index in self.fresh_starts:
            self._drop_all()
        try:
            self._run(command)
            if flipped:
                raise _Failed(f"{flipped} demands another answer than this script")
        except _Skipped as skipped:
            if skipped.outcome is Outcome.NO_SPACE and not self.too_small:
                self.too_small = f"it follows from line {command.line}, which does not fit"
            raise
        except _Failed:
            self._look_for_refusals()
            if self.too_small:
                raise _Skipped(Outcome.NO_SPACE, self.too_small) from None
            raise

    def _look_for_refusals(self) -> None:
        """A memory or table that could not grow has told the module so, as the standard allows, not this runner."""
        refused = self.board.memory().arena_refused
        if refused != self.refused:
            self.refused = refused
            self.too_small = "a memory or table could not grow for lack of room"

    def _run(self, command: c.Command) -> None:
        match command:
            case c.ModuleCommand():
                self._module(command)
            case c.InstanceCommand():
                self._instance(command)
            case c.RegisterCommand():
                self._register(command)
            case c.ActionCommand():
                self._results(command.action)
            case c.AssertReturn():
                self._assert_return(command)
            case c.AssertFailure():
                self._assert_failure(command)
            case c.AssertModule():
                self._assert_module(command)
            case c.ThreadCommand() | c.WaitCommand():
                self._needs("threads")
                raise _Failed("this runner does not run threads")
            case c.Unconvertible():
                raise _Failed(f"cannot be converted: {command.problem}")

    # -- modules

    def _load(self, binary: bytes, *, start: bool = True) -> RunnableInstance:
        """Puts a module on the board and instantiates it. Raises what the board raises, but for _Skipped."""
        imports = imports_of(binary)
        for module, _ in imports:
            slot = self.registered.get(module)
            if isinstance(slot, _Missing) and isinstance(slot.why, _Skipped):
                raise slot.why
        wants_spectest = any(module == spectest.NAME for module, _ in imports)
        if wants_spectest and not self.has_spectest and spectest.NAME not in self.registered:
            self._put(spectest.spectest(self.wanted, self.board.features)).register(spectest.NAME)
            self.has_spectest = True
        return self._put(binary, start=start)

    def _put(self, binary: bytes, *, start: bool = True) -> RunnableInstance:
        keep = not self.empty
        self.empty = False
        try:
            self.board.put(binary, replace=not keep)
            return self.board.instantiate(keep=keep, start=start, timeout=self.timeout)
        except BadModule as error:
            if error.code == status.code("ABSENT_FEATURE"):
                raise _Skipped(Outcome.ABSENT, f"needs {status.feature(error.detail).text}") from None
            raise
        except NoSpace as error:
            raise _Skipped(Outcome.NO_SPACE, str(error)) from None

    def _make(self, source: c.ModuleSource, name: str, line: int) -> None:
        """Makes an instance the current one, or a stand-in for it."""
        slot: _Slot = _Missing(_Failed(f"there is no instance: its module failed at line {line}"))
        try:
            slot = self._load(self._binary(source))
        except _Skipped as skipped:
            slot = _Missing(skipped)
            raise
        except LinkError:
            raise
        except WirqError as error:
            raise _Failed(str(error)) from None
        finally:
            self.current = slot
            if name:
                self.named[name] = slot

    def _module(self, command: c.ModuleCommand) -> None:
        if not command.definition:
            self._make(command.module, command.module.name, command.line)
            return
        self.definitions[command.module.name] = command.module
        try:
            self._load(self._binary(command.module), start=False)
        except _Skipped as skipped:
            if skipped.outcome is not Outcome.NO_SPACE:  # nor need it fit
                raise
        except BoardError as error:
            if not _is_unlinkable(error):  # a definition is valid whether or not it can be linked
                raise _Failed(str(error)) from None

    def _instance(self, command: c.InstanceCommand) -> None:
        source = self.definitions.get(command.module)
        if source is None:
            raise _Failed(f"no module {command.module} has been defined")
        self._make(source, command.instance, command.line)

    @staticmethod
    def _binary(source: c.ModuleSource) -> bytes:
        if source.binary is None:
            raise _Skipped(Outcome.TEXT_ONLY, "text only")
        return source.binary

    def _register(self, command: c.RegisterCommand) -> None:
        slot = self._slot(command.name)
        self.registered[command.as_] = slot
        try:
            self._usable(slot).register(command.as_)
        except BoardError as error:
            raise _Failed(str(error)) from None

    def _assert_module(self, command: c.AssertModule) -> None:
        expected = f"expected {command.text!r}"
        try:
            self._load(self._binary(command.module))
        except TrapError as error:
            if command.keyword != "assert_uninstantiable":
                raise _OtherAnswer(f"{expected}, but it was linked and: {error}") from None
            self._check_trap(error, command.text)
            return
        except BoardError as error:
            unlinkable = _is_unlinkable(error)
            refused = isinstance(error, BadModule) and not unlinkable
            if command.keyword == "assert_unlinkable" and unlinkable:
                return
            if command.keyword in _REFUSED and refused:
                return
            if command.keyword in _REFUSED and unlinkable:
                raise _OtherAnswer(f"{expected}, but it was accepted and only not linked: {error}") from None
            raise _Failed(f"{expected}: {error}") from None
        raise _OtherAnswer(f"{expected}, but it was accepted")

    # -- actions

    def _needs(self, feature: str) -> None:
        if feature not in self.board.features:
            raise _Skipped(Outcome.ABSENT, f"needs {feature}")

    def _slot(self, name: str) -> _Slot:
        """The instance of that name, or the current one if the name is empty."""
        return self.named.get(name, _Missing(_Failed(f"there is no instance {name}"))) if name else self.current

    @staticmethod
    def _usable(slot: _Slot) -> RunnableInstance:
        if isinstance(slot, _Missing):
            raise slot.why
        return slot

    def _cells(self, action: c.Action) -> list[int]:
        """The result of an action in cells. Raises TrapError, and _Failed where the board refuses the action."""
        instance = self._usable(self._slot(action.module))
        try:
            if isinstance(action, c.Get):
                return instance.global_get(action.field)[1]
            return instance.invoke(action.field, to_cells(action.arguments), timeout=self.timeout)
        except BoardError as error:
            raise _Failed(str(error)) from None

    def _results(self, action: c.Action) -> list[int]:
        """The same of an action that may not trap."""
        try:
            return self._cells(action)
        except TrapError as error:
            if error.code == status.code("TRAP_STACK_EXHAUSTED"):
                raise _Skipped(Outcome.NO_SPACE, f"its calls go deeper than the board's stack: {error}") from None
            raise _Failed(str(error)) from None

    def _assert_return(self, command: c.AssertReturn) -> None:
        cells = self._results(command.action)
        problem = mismatch(command.expected, cells)
        if problem:
            raise _OtherAnswer(problem)

    def _assert_failure(self, command: c.AssertFailure) -> None:
        try:
            cells = self._cells(command.action)
        except TrapError as error:
            exhausted = error.code == status.code("TRAP_STACK_EXHAUSTED")
            uncaught = error.code == status.code("TRAP_UNCAUGHT_EXCEPTION")
            if command.keyword == "assert_exhaustion":
                if not exhausted:
                    raise _Failed(f"expected {command.text!r}: {error}") from None
            elif command.keyword == "assert_exception":
                if not uncaught:
                    raise _Failed(f"expected an exception: {error}") from None
            else:
                self._check_trap(error, command.text)
            return
        shown = " ".join(f"{cell:08x}" for cell in cells) or "nothing"
        raise _OtherAnswer(f"expected {command.text or command.keyword!r}, but it returned {shown}")

    @staticmethod
    def _check_trap(error: TrapError, expected: str) -> None:
        """Texts of scripts may say more than ours ("uninitialized element 7") or less ("undefined")."""
        text = status.status(error.code).text
        wanted = _TRAP_TEXTS.get(expected, expected)
        if not wanted.startswith(text):
            raise _Failed(f"expected {expected!r}: {error}")


def _is_unlinkable(error: BoardError) -> bool:
    return error.code in (status.code("UNKNOWN_IMPORT"), status.code("IMPORT_TYPE"))
