"""The one exception tree of the package. Every class knows its exit code; every instance can carry a hint: the way out.

    WirqError                     .hint, .exit_code on every class: the CLI has no error table of its own
    ├── BoardNotFound 3   BoardAmbiguous 3   PortBusy 4   PortForbidden 4
    ├── LinkError 5
    │   ├── LinkTimeout 5
    │   └── ProtocolMismatch 6
    ├── BoardError 6
    │   ├── NoSpace   BadModule   SymbolMismatch
    ├── TrapError 1   AppFailed 1
    ├── BuildError 1
    ├── FlashError 7
    └── ToolMissing 8
"""

from __future__ import annotations

from typing import ClassVar


class WirqError(Exception):
    """Base of all errors. The message says what was seen and what was not done; `hint` is the next command to try."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BoardNotFound(WirqError):
    """No board of that name, or none answers."""

    exit_code = 3


class BoardAmbiguous(WirqError):
    """More than one board fits."""

    exit_code = 3


class PortBusy(WirqError):
    """Another program has the port."""

    exit_code = 4


class PortForbidden(WirqError):
    """The port exists but may not be opened."""

    exit_code = 4


class LinkError(WirqError):
    """The connection to the board was lost or garbled."""

    exit_code = 5


class LinkTimeout(LinkError):
    """The board did not answer in time."""


class ProtocolMismatch(LinkError):
    """Board and tool speak different majors of the protocol."""

    exit_code = 6


class BoardError(WirqError):
    """The board refused."""

    exit_code = 6


class NoSpace(BoardError):
    """It does not fit the board."""


class BadModule(BoardError):
    """The module is malformed, invalid or needs what the board does not have."""


class SymbolMismatch(BoardError):
    """Report and file are from different builds."""


class TrapError(WirqError):
    """The guest trapped."""


class AppFailed(WirqError):
    """The app ended with a non-zero status."""


class BuildError(WirqError):
    """A source file or a board description is wrong, so nothing was built."""


class FlashError(WirqError):
    """Flashing or verifying failed."""

    exit_code = 7


class ToolMissing(WirqError):
    """A program that is needed is not installed."""

    exit_code = 8
