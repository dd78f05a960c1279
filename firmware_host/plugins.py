"""What other packages add: transports, simulators and ways of flashing, found by their entry points.

The name of an entry point is what a user writes: the scheme of a selector, or what --driver takes. Those that wirq
brings itself come first, and installed packages are only looked at when none of them is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from firmware_host.errors import ToolMissing

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

#: `open(argument, timeout) -> Transport`, for the selector NAME:argument. Raises BoardNotFound, PortBusy, …
TRANSPORTS = "wirq.transports"

#: `start(board) -> Simulator`, for the selector NAME:board.
SIMULATORS = "wirq.simulators"

#: `make(board: BoardFacts, row: FlasherFacts, firmware: Firmware, probe: str | None) -> Flasher`, for --driver NAME.
FLASHERS = "wirq.flashers"


def names(group: str) -> list[str]:
    """What the installed packages add to a group."""
    return sorted({point.name for point in _points(group)})


def find(group: str, name: str) -> Any:
    """What an installed package adds under that name, None if none does. Raises ToolMissing if several do, or if it
    cannot be imported."""
    found = {point.value: point for point in _points(group) if point.name == name}
    if not found:
        return None
    if len(found) > 1:
        message = f"several packages bring {name!r} ({group}): {', '.join(sorted(found))}"
        raise ToolMissing(message, hint="uninstall all but one of them")
    (point,) = found.values()
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        package = point.dist.name if point.dist is not None else point.value
        raise ToolMissing(f"{name!r} of the package {package} cannot be imported: {error}") from error


def _points(group: str) -> Iterator[EntryPoint]:
    from importlib.metadata import entry_points

    yield from entry_points(group=group)
