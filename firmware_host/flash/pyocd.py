"""Flashing by a debug probe with pyOCD, an optional extra: programs, reads back, compares, resets."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from firmware_host.board_facts import BoardFacts, FlasherFacts
from firmware_host.errors import FlashError, ToolMissing
from firmware_host.flash.firmware import Firmware

#: Bytes that are read back at a time.
_PIECE = 4096


class PyocdFlasher:
    """One probe and one chip."""

    def __init__(self, board: BoardFacts, facts: FlasherFacts, firmware: Firmware, probe: str | None = None) -> None:
        self._target = facts.target
        self._firmware = firmware
        self._probe = probe

    def missing(self) -> ToolMissing | None:
        if find_spec("pyocd") is None:
            return ToolMissing("pyOCD is not installed", hint="python -m pip install 'wirq[pyocd]'", tool="pyocd")
        if not self._probes():
            named = f" with the serial number {self._probe}" if self._probe else ""
            return ToolMissing(f"no debug probe{named} is attached", hint="pyocd list shows probes", tool="pyocd")
        return None

    def _probes(self) -> list[Any]:
        from pyocd.core.helpers import ConnectHelper

        return list(ConnectHelper.get_all_connected_probes(blocking=False, unique_id=self._probe) or ())

    def plan(self) -> list[str]:
        size = self._firmware.size
        return [f"pyOCD: program {size:,} bytes of {self._firmware.name} into {self._target}, read them back, reset"]

    def run(self) -> str:
        from pyocd.core.exceptions import Error

        probes = self._probes()
        if len(probes) != 1:
            listing = "".join(f"\n  {probe.unique_id}  {probe.description}" for probe in probes)
            raise FlashError(
                f"{len(probes)} debug probes are attached, so nothing was flashed{listing}",
                hint="name one by its serial number:  wirq -b id:SERIAL flash" if probes else "plug one in",
            )
        try:
            with self._session(probes[0]) as session:
                self._program(session)
        except Error as error:
            hint = f"pyocd pack install {self._target}" if "target" in str(error).lower() else ""
            raise FlashError(f"pyOCD: {error}", hint=hint) from error
        return "by reading back"

    def _session(self, probe: Any) -> Any:
        from pyocd.core.session import Session

        options = {"target_override": self._target, "hide_programming_progress": True}
        return Session(probe, auto_open=True, options=options)

    def _program(self, session: Any) -> None:
        from pyocd.flash.loader import FlashLoader

        loader = FlashLoader(session, progress=lambda fraction: None)
        for address, data in self._firmware.parts:
            loader.add_data(address, list(data))
        loader.commit()
        for address, data in self._firmware.parts:
            for at in range(0, len(data), _PIECE):
                wanted = data[at : at + _PIECE]
                there = bytes(session.target.read_memory_block8(address + at, len(wanted)))
                if there != wanted:
                    bad = next(i for i, (a, b) in enumerate(zip(there, wanted, strict=True)) if a != b)
                    raise FlashError(f"verify failed: the chip has {there[bad]:#04x} at {address + at + bad:#x}")
        session.target.reset()
