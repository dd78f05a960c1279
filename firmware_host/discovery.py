"""Finds attached boards: serial ports that look like a board, asked who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firmware_host.errors import WirqError
from firmware_host.info import BoardInfo
from firmware_host.loaded import AppState

#: USB vendor and product ids of ports that boards come with: only these are opened, as opening a port may reset what is
#: behind it. A product of None means every product of that vendor.
KNOWN_USB: dict[tuple[int, int | None], str] = {
    (0x0D28, 0x0204): "DAPLink (micro:bit)",
    (0x0483, 0x374B): "ST-LINK/V2-1",
    (0x0483, 0x374E): "ST-LINK/V3",
    (0x0483, 0x5740): "STM32 virtual port",
    (0x1366, None): "SEGGER J-Link (HiFive1 Rev B, nRF52 DK)",
    (0x2E8A, None): "Raspberry Pi Pico",
    (0x303A, None): "Espressif",
    (0x0403, 0x6010): "FTDI FT2232 (HiFive1)",
    (0x0403, 0x6001): "FTDI FT232",
    (0x10C4, 0xEA60): "Silicon Labs CP210x",
    (0x1A86, 0x7523): "WCH CH340",
}

_HELLO_TIMEOUT = 1.0


@dataclass(frozen=True)
class FoundBoard:
    """A port that looks like a board's. `info` is what it said, None if it did not answer; then `problem` says why,
    `hint` what to do about it, and `error` is the class of the exception. `app` is what it has loaded, None if it was
    not asked or its firmware cannot tell."""

    port: str
    serial: str
    adapter: str
    info: BoardInfo | None = None
    problem: str = ""
    hint: str = ""
    error: str = ""
    app: AppState | None = None

    @property
    def selector(self) -> str:
        return f"id:{self.serial}" if self.serial else f"port:{self.port}"


def candidate_ports() -> list[FoundBoard]:
    """Serial ports of known adapters, by name. Nothing is opened."""
    from serial.tools import list_ports

    found = []
    for port in list_ports.comports():
        adapter = _adapter(port)
        if adapter is not None:
            found.append(FoundBoard(port.device, port.serial_number or "", adapter))
    return sorted(found, key=lambda one: one.port)


def _adapter(port: Any) -> str | None:
    if port.vid is None:
        return None
    return KNOWN_USB.get((port.vid, port.pid)) or KNOWN_USB.get((port.vid, None))


def find_boards(timeout: float = _HELLO_TIMEOUT, *, apps: bool = False, named: Sequence[str] = ()) -> list[FoundBoard]:
    """Asks every candidate port who it is, for `timeout` seconds each, and with `apps` what it runs; and the `named`
    ports, whatever their adapter. Ports that do not answer are in the list too."""
    candidates = candidate_ports()
    known = {one.port for one in candidates}
    candidates += [FoundBoard(port, "", "") for port in dict.fromkeys(named) if port not in known]
    return [_asked(found, timeout, apps) for found in candidates]


def _asked(found: FoundBoard, timeout: float, apps: bool) -> FoundBoard:
    from firmware_host.board import Board
    from firmware_host.selector import Target
    from firmware_host.transport.serial_port import SerialTransport

    try:
        with Board(Target(found.selector, SerialTransport(found.port)), timeout=timeout) as board:
            info, app = board.info, board.app_state() if apps else None
    except WirqError as error:
        return FoundBoard(found.port, found.serial, found.adapter, None, str(error), error.hint, type(error).__name__)
    return FoundBoard(found.port, found.serial, found.adapter, info, app=app)
