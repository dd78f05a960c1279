"""Turns what a board answers into the exceptions of this package: what happened, where, and the way out.

The board sends a code, an offset, a function index, a detail and perhaps a name; the sentence is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmware_host import info, status
from firmware_host.errors import BadModule, BoardBusy, BoardError, NoSpace, TrapError, WirqError
from firmware_host.link.table import NONE
from firmware_host.names import ModuleNames

_NONE = NONE["u32"]

#: Statuses outside 32-79 that are the module's fault.
_OF_MODULE = (
    *("UNKNOWN_IMPORT", "IMPORT_TYPE", "UNKNOWN_EXPORT", "NO_ENTRY", "ENTRY_TYPE"),
    *("HANDLER_TYPE", "HANDLER_STACK", "LATENCY_BOUND", "BAD_PRIORITY", "BAD_BLOCK", "NULL_HANDLER", "ASYNCIFIED"),
)

#: What can be wrong with an export `irq:SOURCE[:PRIORITY]`.
_OF_HANDLERS = ("UNKNOWN_SOURCE", "HANDLER_TYPE", "BAD_PRIORITY")


def error_class(code: int) -> type[BoardError]:
    """The class of a refusal that is no trap."""
    name = status.status(code).name
    if name in ("NO_MEMORY", "MODULE_TOO_LARGE", "LINEAR_MEMORY_TOO_LARGE", "STORE_FULL"):
        return NoSpace
    if name == "BUSY":
        return BoardBusy
    return BadModule if 32 <= code < 80 or name in _OF_MODULE else BoardError


def refusal(code: int, values: Mapping[str, Any], names: ModuleNames | None = None, doing: str = "") -> WirqError:
    """The exception for a status other than 0. `doing` says what was not done, such as "nothing was started"."""
    names = names or ModuleNames()
    row = status.status(code)
    if row.is_trap:
        return trap_error(info.trap_of(code, values), names)
    kind = error_class(code)
    offset, function, detail, text = values["offset"], values["function"], values["detail"], values["text"]
    hint = row.hint
    if 32 <= code < 80:
        subject = row.text
        if row.name == "ABSENT_FEATURE":
            feature = status.feature(detail)
            subject = f"it needs {feature.text}, which this board's build does not have"
            hint = f"compile it with {feature.flag}" if feature.flag else row.hint
        offset = names.offset(offset)
        section = names.section(offset)
        where = f"in section {section}, " if section else ""
        if function != _NONE:
            where = f"in {names.function(function)}, "
        instruction = names.instruction(function, offset)
        at = f"{offset:#x}: {instruction}" if instruction else f"{offset:#x}"
        message = f"{names.name} is refused: {subject} ({where}byte {at})"
        hint = hint or "the tool that wrote the module made a mistake; `wasm-tools validate` tells more about it"
    elif row.name in ("UNKNOWN_IMPORT", "IMPORT_TYPE"):
        message = f"{names.name} is refused: {row.text} {text or names.imported(detail)}"
    elif row.name in _OF_HANDLERS:
        handlers = names.handlers()
        message = f"{names.name} is refused: {row.text}; its handlers are {handlers}" if handlers else row.text
    elif row.name == "LATENCY_BOUND":
        reached = "there is no bound" if detail == _NONE else f"the bound is {detail} us"
        message = f"{names.name} is refused: {row.text} for {names.source(function)}: {reached}"
    elif row.name == "ASYNCIFIED":
        message = f"{names.name} is refused: {row.text}"
    elif row.name == "HANDLER_STACK":
        message = f"{names.name} is refused: {row.text} ({detail} bytes are needed)"
    elif kind is NoSpace:
        message = f"{names.name} does not fit: {row.text}"
        if detail:
            message += f" ({detail} bytes are needed)"
    else:
        message = f"{row.text}: {text}" if text else row.text
    return kind(
        f"{message}; {doing}" if doing else message,
        hint=hint,
        code=code,
        offset=offset,
        function=None if function == _NONE else function,
        detail=detail,
        text=text,
        status=row.name,
    )


def trap_error(trap: info.Trap, names: ModuleNames | None = None) -> TrapError:
    """The exception for a trap."""
    return TrapError(
        trap_message(trap, names or ModuleNames()),
        hint=status.status(trap.code).hint,
        code=trap.code,
        function=trap.function,
        offset=trap.offset,
        depth=trap.depth,
        source=trap.source,
        status=status.status(trap.code).name,
    )


def trap_message(trap: info.Trap, names: ModuleNames) -> str:
    """Such as "trap: integer divide by zero in function 3 (div), 2 calls deep, byte 0x10 of its lowered code"."""
    if trap.function == _NONE:
        return f"trap: {trap.text}"
    calls = "1 call" if trap.depth == 1 else f"{trap.depth} calls"
    where = f"in {names.function(trap.function)}, {calls} deep, byte {trap.offset:#x} of its lowered code"
    message = f"trap: {trap.text} {where}"
    return message if trap.source is None else f"{message}, in the handler of {names.source(trap.source)}"
