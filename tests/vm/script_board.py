"""A board that is the driver process: specification scripts on a VM under sanitizers, or with counters of coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firmware_host import status
from firmware_host.errors import TrapError, WirqError
from firmware_host.inprocess import InProcessMemory
from firmware_host.refusals import error_class
from tests.vm.machine import Machine, Refusal, Trap

_FEATURE_BITS = {feature.name: feature.bit for feature in status.features().values()}


def _refused(refusal: Refusal) -> WirqError:
    code = status.code(refusal.status)
    if refusal.status.startswith("TRAP_"):
        return TrapError(refusal.status, code=code)
    return error_class(code)(refusal.status, code=code, detail=refusal.detail, offset=refusal.offset)


def _trapped(trap: Trap) -> TrapError:
    return TrapError(trap.status, code=status.code(trap.status), function=trap.function, depth=trap.depth)


@dataclass(frozen=True)
class ScriptInstance:
    machine: Machine
    handle: int

    def register(self, name: str) -> None:
        self.machine.register(self.handle, name)

    def invoke(self, name: str, cells: Sequence[int] = (), timeout: float | None = None) -> list[int]:
        try:
            return self.machine.call(self.handle, name, *cells)
        except Trap as trap:
            raise _trapped(trap) from None
        except Refusal as refusal:
            raise _refused(refusal) from None

    def global_get(self, name: str) -> tuple[int, list[int]]:
        try:
            return 0, self.machine.value(self.handle, name)
        except Refusal as refusal:
            raise _refused(refusal) from None


class ScriptBoard:
    """What the runner needs of a board. Modules are fed in pieces of that size; 0: whole and in place."""

    def __init__(self, machine: Machine, piece: int = 0) -> None:
        self.machine = machine
        self.features = status.feature_names(sum(1 << _FEATURE_BITS[name] for name in machine.features()))
        self._piece = piece
        self._upload = b""

    def memory(self) -> InProcessMemory:
        figures = self.machine.memory()
        return InProcessMemory(figures["used"], figures["refused"])

    def put(self, data: bytes, *, replace: bool = False) -> None:
        self._upload = data

    def instantiate(self, *, keep: bool = False, start: bool = True, timeout: float | None = None) -> ScriptInstance:
        if not keep:
            self.machine.reset()
        try:
            return ScriptInstance(self.machine, self.machine.instantiate(self._upload, self._piece, start))
        except Trap as trap:
            raise _trapped(trap) from None
        except Refusal as refusal:
            raise _refused(refusal) from None
