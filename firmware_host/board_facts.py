"""The facts of a board: what board.toml says, checked by firmware_host.boards.

Facts that differ between the chip and its models stand in [target.chip], [target.qemu] and [target.renode]; a sub-table
named by a QEMU major version, such as [target.qemu.7], overrides for that version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from firmware_host.board_table import EMPTY, Table, listing
from firmware_host.errors import BuildError
from firmware_host.link.table import TICK_HZ

#: Interrupt sources and pins that every board has under these numbers, so that one module runs on all of them.
PORTABLE_SOURCES: Mapping[str, int] = MappingProxyType({"uart": 0, "timer": 1, "button": 2, "soft0": 3})
PORTABLE_PINS: Mapping[str, int] = MappingProxyType({"led": 0})

MAX_SOURCES = 32
NO_VECTOR = 0xFFFF

#: Parts whose own loader wants a checksum in the image: firmware_host.build.boot_checksum.
BOOT_CHECKSUMS = ("rp2040",)

#: Ways to bring firmware onto a chip, and the facts that each needs besides optional arguments for its program.
FLASH_DRIVERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pyocd": ("target",),
        "uf2": ("volume", "family"),
        "copy": ("volume",),
        "openocd": ("arguments",),
        "st-flash": (),
        "esptool": ("target",),
    }
)


@dataclass(frozen=True)
class Region:
    """A stretch of address space."""

    origin: int
    size: int

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.origin <= address < self.origin + self.size


@dataclass(frozen=True)
class Source:
    """One interrupt source. `vector` is its hardware interrupt number, None for sources that software raises."""

    number: int
    name: str
    vector: int | None


@dataclass(frozen=True)
class Pin:
    """One pin that guests can use, and what it is called on the part."""

    number: int
    name: str
    pin: str


@dataclass(frozen=True)
class VmFacts:
    """Sizes of the VM on this board; *_size in bytes."""

    arena_size: int
    stack_cells: int
    handler_stack_cells: int
    max_frame: int
    c_stack_size: int


@dataclass(frozen=True)
class StoreFacts:
    """Flash that belongs to the module store; bytes. Files begin at blocks; a sector is what is erased at once."""

    region: Region
    sector: int
    block: int


@dataclass(frozen=True)
class LatencyFacts:
    """What the parts of an interrupt's latency cost at most: struct wirq_costs in vm/include/wirq.h. `unit` is what is
    counted: instructions, or the VM's operations where instructions cannot be. An `operation` of 0: not measured, so no
    bound is computed. `per_us`: how many are executed in a microsecond, at least; 0: not known, so no time is
    promised."""

    unit: str = "instructions"
    raise_: int = 0
    deliver: int = 0
    operation: int = 0
    stub: int = 0
    chunk: int = 0
    import_: int = 0
    per_us: int = 0


@dataclass(frozen=True)
class SerialFacts:
    """The board's console port: speed, and what the modem lines must be so that opening it does not reset the board.

    `dtr` and `rts` are the levels to set before opening; None leaves the line alone.
    """

    baud: int
    dtr: bool | None
    rts: bool | None


@dataclass(frozen=True)
class ChipTarget:
    """The real part."""

    tick_hz: int


@dataclass(frozen=True)
class QemuTarget:
    """How QEMU plays this board. `inject` tells per source how to raise its hardware line from outside."""

    machine: str
    binary: str
    args: tuple[str, ...]
    serial: int
    tick_hz: int
    icount_shift: int
    inject: Mapping[str, Mapping[str, Any]] = field(hash=False)


@dataclass(frozen=True)
class RenodeTarget:
    """How Renode plays this board; paths are of files in the board's directory."""

    platform: Path
    script: Path
    uart: str
    tick_hz: int


@dataclass(frozen=True)
class FlasherFacts:
    """One way to flash this board. `target` is what the program calls the chip, `volume` the name of the drive that the
    board shows, `family` the number of the chip in UF2 files."""

    driver: str
    target: str
    volume: str
    family: int
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """Another build of the same firmware: more constants, other flags."""

    name: str
    define: Mapping[str, Any] = field(hash=False)
    flags: tuple[str, ...]


@dataclass(frozen=True)
class BoardFacts:
    """Everything board.toml says."""

    name: str
    title: str
    directory: Path
    machine: str
    flash: Region | None
    ram: Region | None
    sources: tuple[str, ...]
    linker_script: Path | None
    libraries: tuple[str, ...]
    vm: VmFacts
    latency: LatencyFacts
    serial: SerialFacts
    store: StoreFacts | None
    irq_sources: tuple[Source, ...]
    pins: tuple[Pin, ...]
    define: Mapping[str, Any] = field(hash=False)
    chip: ChipTarget
    variants: tuple[Variant, ...]
    conformance_only: bool
    boot_checksum: str  # how the start of the image is signed for the part's own loader; empty: not at all
    flashers: tuple[FlasherFacts, ...]
    raw: Mapping[str, Any] = field(hash=False, repr=False)

    @property
    def file(self) -> Path:
        return self.directory / "board.toml"

    def source(self, name_or_number: str | int) -> Source:
        """The interrupt source of that name or number. Raises BuildError naming those there are."""
        for source in self.irq_sources:
            if name_or_number in (source.name, source.number, str(source.number)):
                return source
        known = ", ".join(f"{s.name} ({s.number})" for s in self.irq_sources)
        raise BuildError(f"board {self.name} has no interrupt source {name_or_number!r}", hint=f"it has {known}")

    def variant(self, name: str) -> Variant:
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise BuildError(
            f"board {self.name} has no variant {name!r}", hint=listing("it has", [v.name for v in self.variants])
        )

    def qemu(self, major: int | None = None) -> QemuTarget | None:
        """Facts for QEMU of that major version, None if QEMU does not play this board."""
        table = Table(self.file, self.raw).table("target").optional_table("qemu")
        if table is None:
            return None
        merged = {key: value for key, value in table.values.items() if not key.isdecimal()}
        merged |= table.values.get(str(major), {})
        return _qemu(Table(self.file, merged, "target.qemu"), self.chip)

    def renode(self) -> RenodeTarget | None:
        """Facts for Renode, None if Renode does not play this board."""
        table = Table(self.file, self.raw).table("target").optional_table("renode")
        if table is None:
            return None
        table.only("platform", "script", "uart", "tick_hz")
        return RenodeTarget(
            platform=table.existing_file("platform"),
            script=table.existing_file("script"),
            uart=table.text("uart"),
            tick_hz=table.number("tick_hz", default=self.chip.tick_hz, **TICK_HZ),
        )


def _qemu(table: Table, chip: ChipTarget) -> QemuTarget:
    table.only("machine", "binary", "args", "serial", "tick_hz", "icount_shift", "inject")
    inject = table.optional_table("inject")
    return QemuTarget(
        machine=table.text("machine"),
        binary=table.text("binary"),
        args=table.texts("args", []),
        serial=table.number("serial", 0, most=15),
        tick_hz=table.number("tick_hz", chip.tick_hz, **TICK_HZ),
        icount_shift=table.number("icount_shift", 6, most=10),
        inject={name: inject.table(name).values for name in inject.values} if inject else EMPTY,
    )
