"""Files, lines and names of inlined functions, from the DWARF that a compiler leaves in custom sections of a module.

Addresses in it count from the start of the code section's contents, in WebAssembly as in wasm-ld's output.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from firmware_host.wasm import Module

#: Sections of DWARF, by the names of the arguments that pyelftools gives them.
_SECTIONS = {
    "debug_info_sec": ".debug_info",
    "debug_aranges_sec": ".debug_aranges",
    "debug_abbrev_sec": ".debug_abbrev",
    "debug_frame_sec": ".debug_frame",
    "debug_str_sec": ".debug_str",
    "debug_loc_sec": ".debug_loc",
    "debug_ranges_sec": ".debug_ranges",
    "debug_line_sec": ".debug_line",
    "debug_addr_sec": ".debug_addr",
    "debug_str_offsets_sec": ".debug_str_offsets",
    "debug_line_str_sec": ".debug_line_str",
    "debug_loclists_sec": ".debug_loclists",
    "debug_rnglists_sec": ".debug_rnglists",
    "debug_types_sec": ".debug_types",
}
#: Arguments that a module never has anything for.
_ABSENT = ("eh_frame_sec", "debug_pubtypes_sec", "debug_pubnames_sec", "debug_sup_sec", "gnu_debugaltlink_sec")

#: Where the name of a function stands that has none itself.
_REFERENCES = ("DW_AT_abstract_origin", "DW_AT_specification")


@dataclass(frozen=True)
class Line:
    """A line of a source file. `column` is 0 if it is not known."""

    file: str
    line: int
    column: int = 0


@dataclass(frozen=True)
class Inlined:
    """A function whose code stands within another's: its name, and the line that it was called from."""

    name: str
    called_from: Line | None


class Lines:
    """The line table and inlined functions of one module. Empty if it has no DWARF, or none that can be read."""

    def __init__(self, module: Module) -> None:
        self._module = module

    @cached_property
    def _dwarf(self) -> Any:
        from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

        if self._module.custom(".debug_line") is None or self._module.custom(".debug_info") is None:
            return None
        sections: dict[str, Any] = dict.fromkeys(_ABSENT)
        for argument, name in _SECTIONS.items():
            data = self._module.custom(name)
            sections[argument] = (
                None if data is None else DebugSectionDescriptor(io.BytesIO(data), name, 0, len(data), 0)
            )
        config = DwarfConfig(little_endian=True, machine_arch="", default_address_size=4)
        return DWARFInfo(config=config, **sections)

    @cached_property
    def _rows(self) -> list[tuple[int, Line | None]]:
        """Addresses in order, and the line that begins there; None where a sequence ends."""
        rows: dict[int, Line | None] = {}
        try:
            for unit in self._dwarf.iter_CUs() if self._dwarf is not None else ():
                for address, line in _unit_rows(self._dwarf, unit):
                    if line is not None or address not in rows:
                        rows[address] = line
        except _broken():
            pass  # broken debug information costs the lines, nothing else
        return sorted(rows.items(), key=lambda row: row[0])

    def at(self, address: int) -> Line | None:
        """The line of the instruction at this offset of the code section's contents."""
        i = bisect_right(self._rows, address, key=lambda row: row[0])
        return self._rows[i - 1][1] if i else None

    def inlined(self, address: int) -> list[Inlined]:
        """Functions inlined at this address, the innermost first."""
        try:
            for unit in self._dwarf.iter_CUs() if self._dwarf is not None else ():
                for die in unit.iter_DIEs():
                    if die.tag == "DW_TAG_subprogram" and _covers(self._dwarf, unit, die, address):
                        return list(reversed(list(_inlined_below(self._dwarf, unit, die, address))))
        except _broken():
            pass
        return []


def _broken() -> tuple[type[Exception], ...]:
    from elftools.common.exceptions import DWARFError, ELFError

    return (DWARFError, ELFError, KeyError, IndexError, AttributeError, ValueError, TypeError, AssertionError)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _file_names(program: Any) -> list[str]:
    """Names of a line program's files by number; directories come first where they are not the compiler's own."""
    version5 = program["version"] >= 5
    directories = [_text(name) for name in program["include_directory"]]
    names = [] if version5 else [""]
    for entry in program["file_entry"]:
        number = entry.dir_index if version5 else entry.dir_index - 1
        directory = directories[number] if 0 <= number < len(directories) else ""
        name = _text(entry.name)
        names.append(name if name.startswith("/") or not directory else f"{directory}/{name}")
    return names


def _unit_rows(dwarf: Any, unit: Any) -> Iterator[tuple[int, Line | None]]:
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return
    names = _file_names(program)
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if state.end_sequence:
            yield state.address, None
        elif 0 <= state.file < len(names) and state.line:
            yield state.address, Line(names[state.file], state.line, state.column)


def _covers(dwarf: Any, unit: Any, die: Any, address: int) -> bool:
    low, high, ranges = (die.attributes.get(f"DW_AT_{name}") for name in ("low_pc", "high_pc", "ranges"))
    if low is not None and high is not None:
        length = high.value if high.form.startswith("DW_FORM_data") else high.value - low.value
        return bool(low.value <= address < low.value + length)
    if ranges is None:
        return False
    base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
    start = base.value if base is not None else 0
    for entry in dwarf.range_lists().get_range_list_at_offset(ranges.value, unit):
        if not hasattr(entry, "begin_offset"):
            start = entry.base_address
            continue
        offset = 0 if getattr(entry, "is_absolute", False) else start
        if offset + entry.begin_offset <= address < offset + entry.end_offset:
            return True
    return False


def _inlined_below(dwarf: Any, unit: Any, die: Any, address: int) -> Iterator[Inlined]:
    """Inlined functions at the address, the outermost first."""
    found = True
    while found:
        found = False
        for child in die.iter_children():
            inlined = child.tag == "DW_TAG_inlined_subroutine"
            if inlined or child.tag == "DW_TAG_lexical_block":
                if not _covers(dwarf, unit, child, address):
                    continue
                if inlined:
                    yield Inlined(_name(child), _called_from(dwarf, unit, child))
                die, found = child, True
                break


def _name(die: Any) -> str:
    origin = die
    for _ in range(4):
        if "DW_AT_name" in origin.attributes:
            return _text(origin.attributes["DW_AT_name"].value)
        references = [name for name in _REFERENCES if name in origin.attributes]
        if not references:
            break
        origin = origin.get_DIE_from_attribute(references[0])
    return "an inlined function"


def _called_from(dwarf: Any, unit: Any, die: Any) -> Line | None:
    number, line = die.attributes.get("DW_AT_call_file"), die.attributes.get("DW_AT_call_line")
    if number is None or line is None:
        return None
    names = _file_names(dwarf.line_program_for_CU(unit))
    column = die.attributes.get("DW_AT_call_column")
    if not 0 <= number.value < len(names):
        return None
    return Line(names[number.value], line.value, column.value if column else 0)
