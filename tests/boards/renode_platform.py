"""Reads the subset of Renode's platform description language that the boards' .repl files are written in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_ENTRY = re.compile(r"^(\w+): +([\w.]+) +@ +(\w+)(?: +(.+))?$")
_CONNECTION = re.compile(r"^(?:(\[[\d, ]+\]|\w+) +)?-> *(\w+)@(\[[\d, ]+\]|\d+)$")
_ATTRIBUTE = re.compile(r"^(\w+): +(.+)$")
_TAG = re.compile(r'^Tag <(0x\w+), (0x\w+)> "\w+"(?: (0x\w+))?$')


@dataclass
class Peripheral:
    """One entry: `name: Type @ parent address` and the indented lines below it."""

    name: str
    type: str
    parent: str
    address: int | None
    attributes: dict[str, str] = field(default_factory=dict)
    connections: dict[str, tuple[str, int]] = field(default_factory=dict)  # output ("" if unnamed) -> (receiver, input)

    @property
    def size(self) -> int:
        return int(self.attributes["size"], 0)


@dataclass
class Platform:
    """A whole .repl file."""

    peripherals: dict[str, Peripheral]
    tags: list[tuple[int, int, int]]  # first, last, value

    def of_type(self, kind: str) -> list[Peripheral]:
        return [peripheral for peripheral in self.peripherals.values() if peripheral.type == kind]

    def holds(self, first: int, size: int) -> bool:
        """Is that range inside one memory?"""
        memories = self.of_type("Memory.MappedMemory")
        placed = ((memory.address, memory.size) for memory in memories if memory.address is not None)
        return any(begin <= first and first + size <= begin + length for begin, length in placed)


def _numbers(text: str) -> list[str]:
    return [part.strip() for part in text.strip("[]").split(",")]


def read(file: Path) -> Platform:
    """Raises ValueError naming a line that is none of the language's."""
    peripherals: dict[str, Peripheral] = {}
    tags: list[tuple[int, int, int]] = []
    current: Peripheral | None = None
    for number, raw in enumerate(file.read_text().splitlines(), 1):
        line = raw.split("//")[0].strip()
        if not line or line in ("sysbus:", "init:"):
            continue
        if not raw.startswith(" "):
            found = _ENTRY.match(line)
            if found is None:
                raise ValueError(f"{file.name}:{number}: {line!r} is no entry")
            name, kind, parent, where = found.groups()
            address = re.search(r"0x\w+|\d+", where) if where else None
            current = Peripheral(name, kind, parent, int(address[0], 0) if address else None)
            peripherals[name] = current
        elif found := _TAG.match(line):
            tags.append((int(found[1], 0), int(found[2], 0), int(found[3] or "0", 0)))
        elif current is None:
            raise ValueError(f"{file.name}:{number}: {line!r} belongs to nothing")
        elif found := _CONNECTION.match(line):
            outputs, receiver, inputs = found.groups()
            for output, to in zip(_numbers(outputs or ""), _numbers(inputs), strict=True):
                current.connections[output] = (receiver, int(to))
        elif found := _ATTRIBUTE.match(line):
            current.attributes[found[1]] = found[2].strip('"')
        else:
            raise ValueError(f"{file.name}:{number}: {line!r} is not understood")
    return Platform(peripherals, tags)
