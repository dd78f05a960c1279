"""What a board is asked about a trap, before anything else runs: the stack, the modules on it, the exception."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from firmware_host import sent
from firmware_host.errors import BoardError
from firmware_host.info import Trap
from firmware_host.instance import Instance
from firmware_host.link import messages, table
from firmware_host.loaded import Loaded
from firmware_host.names import ModuleNames
from firmware_host.status import code, status
from firmware_host.symbols.report import Linked, Operands, Place, Report, Thrown

if TYPE_CHECKING:
    from firmware_host.board import Board

#: A function index that is none.
_NONE = table.NONE["u32"]

#: Levels of a stack that are asked for; a guest that recursed for ever has thousands.
_MOST_PLACES = 64

#: Cells of a frame that are asked for. Compilers keep addresses in the first ones of all but huge functions.
_MOST_CELLS = 256


def collect(
    board: Board, trap: Trap, names: ModuleNames, instance: Instance | None, loaded: Mapping[int, ModuleNames]
) -> Report:
    """Everything that the board can tell about a trap of this instance, or of the module of these names. `loaded`: what
    this session has loaded, by instance."""
    handle = None if instance is None else instance.handle
    places = _places(board, trap, handle)
    thrown = _thrown(board, trap, handle)
    others = {place.instance for place in places} | {thrown.instance if thrown else handle}
    return Report(
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        board=board.info.name,
        firmware_build=board.info.build_id,
        operations=board.info.operations,
        app=names.name,
        build=names.build,
        lowered_code_bytes=0 if instance is None else instance.lowered_code_bytes,
        status=status(trap.code).name,
        text=trap.text,
        stopped=trap.stopped,
        depth=trap.depth,
        source=trap.source,
        source_name=None if trap.source is None else names.source_name(trap.source),
        places=tuple(places),
        thrown=thrown,
        instance=handle,
        linked=_linked(board, others - {handle, None}, loaded),
        operands=_operands(board, trap),
    )


def _places(board: Board, trap: Trap, handle: int | None) -> list[Place]:
    first = None if trap.function == _NONE else trap.function
    places = [Place(first, trap.offset, _instance_of_trap(board, handle))]
    while len(places) < _MOST_PLACES:
        data = board.ask("trap.callers", first=len(places) - 1)["callers"]
        if not data:
            break
        for values in messages.parse_each(table.CALLER, data):
            places.append(
                Place(
                    None if values["function"] == _NONE else values["function"],
                    values["offset"],
                    values["instance"] if handle is not None else None,
                    bool(values["interrupted"]),
                )
            )
    return places


def _instance_of_trap(board: Board, handle: int | None) -> int | None:
    """Whose function trapped; `handle` is that of the instance that was called."""
    if handle is None:
        return None
    try:
        return int(board.ask("trap.where")["instance"])
    except BoardError:  # earlier firmware
        return handle


def _linked(
    board: Board, instances: Iterable[int | None], loaded_here: Mapping[int, ModuleNames]
) -> tuple[Linked, ...]:
    """Of which modules these instances are. Those of this session are kept, so that their names are there later."""
    loaded = Loaded(board)
    found = []
    for one in sorted(one for one in instances if one is not None and one != table.NONE["instance"]):
        names = loaded_here.get(one)
        if names is not None and names.build and names.data:
            sent.remember(names.name, names.build, names.data)
        build = loaded.identity(one)
        if build:
            known = loaded.module(one)
            found.append(Linked(one, known.build if known else build, known.name if known else ""))
    return tuple(found)


def _operands(board: Board, trap: Trap) -> Operands | None:
    """What an access to memory worked with; None if the trap was another, or if the firmware cannot tell."""
    if trap.code != code("TRAP_MEMORY"):
        return None
    cells: list[int] = []
    try:
        while True:
            values = board.ask("trap.operands", first=len(cells))
            cells += messages.unpack_cells(values["cells"])
            if not values["cells"] or len(cells) >= _MOST_CELLS:
                return Operands.of(values["accumulator"], values["memory_size"], cells[:_MOST_CELLS])
    except BoardError:
        return None


def _thrown(board: Board, trap: Trap, handle: int | None) -> Thrown | None:
    """The exception of such a trap; None if it was another, or if the firmware cannot tell."""
    if trap.code != code("TRAP_UNCAUGHT_EXCEPTION"):
        return None
    try:
        values = board.ask("trap.exception")
    except BoardError:
        return None
    cells = tuple(messages.unpack_cells(values["cells"]))
    return Thrown(values["tag"], values["instance"] if handle is not None else None, cells)
