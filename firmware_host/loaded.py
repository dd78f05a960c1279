"""What a board has loaded, by name: it tells hashes and numbers, this computer knows what it has sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_host import sent, status
from firmware_host.errors import BoardError
from firmware_host.info import SourceInfo
from firmware_host.link import table
from firmware_host.link.messages import Values
from firmware_host.names import ModuleNames
from firmware_host.symbols.report import SHOWN

if TYPE_CHECKING:
    from firmware_host.board import Board

_STATES = {number: name for name, number in table.APP_STATES.items()}
_NO_INSTANCE = table.NONE["instance"]


@dataclass(frozen=True)
class AppState:
    """What a board has loaded and how it does. `state` is none, idle (loaded and not started), loading, running,
    waiting (only its handlers run), ended or trapped; `status` is why it trapped, such as TRAP_STOPPED, else "". `name`
    is the file's without its suffix, "" if it is not known; `build` is the beginning of the module's build id, "" if
    nothing is loaded."""

    state: str
    status: str = ""
    name: str = ""
    build: str = ""

    @property
    def text(self) -> str:
        """Such as "blink (running)"; "-" if nothing is loaded."""
        if not self.build:
            return "-" if self.state == "none" else f"({self.state})"
        stopped = self.status == "TRAP_STOPPED"
        return f"{self.name or f'build {self.build[:SHOWN]}'} ({'stopped' if stopped else self.state})"


class Loaded:
    """The modules that a board has loaded now. Firmware that cannot tell has none, and then there are only numbers."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._found: dict[int, ModuleNames | None] = {}

    def _ask(self, instance: int) -> Values | None:
        try:
            return self._board.ask("app.state", instance=instance)
        except BoardError:
            return None

    @cached_property
    def _first(self) -> Values | None:
        return self._ask(0)

    def identity(self, instance: int) -> str:
        """The beginning of the module's build id; empty if there is no such instance."""
        values = self._first if instance == 0 else self._ask(instance)
        return values["id"].hex() if values is not None and any(values["id"]) else ""

    def module(self, instance: int) -> ModuleNames | None:
        """The names of an instance's module, if it was sent from this computer."""
        if instance not in self._found:
            known = sent.recall(self.identity(instance))
            self._found[instance] = None if known is None else ModuleNames(known.name, known.data, build=known.build)
        return self._found[instance]

    def state(self) -> AppState | None:
        """What runs, or ran last, or else was loaded first; None if the firmware cannot tell."""
        values = self._first
        if values is None:
            return None
        subject = values["subject"] if values["subject"] != _NO_INSTANCE else 0
        row = status.status(values["status"]).name if values["status"] else ""
        state = _STATES.get(values["state"], f"state {values['state']}")
        identity = self.identity(subject)
        return AppState(state, row, self._name(subject, identity), identity)

    def _name(self, instance: int, identity: str) -> str:
        names = self.module(instance) if identity else None
        if names is not None:
            return Path(names.name).stem
        on_board = (file.name for file in self._board.files if identity and file.sha256.startswith(identity))
        return Path(next(on_board, "")).stem

    def with_handlers(self, sources: Iterable[SourceInfo]) -> list[SourceInfo]:
        """The same sources with the names of their handlers, as far as they are known."""
        return [source if source.handler is None else self._named(source) for source in sources]

    def _named(self, source: SourceInfo) -> SourceInfo:
        instance, function = self._handler(source)
        names = self.module(instance) if instance != _NO_INSTANCE else None
        known = names.function_name(function) if names is not None else None
        return replace(source, handler_name=known) if known and function == source.handler else source

    def _handler(self, source: SourceInfo) -> tuple[int, int]:
        """The instance that defines it, and its index there."""
        try:
            values = self._board.ask("irq.handler", source=source.number)
        except BoardError:
            return _NO_INSTANCE, table.NONE["u32"]
        return values["instance"], values["function"]
