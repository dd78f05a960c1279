"""The `host` board: the firmware as a process of this computer, its serial line a pipe."""

from __future__ import annotations

import os

from firmware_host.errors import ToolMissing
from firmware_host.transport import Transport
from firmware_host.transport.pipe import PipeTransport


class HostBoard:
    """A running `host` board. The firmware is built first if it is missing or out of date."""

    tick_hz = None

    def __init__(self, *, arena_size: int | None = None, toolchain: str | None = None) -> None:
        """`arena_size` (bytes) replaces the arena of board.toml."""
        if os.name != "posix":
            raise ToolMissing(
                "the host board needs POSIX signals, which this system does not have",
                hint="use an emulated board: wirq -b qemu:stm32f4",
            )
        from firmware_host.build import firmware

        command = [firmware("host", toolchain)]
        arguments = [] if arena_size is None else ["--arena", str(arena_size)]
        self.transport: Transport = PipeTransport([*command, *arguments], name="host")

    def close(self) -> None:
        self.transport.close()
