"""wirq's host side: build, flash, simulate and talk to boards that run WebAssembly and answer interrupts.

    from firmware_host import Board

    with Board.connect("host") as board:
        with board.run("app.wasm") as app:
            board.irq("timer").raise_()
            board.console.expect("timer", timeout=1.0)
            result = app.wait(timeout=5.0)

Everything that programs may rely on is named here; what is imported is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_host.app import App, AppResult
    from firmware_host.board import Board
    from firmware_host.console import Console
    from firmware_host.discovery import FoundBoard, find_boards
    from firmware_host.errors import (
        EXIT_CODES,
        AppFailed,
        BadModule,
        BoardAmbiguous,
        BoardBusy,
        BoardError,
        BoardNotFound,
        BuildError,
        FlashError,
        LinkError,
        LinkTimeout,
        NoSpace,
        PortBusy,
        PortForbidden,
        ProtocolMismatch,
        SymbolMismatch,
        ToolMissing,
        TrapError,
        WirqError,
    )
    from firmware_host.info import BenchResult, BoardInfo, Digest, MemoryInfo, SourceInfo, Trap
    from firmware_host.instance import Instance
    from firmware_host.irq import Irq
    from firmware_host.loaded import AppState

#: Public names, and the module each lives in.
_HOMES = {
    "app": ("App", "AppResult"),
    "board": ("Board",),
    "console": ("Console",),
    "discovery": ("FoundBoard", "find_boards"),
    "errors": (
        *("EXIT_CODES", "AppFailed", "BadModule", "BoardAmbiguous", "BoardBusy", "BoardError", "BoardNotFound"),
        *("BuildError", "FlashError", "LinkError", "LinkTimeout", "NoSpace", "PortBusy", "PortForbidden"),
        *("ProtocolMismatch", "SymbolMismatch", "ToolMissing", "TrapError", "WirqError"),
    ),
    "info": ("BenchResult", "BoardInfo", "Digest", "MemoryInfo", "SourceInfo", "Trap"),
    "instance": ("Instance",),
    "irq": ("Irq",),
    "loaded": ("AppState",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "EXIT_CODES",
    "App",
    "AppFailed",
    "AppResult",
    "AppState",
    "BadModule",
    "BenchResult",
    "Board",
    "BoardAmbiguous",
    "BoardBusy",
    "BoardError",
    "BoardInfo",
    "BoardNotFound",
    "BuildError",
    "Console",
    "Digest",
    "FlashError",
    "FoundBoard",
    "Instance",
    "Irq",
    "LinkError",
    "LinkTimeout",
    "MemoryInfo",
    "NoSpace",
    "PortBusy",
    "PortForbidden",
    "ProtocolMismatch",
    "SourceInfo",
    "SymbolMismatch",
    "ToolMissing",
    "Trap",
    "TrapError",
    "WirqError",
    "find_boards",
]


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that a command line that only prints its help stays quick."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
