"""The one exception tree of the package. Every class knows its exit code; every instance can carry a hint: the way out.

WirqError                     .hint, .exit_code on every class: the CLI has no error table of its own
├── BoardNotFound 3   BoardAmbiguous 3   PortBusy 4   PortForbidden 4
├── LinkError 5
│   ├── LinkTimeout 5
│   └── ProtocolMismatch 6
├── BoardError 6
│   ├── NoSpace   BadModule   SymbolMismatch
│   └── BoardBusy 4
├── TrapError 1   AppFailed 1
├── BuildError 1
├── FlashError 7
└── ToolMissing 8
"""

from __future__ import annotations

from typing import Any, ClassVar

#: Exit codes of the command and what each means: the one table. Code 130 belongs to KeyboardInterrupt.
EXIT_CODES: tuple[tuple[int, str], ...] = (
    (0, "ok"),
    (1, "the app ended non-zero or trapped, a test failed, or a source does not compile"),
    (2, "usage"),
    (3, "no board, or more than one"),
    (4, "busy or forbidden"),
    (5, "link lost or timed out"),
    (6, "refused: version, space, bad module, build id mismatch"),
    (7, "flash or verify failed"),
    (8, "a needed tool is missing"),
    (130, "interrupted"),
)


class WirqError(Exception):
    """Base of all errors. The message says what was seen and what was not done; `hint` is the next command to try.

    `details` holds what a program needs to act on the error: it becomes fields of the JSON error object.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.hint = hint
        self.details = details


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
    """The board refused. `code` is its status (firmware_host.status), 0 if the tool refused before asking it.

    For refused modules `offset` is the byte of the module where it was noticed and `function` the index of the function
    it lies in, None outside functions; `detail` and `text` are what the status is about: bytes needed, a feature's bit,
    an import's index.
    """

    exit_code = 6

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: int = 0,
        offset: int = 0,
        function: int | None = None,
        detail: int = 0,
        text: str = "",
        **details: Any,
    ) -> None:
        super().__init__(message, hint=hint, **details)
        self.code = code
        self.offset = offset
        self.function = function
        self.detail = detail
        self.text = text


class NoSpace(BoardError):
    """It does not fit the board."""


class BadModule(BoardError):
    """The module is malformed, invalid or needs what the board does not have."""


class SymbolMismatch(BoardError):
    """Report and file are from different builds."""


class BoardBusy(BoardError):
    """Something is running or being sent, so the board did not begin another."""

    exit_code = 4


class TrapError(WirqError):
    """The guest trapped. `code` is the trap's status; `function` and `offset` (in the function's lowered code) tell
    where, `depth` how many calls were on the stack, `source` whose interrupt handler it was (None in the main program).
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: int = 0,
        function: int = 0,
        offset: int = 0,
        depth: int = 0,
        source: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, hint=hint, **details)
        self.code = code
        self.function = function
        self.offset = offset
        self.depth = depth
        self.source = source


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
