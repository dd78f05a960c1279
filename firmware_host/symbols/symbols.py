"""Names, files and lines of one module, for what a board tells in offsets of its own code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath

from firmware_host import sent
from firmware_host.errors import SymbolMismatch, WirqError
from firmware_host.symbols import access
from firmware_host.symbols.lines import Line, Lines
from firmware_host.symbols.lowering import LoweringMap, lowering_map, operation_count
from firmware_host.symbols.report import SHOWN, Place, Report, Thrown, build_of
from firmware_host.values import cell_count, format_value, split_results
from firmware_host.wasm import Module, SectionId


@dataclass(frozen=True)
class Frame:
    """One level of the stack as people read it. `module_offset` is the byte of the module, None if it is not known.
    `inlined`: the compiler put it into the function of the next level; `module`: the linked module that it is of."""

    name: str
    module_offset: int | None
    line: Line | None
    inlined: bool = False
    interrupted: bool = False
    module: str = ""  # another one than that of the report

    @property
    def where(self) -> str:
        """Such as "app.c:41"; empty if the line is not known."""
        return f"{PurePath(self.line.file).name}:{self.line.line}" if self.line else ""


@dataclass(frozen=True)
class UncaughtException:
    """An exception that nobody caught: its tag's name, types and values; `missing` is how many more there were."""

    name: str
    values: tuple[tuple[str, str], ...]
    missing: int = 0

    @property
    def text(self) -> str:
        """Such as "overflow(7, 0.5)"."""
        values = [value for _, value in self.values] + (["…"] if self.missing else [])
        return f"{self.name}({', '.join(values)})"


@dataclass(frozen=True)
class Access:
    """An access beyond linear memory: its address, the instruction's offset included, and the memory's size in bytes,
    None if the module has several."""

    address: int
    memory_size: int | None

    @property
    def text(self) -> str:
        """Such as "address 0x1fffc, memory 64 KiB"."""
        size = self.memory_size
        if size is None:
            return f"address {self.address:#x}"
        return (
            f"address {self.address:#x}, memory {size >> 10} KiB"
            if size % 1024 == 0
            else (f"address {self.address:#x}, memory {size} bytes")
        )


