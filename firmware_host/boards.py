"""Reads boards/NAME/board.toml: the facts of a board, checked. An error names the file and the key that is wrong.

Facts that differ between the chip and its models stand in [target.chip], [target.qemu] and [target.renode]; a sub-table
named by a QEMU major version, such as [target.qemu.7], overrides for that version.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from firmware_host import resources
from firmware_host.errors import BoardNotFound, BuildError

#: Interrupt sources and pins that every board has under these numbers, so that one module runs on all of them.
PORTABLE_SOURCES: Mapping[str, int] = MappingProxyType({"uart": 0, "timer": 1, "button": 2, "soft0": 3})
PORTABLE_PINS: Mapping[str, int] = MappingProxyType({"led": 0})

MAX_SOURCES = 32
NO_VECTOR = 0xFFFF

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_DEFINE = re.compile(r"[A-Z][A-Z0-9_]*")
_EMPTY: Mapping[str, Any] = MappingProxyType({})


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
    serial: SerialFacts
    irq_sources: tuple[Source, ...]
    pins: tuple[Pin, ...]
    define: Mapping[str, Any] = field(hash=False)
    chip: ChipTarget
    variants: tuple[Variant, ...]
    conformance_only: bool
    flash_tool: Mapping[str, Any] = field(hash=False)
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
            f"board {self.name} has no variant {name!r}", hint=_listing("it has", [v.name for v in self.variants])
        )

    def qemu(self, major: int | None = None) -> QemuTarget | None:
        """Facts for QEMU of that major version, None if QEMU does not play this board."""
        table = _Table(self.file, self.raw).table("target").optional_table("qemu")
        if table is None:
            return None
        merged = {key: value for key, value in table.values.items() if not key.isdigit()}
        merged |= table.values.get(str(major), {})
        return _qemu(_Table(self.file, merged, "target.qemu"), self.chip)

    def renode(self) -> RenodeTarget | None:
        """Facts for Renode, None if Renode does not play this board."""
        table = _Table(self.file, self.raw).table("target").optional_table("renode")
        if table is None:
            return None
        table.only("platform", "script", "uart", "tick_hz")
        return RenodeTarget(
            platform=table.existing_file("platform"),
            script=table.existing_file("script"),
            uart=table.text("uart"),
            tick_hz=table.number("tick_hz", default=self.chip.tick_hz, least=1),
        )


class _Table:
    """One TOML table with checked access; errors name the file and the key."""

    def __init__(self, file: Path, values: Mapping[str, Any], name: str = "") -> None:
        self.file = file
        self.values = values
        self.name = name

    def wrong(self, key: str, problem: str, hint: str = "") -> BuildError:
        full = f"{self.name}.{key}" if self.name else key
        return BuildError(f"{self.file.parent.name}/{self.file.name}: {full} {problem}", hint=hint)

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise self.wrong(key, "is not a known key", _listing("known here", sorted(known)))

    def _get(self, key: str, kind: type, what: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise self.wrong(key, f"is missing: {what}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"is {value!r}, not {what}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        return str(self._get(key, str, "text", default))

    def number(self, key: str, default: int | None = None, *, least: int = 0, most: int = 0xFFFFFFFF) -> int:
        value = int(self._get(key, int, "a whole number", default))
        if not least <= value <= most:
            raise self.wrong(key, f"is {value}, not between {least} and {most}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        return bool(self._get(key, bool, "true or false", default))

    def optional_flag(self, key: str) -> bool | None:
        return self.flag(key) if key in self.values else None

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        values = self._get(key, list, "a list of texts", default)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, f"is {values!r}, not a list of texts")
        return tuple(values)

    def table(self, key: str) -> _Table:
        return _Table(self.file, self._get(key, dict, "a table", None), f"{self.name}.{key}" if self.name else key)

    def optional_table(self, key: str) -> _Table | None:
        return self.table(key) if key in self.values else None

    def tables(self, key: str) -> list[_Table]:
        rows = self._get(key, list, f"an array of tables [[{key}]]", None)
        if not all(isinstance(row, dict) for row in rows):
            raise self.wrong(key, f"is not an array of tables [[{key}]]")
        return [_Table(self.file, row, f"{key}[{i}]") for i, row in enumerate(rows)]

    def existing_file(self, key: str) -> Path:
        path = self.file.parent / self.text(key)
        if not path.is_file():
            raise self.wrong(key, f"names {path.name}, which is not in {self.file.parent.name}/")
        return path


def _listing(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names)}" if names else f"{what} none"


def _region(table: _Table | None) -> Region | None:
    if table is None:
        return None
    table.only("origin", "size")
    return Region(table.number("origin"), table.number("size", least=1, most=1 << 32))


def _qemu(table: _Table, chip: ChipTarget) -> QemuTarget:
    table.only("machine", "binary", "args", "serial", "tick_hz", "icount_shift", "inject")
    inject = table.optional_table("inject")
    return QemuTarget(
        machine=table.text("machine"),
        binary=table.text("binary"),
        args=table.texts("args", []),
        serial=table.number("serial", 0, most=15),
        tick_hz=table.number("tick_hz", chip.tick_hz, least=1),
        icount_shift=table.number("icount_shift", 6, most=10),
        inject={name: inject.table(name).values for name in inject.values} if inject else _EMPTY,
    )


def _numbered(rows: list[_Table], portable: Mapping[str, int], what: str) -> list[_Table]:
    """Rows in order of their numbers: 0, 1, 2 … without a gap; the portable ones have the same on every board."""
    rows = sorted(rows, key=lambda row: row.number("number"))
    names: dict[str, int] = {}
    for expected, row in enumerate(rows):
        number, name = row.number("number"), row.text("name")
        if number != expected:
            raise row.wrong("number", f"is {number}: {what}s are numbered 0, 1, 2 … without a gap")
        if not _NAME.fullmatch(name):
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


def _irq_sources(root: _Table) -> tuple[Source, ...]:
    rows = _numbered(root.tables("source"), PORTABLE_SOURCES, "source")
    if len(rows) > MAX_SOURCES:
        raise root.wrong("source", f"has {len(rows)} entries; the VM takes {MAX_SOURCES}")
    result = []
    for row in rows:
        row.only("number", "name", "vector", "help")
        vector = row.number("vector", most=NO_VECTOR - 1) if "vector" in row.values else None
        result.append(Source(row.number("number"), row.text("name"), vector))
    return tuple(result)


def _pins(root: _Table) -> tuple[Pin, ...]:
    rows = _numbered(root.tables("pin"), PORTABLE_PINS, "pin")
    for row in rows:
        row.only("number", "name", "pin", "help")
    return tuple(Pin(row.number("number"), row.text("name"), row.text("pin", "")) for row in rows)


def _vm(table: _Table) -> VmFacts:
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


def _serial(table: _Table | None) -> SerialFacts:
    if table is None:
        return SerialFacts(115200, None, None)
    table.only("baud", "dtr", "rts")
    return SerialFacts(table.number("baud", 115200, least=300), table.optional_flag("dtr"), table.optional_flag("rts"))


def _define(table: _Table | None) -> Mapping[str, Any]:
    if table is None:
        return _EMPTY
    for key, value in table.values.items():
        if not _DEFINE.fullmatch(key):
            raise table.wrong(key, "is not a name for a C constant: capital letters, digits and _ only")
        if not isinstance(value, (int, str)):
            raise table.wrong(key, f"is {value!r}: whole numbers, true, false and text can be defined")
    return table.values


def _variants(table: _Table | None) -> tuple[Variant, ...]:
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
    root = _Table(file, values)
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
            "serial",
            "source",
            "pin",
        ),
        *("define", "target", "flash_tool", "variant", "conformance_only"),
    )
    if root.text("name") != file.parent.name:
        raise root.wrong("name", f"is {root.text('name')!r}, but the directory is {file.parent.name}/")
    targets = root.table("target")
    targets.only("chip", "qemu", "renode")
    chip_table = targets.table("chip")
    chip_table.only("tick_hz")
    flash_tool = root.optional_table("flash_tool")
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
        serial=_serial(root.optional_table("serial")),
        irq_sources=_irq_sources(root),
        pins=_pins(root),
        define=_define(root.optional_table("define")),
        chip=ChipTarget(chip_table.number("tick_hz", least=1)),
        variants=_variants(root.optional_table("variant")),
        conformance_only=root.flag("conformance_only", False),
        flash_tool=flash_tool.values if flash_tool else _EMPTY,
        raw=values,
    )
    _check_whole(root, facts)
    return facts


def _check_whole(root: _Table, facts: BoardFacts) -> None:
    """What no single key shows."""
    from firmware_host.build.toolchains import MACHINES

    if facts.machine not in MACHINES:
        raise root.wrong("machine", f"is {facts.machine!r}", _listing("known machines", sorted(MACHINES)))
    for name in facts.sources:
        if not (facts.directory / name).is_file():
            raise root.wrong("sources", f"names {name}, which is not in {facts.directory.name}/")
    if MACHINES[facts.machine].hosted:
        return
    for key in ("flash", "ram", "linker_script"):
        if getattr(facts, key) is None:
            raise root.wrong(key, f"is missing: a {facts.machine} board needs it")
    assert facts.ram is not None
    needed = facts.vm.arena_size + facts.vm.c_stack_size
    if needed > facts.ram.size:
        raise root.wrong("vm", f"wants {needed} bytes for arena and C stack; the board has {facts.ram.size}")
    facts.renode()
    if facts.qemu():
        for version in facts.raw["target"]["qemu"]:
            facts.qemu(int(version) if version.isdigit() else None)


def known_boards() -> list[str]:
    """Names of the boards that firmware can be built for, in alphabetical order."""
    return sorted(file.parent.name for file in resources.path("boards").glob("*/board.toml"))


def load_board(name: str) -> BoardFacts:
    """The facts of a board by name. Raises BoardNotFound naming those there are."""
    file = resources.path("boards", name, "board.toml")
    if not _NAME.fullmatch(name) or not file.is_file():
        raise BoardNotFound(f"there is no board {name!r}", hint=_listing("boards", known_boards()))
    return read_board(file)
