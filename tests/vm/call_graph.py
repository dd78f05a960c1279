"""How much C stack the VM needs: gcc's figure of every function, along the deepest way through the graph of calls.

gcc writes the graph (-fcallgraph-info=su), with calls through pointers as calls of "__indirect_call". Which functions
such a call can reach is told by its source line: it names a member, the member's declaration a function type, and of
that type are the functions whose address lies in data. What the embedder brings along (the port, host functions)
counts as nothing: its stack is its own.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from elftools.elf.elffile import ELFFile

from firmware_host.build import toolchains
from firmware_host.resources import root
from vm.ops.generate import generate

_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]+)")?')
_FUNCTION_TYPE = re.compile(r"^typedef \w+ (\w+)\(([^)]*)\);", re.MULTILINE)
_MEMBER = re.compile(r"^ +(\w+) \*(\w+);", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:static )?(?:inline )?\w[\w *]*?\b(\w+)\(([^)]*)\) \{", re.MULTILINE)
_BYTES = re.compile(r"\\n(\d+) bytes \((\w[^)]*)\)")
INDIRECT = "__indirect_call"


@dataclass
class CallGraph:
    """Functions by name, with the file before it if it is static."""

    frame: dict[str, int] = field(default_factory=dict)  # bytes
    calls: dict[str, set[str]] = field(default_factory=dict)
    unbounded: set[str] = field(default_factory=set)  # frames whose size is not fixed

    def paths(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Of every function the deepest way down from it: bytes and functions. Raises Recursion."""
        open_: list[str] = []

        @cache
        def deepest(name: str) -> tuple[int, tuple[str, ...]]:
            if name in open_:
                raise Recursion([*open_[open_.index(name) :], name])
            open_.append(name)
            below = max((deepest(one) for one in sorted(self.calls.get(name, ()))), default=(0, ()))
            open_.pop()
            return self.frame.get(name, 0) + below[0], (name, *below[1])

        return {name: deepest(name) for name in self.frame}


class Recursion(Exception):
    """Functions that call one another in a ring."""

    def __init__(self, ring: list[str]) -> None:
        super().__init__(" -> ".join(ring))
        self.ring = ring


def _short(title: str) -> str:
    """Static functions are titled PATH:NAME."""
    path, _, name = title.rpartition(":")
    return f"{Path(path).name}:{name}" if path else name


def _address_taken(object_: Path) -> set[str]:
    """Functions whose address lies in data: symbols, or for static ones the name by their address."""
    with object_.open("rb") as file:
        elf = ELFFile(file)
        symbols = elf.get_section_by_name(".symtab")
        by_place = {
            (one["st_shndx"], one["st_value"] & ~1): one.name
            for one in symbols.iter_symbols()
            if one["st_info"]["type"] == "STT_FUNC"
        }
        out = set()
        for section in elf.iter_sections():
            if not section.name.startswith((".rel.data", ".rel.rodata", ".rel.text")):
                continue
            data = elf.get_section(section["sh_info"]).data()
            for one in section.iter_relocations():
                if one["r_info_type"] != 2:  # R_ARM_ABS32: a stored address; calls are other types
                    continue
                symbol = symbols.get_symbol(one["r_info_sym"])
                offset = int.from_bytes(data[one["r_offset"] : one["r_offset"] + 4], "little") & ~1
                place = (symbol["st_shndx"], (symbol["st_value"] & ~1) + offset)
                if place in by_place:
                    out.add(by_place[place])
        return out


def _types(parameters: str) -> str:
    """The types of a parameter list, without names."""
    return ",".join(re.sub(r"(\*?)\b\w+$", r"\1", one.strip()).replace(" ", "") for one in parameters.split(","))


class _Pointers:
    """What the sources say about calls through pointers."""

    def __init__(self, sources: list[Path]) -> None:
        text = "\n".join(path.read_text() for path in sources)
        kinds = {name: _types(parameters) for name, parameters in _FUNCTION_TYPE.findall(text)}
        self._members = {member: kinds[kind] for kind, member in _MEMBER.findall(text) if kind in kinds}
        self._functions = {name: _types(parameters) for name, parameters in _DEFINITION.findall(text)}

    def targets(self, place: str, taken: set[str]) -> set[str]:
        """Names of the functions that a call in a source line (PATH:LINE:COLUMN) can reach."""
        path, line, _ = place.rsplit(":", 2)
        source = Path(path).read_text().splitlines()[int(line) - 1]
        members = [one for one in re.findall(r"->(\w+)\(", source) if one in self._members]
        if len(members) == 1:
            return {name for name in taken if self._functions.get(name) == self._members[members[0]]}
        named = {word for word in re.findall(r"\w+", source) if word in self._functions}  # (a ? f : g)(…)
        if not named:
            raise ValueError(f"{place}: which pointer is called? {source.strip()}")
        return named


def build(folder: Path, machine: str = "cortex-m4") -> CallGraph:
    """Compiles vm/src as the firmware does, with gcc, and reads what it says."""
    compiler = toolchains.find(machine, "gcc")
    generate(folder / "generated")
    vm = root() / "vm"
    pointers = _Pointers([*sorted(vm.glob("*/*.[ch]"))])
    graph = CallGraph()
    taken: set[str] = set()
    indirect: list[tuple[str, str]] = []
    for source in sorted((vm / "src").glob("*.c")):
        speed = compiler.row.fast if source.name == "interpret.c" else compiler.row.small
        target = folder / f"{source.stem}.o"
        flags = ["-std=c11", "-ffreestanding", *compiler.row.flags, *speed, "-fcallgraph-info=su"]
        includes = [f"-I{vm / 'include'}", f"-I{folder / 'generated'}"]
        subprocess.run([*compiler.command, *flags, *includes, "-c", str(source), "-o", str(target)], check=True)
        text = target.with_suffix(".ci").read_text()
        for title, label in _NODE.findall(text):
            if found := _BYTES.search(label):
                graph.frame[_short(title)] = int(found[1])
                if found[2] != "static":
                    graph.unbounded.add(_short(title))
        for caller, callee, place in _EDGE.findall(text):
            if callee == INDIRECT:
                indirect.append((_short(caller), place))
            else:
                graph.calls.setdefault(_short(caller), set()).add(_short(callee))
        taken |= _address_taken(target)
    for caller, place in indirect:
        reached = pointers.targets(place, taken)
        graph.calls.setdefault(caller, set()).update(full for full in graph.frame if full.rpartition(":")[2] in reached)
    return graph
