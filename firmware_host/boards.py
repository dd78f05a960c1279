"""Reads boards/NAME/board.toml: the facts of a board, checked. An error names the file and the key that is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from firmware_host import plugins, resources
from firmware_host.board_facts import (
    BOOT_CHECKSUMS,
    FLASH_DRIVERS,
    MAX_SOURCES,
    NO_VECTOR,
    PORTABLE_PINS,
    PORTABLE_SOURCES,
    BoardFacts,
    ChipTarget,
    FlasherFacts,
    LatencyFacts,
    Pin,
    QemuTarget,
    Region,
    RenodeTarget,
    SerialFacts,
    Source,
    StoreFacts,
    Variant,
    VmFacts,
)
from firmware_host.board_table import EMPTY, Table, listing
from firmware_host.errors import BoardNotFound, BuildError
from firmware_host.link.table import TICK_HZ

__all__ = [
    "MAX_SOURCES",
    "NO_VECTOR",
    "PORTABLE_PINS",
    "PORTABLE_SOURCES",
    "BoardFacts",
    "FlasherFacts",
    "QemuTarget",
    "Region",
    "RenodeTarget",
    "known_boards",
    "load_board",
    "read_board",
]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_DEFINE = re.compile(r"[A-Z][A-Z0-9_]*")


def _region(table: Table | None) -> Region | None:
    if table is None:
        return None
    table.only("origin", "size")
    return Region(table.number("origin"), table.number("size", least=1, most=1 << 32))


def _numbered(rows: list[Table], portable: Mapping[str, int], what: str) -> list[Table]:
    """Rows in order of their numbers: 0, 1, 2 … without a gap; the portable ones have the same on every board."""
    rows = sorted(rows, key=lambda row: row.number("number"))
    names: dict[str, int] = {}
    for expected, row in enumerate(rows):
        number, name = row.number("number"), row.text("name")
        if number != expected:
            raise row.wrong("number", f"is {number}: {what}s are numbered 0, 1, 2 … without a gap")
        if not NAME.fullmatch(name):
            raise row.wrong("name", f"is {name!r}: lower-case letters, digits, - and _ only")
        if name in names:
            raise row.wrong("name", f"{name!r} is given twice")
        names[name] = number
    for name, number in portable.items():
        if names.get(name) != number:
            raise rows[0].wrong(
                name, f"is not {what} {number}, which it is on every board", f"add or renumber {what} {name}"
            )
    return rows


def _irq_sources(root: Table) -> tuple[Source, ...]:
    rows = _numbered(root.tables("source"), PORTABLE_SOURCES, "source")
    if len(rows) > MAX_SOURCES:
        raise root.wrong("source", f"has {len(rows)} entries; the VM takes {MAX_SOURCES}")
    result = []
    for row in rows:
        row.only("number", "name", "vector", "help")
        vector = row.number("vector", most=NO_VECTOR - 1) if "vector" in row.values else None
        result.append(Source(row.number("number"), row.text("name"), vector))
    return tuple(result)


def _pins(root: Table) -> tuple[Pin, ...]:
    rows = _numbered(root.tables("pin"), PORTABLE_PINS, "pin")
    for row in rows:
        row.only("number", "name", "pin", "help")
    return tuple(Pin(row.number("number"), row.text("name"), row.text("pin", "")) for row in rows)


def _vm(table: Table) -> VmFacts:
    table.only("arena_size", "stack_cells", "handler_stack_cells", "max_frame", "c_stack_size")
    arena = table.number("arena_size", least=1024)
    if arena % 8:
        raise table.wrong("arena_size", f"is {arena}, not a multiple of 8")
    return VmFacts(
        arena_size=arena,
        stack_cells=table.number("stack_cells", least=32),
        handler_stack_cells=table.number("handler_stack_cells"),
        max_frame=table.number("max_frame", least=64, most=4096),
        c_stack_size=table.number("c_stack_size", 1024, least=256),
    )


def _latency(table: Table | None) -> LatencyFacts:
    if table is None:
        return LatencyFacts()
    names = [key.name for key in fields(LatencyFacts) if key.name != "unit"]
    table.only("unit", *(name.rstrip("_") for name in names))
    costs = {name: table.number(name.rstrip("_"), 0, most=0xFFFF) for name in names}
    return LatencyFacts(table.text("unit", LatencyFacts.unit), **costs)


def _serial(table: Table | None) -> SerialFacts:
    if table is None:
        return SerialFacts(115200, None, None)
    table.only("baud", "dtr", "rts")
    return SerialFacts(table.number("baud", 115200, least=300), table.optional_flag("dtr"), table.optional_flag("rts"))


def _store(table: Table | None) -> StoreFacts | None:
    if table is None:
        return None
    table.only("origin", "size", "sector", "block")
    sector = table.number("sector", least=96)
    block = table.number("block", sector, least=96)
    region = Region(table.number("origin", 0), table.number("size", least=1))
    for key, value, unit in (("block", block, 4), ("sector", sector, block), ("size", region.size, sector)):
        if value % unit:
            raise table.wrong(key, f"is {value}, not a multiple of {unit}")
    return StoreFacts(region, sector, block)


def _define(table: Table | None) -> Mapping[str, Any]:
    if table is None:
        return EMPTY
    for key, value in table.values.items():
        if not _DEFINE.fullmatch(key):
            raise table.wrong(key, "is not a name for a C constant: capital letters, digits and _ only")
        if not isinstance(value, (int, str)):
            raise table.wrong(key, f"is {value!r}: whole numbers, true, false and text can be defined")
    return table.values


def _flashers(root: Table) -> tuple[FlasherFacts, ...]:
    result = []
    for row in root.tables("flasher"):
        row.only("driver", "target", "volume", "family", "arguments", "help")
        driver = row.text("driver")
        if driver not in FLASH_DRIVERS and driver not in (added := plugins.names(plugins.FLASHERS)):
            raise row.wrong("driver", f"is {driver!r}", listing("drivers", sorted({*FLASH_DRIVERS, *added})))
        for key in FLASH_DRIVERS.get(driver, ()):
            if key not in row.values:
                raise row.wrong(key, f"is missing: {driver} needs it")
        result.append(
            FlasherFacts(
                driver=driver,
                target=row.text("target", ""),
                volume=row.text("volume", ""),
                family=row.number("family", 0),
                arguments=row.texts("arguments", []),
            )
        )
    return tuple(result)


def _variants(table: Table | None) -> tuple[Variant, ...]:
    result = []
    for name in table.values if table else ():
        assert table is not None
        row = table.table(name)
        row.only("define", "flags", "help")
        result.append(Variant(name, _define(row.optional_table("define")), row.texts("flags", [])))
    return tuple(result)


def read_board(file: Path) -> BoardFacts:
    """Reads and checks one board.toml. Raises BuildError naming the file, the key and what is wrong with it."""
    try:
        with file.open("rb") as stream:
            values = tomllib.load(stream)
    except OSError as error:
        raise BuildError(f"cannot read {file}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{file.parent.name}/{file.name} is not TOML: {error}") from error
    root = Table(file, values)
    root.only(
        *(
            "name",
            "title",
            "machine",
            "flash",
            "ram",
            "sources",
            "linker_script",
            "libraries",
            "vm",
            "latency",
            "serial",
            "store",
            "source",
            "pin",
        ),
        *("define", "target", "flasher", "variant", "conformance_only", "boot_checksum"),
    )
    if root.text("name") != file.parent.name:
        raise root.wrong("name", f"is {root.text('name')!r}, but the directory is {file.parent.name}/")
    targets = root.table("target")
    targets.only("chip", "qemu", "renode")
    chip_table = targets.table("chip")
    chip_table.only("tick_hz")
    facts = BoardFacts(
        name=root.text("name"),
        title=root.text("title"),
        directory=file.parent,
        machine=root.text("machine"),
        flash=_region(root.optional_table("flash")),
        ram=_region(root.optional_table("ram")),
        sources=root.texts("sources"),
        linker_script=root.existing_file("linker_script") if "linker_script" in values else None,
        libraries=root.texts("libraries", []),
        vm=_vm(root.table("vm")),
        latency=_latency(root.optional_table("latency")),
        serial=_serial(root.optional_table("serial")),
        store=_store(root.optional_table("store")),
        irq_sources=_irq_sources(root),
        pins=_pins(root),
        define=_define(root.optional_table("define")),
        chip=ChipTarget(chip_table.number("tick_hz", **TICK_HZ)),
        variants=_variants(root.optional_table("variant")),
        conformance_only=root.flag("conformance_only", False),
        boot_checksum=root.text("boot_checksum", ""),
        flashers=_flashers(root) if "flasher" in values else (),
        raw=values,
    )
    _check_whole(root, facts)
    return facts


def _check_whole(root: Table, facts: BoardFacts) -> None:
    """What no single key shows."""
    from firmware_host.build.toolchains import MACHINES

    if facts.machine not in MACHINES:
        raise root.wrong("machine", f"is {facts.machine!r}", listing("known machines", sorted(MACHINES)))
    if facts.boot_checksum and facts.boot_checksum not in BOOT_CHECKSUMS:
        raise root.wrong("boot_checksum", f"is {facts.boot_checksum!r}", listing("known", list(BOOT_CHECKSUMS)))
    for name in facts.sources:
        if not (facts.directory / name).is_file():
            raise root.wrong("sources", f"names {name}, which is not in {facts.directory.name}/")
    if MACHINES[facts.machine].hosted:
        return
    for key in ("flash", "ram", "linker_script"):
        if getattr(facts, key) is None:
            raise root.wrong(key, f"is missing: a {facts.machine} board needs it")
    assert facts.ram is not None
    assert facts.flash is not None
    if facts.store is not None and facts.store.region.origin not in facts.flash:
        raise root.wrong("store.origin", f"is {facts.store.region.origin:#x}, which is not in the board's flash")
    needed = facts.vm.arena_size + facts.vm.c_stack_size
    if needed > facts.ram.size:
        raise root.wrong("vm", f"wants {needed} bytes for arena and C stack; the board has {facts.ram.size}")
    facts.renode()
    if facts.qemu():
        for version in facts.raw["target"]["qemu"]:
            facts.qemu(int(version) if version.isdecimal() else None)


def known_boards() -> list[str]:
    """Names of the boards that firmware can be built for, in alphabetical order."""
    return sorted(file.parent.name for file in resources.path("boards").glob("*/board.toml"))


def load_board(name: str) -> BoardFacts:
    """The facts of a board by name. Raises BoardNotFound naming those there are."""
    file = resources.path("boards", name, "board.toml")
    if not NAME.fullmatch(name) or not file.is_file():
        raise BoardNotFound(f"there is no board {name!r}", hint=listing("boards", known_boards()))
    return read_board(file)