class Symbols:
    """A module with its names and debug information, and the map to what a board made of it. Made when asked."""

    def __init__(self, module: Module, stripped: bytes | None = None) -> None:
        """`stripped` is what goes to the board: by default the module without custom sections."""
        self.module = module
        self._stripped = module.strip() if stripped is None else stripped
        self._lines = Lines(module)

    @cached_property
    def build(self) -> str:
        """The module's build id."""
        return build_of(self._stripped)

    @cached_property
    def map(self) -> LoweringMap:
        """The map from its lowered code. Raises BadModule if the VM refuses it, BuildError or ToolMissing."""
        exports = (one.name.split(":") for one in self.module.exports)
        sources = {words[1] for words in exports if words[0] == "irq" and len(words) > 1 and not words[1].isdecimal()}
        return lowering_map(self._stripped, sorted(sources))

    @cached_property
    def _moved(self) -> int:
        """What to add to an offset of the stripped module's code section to have it in this module."""
        return _code_start(self.module) - _code_start(Module.parse(self._stripped))

    def check(self, report: Report, name: str, report_name: str = "the report") -> None:
        """Raises SymbolMismatch if the report is of another build than this module, which is called `name`."""
        if report.build != self.build:
            raise SymbolMismatch(
                f"{report_name} ({report.app}, {report.when}) is from build {report.build[:SHOWN]}, "
                f"{name} is build {self.build[:SHOWN]}; line numbers would be wrong",
                hint="name the report that is meant, or the file that it is of; or add --force-symbols",
                build_expected=report.build,
                build_given=self.build,
            )

    def why_no_lines(self, report: Report) -> str:
        """Why offsets of this report cannot be told by this computer; empty if they can."""
        ours = operation_count()
        if ours is not None and report.operations != ours:
            theirs = report.operations
            return f"the board's VM has {theirs} operations, this tool's {ours}: flash firmware of this version"
        try:
            lowered = self.map.code_bytes
        except WirqError as error:
            return str(error)
        if report.build == self.build and report.lowered_code_bytes and lowered != report.lowered_code_bytes:
            return (
                f"the board made {report.lowered_code_bytes} bytes of internal code of it, this tool {lowered}: "
                "flash firmware of this version"
            )
        return ""

    def frames(self, report: Report) -> list[Frame]:
        """The stack of a report, inlined functions included. Without a map of the code, names only."""
        mapped = not self.why_no_lines(report)
        return [frame for place in report.places for frame in self._frames_in(report, place, mapped)]

    def _frames_in(self, report: Report, place: Place, mapped: bool) -> Iterator[Frame]:
        """One level, which may be one of another module."""
        if place.function is None or place.instance == report.instance:
            yield from self._frames(place, mapped)
            return
        linked = next((one for one in report.linked if one.instance == place.instance), None)
        other = None if linked is None else _sent(linked.build)
        if linked is None or other is None:
            which = f"build {linked.build[:SHOWN]}" if linked else "another module"
            yield Frame(f"function {place.function} of {which}", None, None, interrupted=place.interrupted)
            return
        for frame in other._frames(place, not other.why_no_lines(replace(report, build=""))):
            yield replace(frame, module=linked.app)

    def module_offset(self, function: int, offset: int) -> int | None:
        """The byte of the module that an offset of a function's lowered code was made from."""
        found = self.map.functions.get(function)
        return None if found is None else found.module_offset(offset) + self._moved

    def at(self, function: int, offset: int) -> list[Frame]:
        """What stands at a byte of a function's lowered code, inlined functions included."""
        return list(self._frames(Place(function, offset), True))

    def access(self, report: Report) -> Access | None:
        """What address an access to memory that trapped had; None if that is not known, as of bulk operations."""
        place, had = report.places[0], report.operands
        if had is None or place.function is None or self.why_no_lines(report):
            return None
        symbols: Symbols | None = self
        if place.instance != report.instance:
            linked = next((one for one in report.linked if one.instance == place.instance), None)
            symbols = None if linked is None else _sent(linked.build)
        function = None if symbols is None else symbols.map.functions.get(place.function)
        if symbols is None or function is None or not 0 <= place.offset // 2 < len(function.units):
            return None
        units = function.units[place.offset // 2 :]
        slot = access.slot(units)
        cell = 0 if slot is None else had.cell(slot)
        address = None if cell is None else access.address(units, had.accumulator, cell)
        memories = len(symbols.module.memories)
        return None if address is None else Access(address, had.memory_size if memories == 1 else None)

    def exception(self, report: Report) -> UncaughtException | None:
        """What was thrown and not caught, in words; None if the report is of another trap."""
        thrown = report.thrown
        if thrown is None:
            return None
        if thrown.instance != report.instance:
            linked = next((one for one in report.linked if one.instance == thrown.instance), None)
            other = None if linked is None else _sent(linked.build)
            if other is None:
                which = f"build {linked.build[:SHOWN]}" if linked else "another module"
                return UncaughtException(f"tag {thrown.tag} of {which}", (), len(thrown.cells))
            return other._thrown(thrown)
        return self._thrown(thrown)

    def _thrown(self, thrown: Thrown) -> UncaughtException:
        """An exception of a tag of this module."""
        name = self.module.tag_name(thrown.tag) or f"tag {thrown.tag}"
        if thrown.tag >= len(self.module.tags):
            return UncaughtException(name, ())
        kinds = self.module.tags[thrown.tag].parameters
        values = []
        for kind, cells in zip(kinds, split_results(kinds, thrown.cells), strict=True):
            if len(cells) < cell_count(kind):
                break
            values.append((kind, format_value(kind, cells)))
        return UncaughtException(name, tuple(values), len(kinds) - len(values))

    def _frames(self, place: Place, mapped: bool) -> Iterator[Frame]:
        """A level of this module."""
        if place.function is None:
            yield Frame("a host function", None, None, interrupted=place.interrupted)
            return
        name = self.module.function_name(place.function) or f"function {place.function}"
        at = self.module_offset(place.function, place.offset) if mapped else None
        if at is None:
            yield Frame(name, None, None, interrupted=place.interrupted)
            return
        address = at - _code_start(self.module)
        line = self._lines.at(address)
        interrupted = place.interrupted
        for inlined in self._lines.inlined(address):
            yield Frame(inlined.name, at, line, True, interrupted)
            line, interrupted = inlined.called_from, False
        yield Frame(name, at, line, False, interrupted)


def _sent(build: str) -> Symbols | None:
    """A module that this computer has sent, by the beginning of its build id."""
    found = sent.recall(build)
    return None if found is None else Symbols(Module.parse(found.data))


def _code_start(module: Module) -> int:
    return next((section.body for section in module.sections if section.id == SectionId.CODE), 0)


def listing(report: Report, frames: list[Frame], what: str = "") -> list[str]:
    """Lines such as "    #0 read_sample   app.c:41", and which interrupt source it was; `what` goes to the first."""
    width = max((len(frame.name) for frame in frames), default=0)
    where = max((len(frame.where or _at(frame)) for frame in frames), default=0)
    source = "" if report.source is None else f"(source {report.source}, {report.source_name})"
    rows = []
    last_of_handler = next((i - 1 for i, frame in enumerate(frames) if frame.interrupted), len(frames) - 1)
    for i, frame in enumerate(frames):
        note = "(interrupted here)" if frame.interrupted else source if source and i == last_of_handler else ""
        note = note or ("(inlined)" if frame.inlined else f"({frame.module})" if frame.module else "")
        note = f"{what}   {note}" if i == 0 and what else note
        rows.append(f"    #{i} {frame.name:{width}}   {frame.where or _at(frame):{where}}   {note}".rstrip())
    return rows


def _at(frame: Frame) -> str:
    return "" if frame.module_offset is None else f"byte {frame.module_offset:#x}"
