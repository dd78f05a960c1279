"""The `host` board: the firmware as a process of this computer, its serial line a pipe."""

from __future__ import annotations

import os
from pathlib import Path

from firmware_host.errors import ToolMissing
from firmware_host.transport import Transport
from firmware_host.transport.pipe import PipeTransport

#: Names the file that is the host board's flash; empty: it has none.
STORE_VARIABLE = "WIRQ_HOST_STORE"


def default_store() -> Path | None:
    """The file that is the host board's flash, unless a program says otherwise: one for each user."""
    chosen = os.environ.get(STORE_VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    import platformdirs

    return Path(platformdirs.user_state_dir("wirq"), "host-store")


class HostBoard:
    """A running `host` board. The firmware is built first if it is missing or out of date."""

    tick_hz = None

    def __init__(
        self, *, arena_size: int | None = None, toolchain: str | None = None, store: Path | None = None
    ) -> None:
        """`arena_size` (bytes) replaces the arena of board.toml. `store` is the file that is its flash: without one its
        store is in RAM."""
        if os.name != "posix":
            raise ToolMissing(
                "the host board needs POSIX signals, which this system does not have",
                hint="use an emulated board: wirq -b qemu:stm32f4",
            )
        from firmware_host.build import firmware

        command = [firmware("host", toolchain)]
        arguments = [] if arena_size is None else ["--arena", str(arena_size)]
        if store is not None:
            store.parent.mkdir(parents=True, exist_ok=True)
            arguments += ["--store", str(store)]
        self.transport: Transport = PipeTransport([*command, *arguments], name="host")

    def close(self) -> None:
        self.transport.close()
