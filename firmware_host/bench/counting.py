"""Counts executed instructions exactly: builds QEMU's counting plugin when it is needed, and reads its log.

The plugin (tools/insncount/insncount.c) writes how many instructions had executed at each pass of a watched address.
Programs pass the address of wirq_bench_mark at the edges of what is to be counted.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.build.incremental import content_hash, exclusively, run_tool
from firmware_host.errors import BuildError
from firmware_host.sim.qemu import find_program
from firmware_host.symbols.operations import operations, table

MARK_SYMBOL = "wirq_bench_mark"

#: Macros of firmware that can count: no other has app.bench, which nothing on the line can stop.
DEFINE = {"WIRQ_BENCH": "1"}

#: Passes of the mark in one bench run: load, first call and second call, each at begin and end.
MARKS = 6

#: From this QEMU major on, plugins speak version 2 of the interface.
_API_2_SINCE = 9


@dataclass(frozen=True)
class Counts:
    """Executed instructions of the three counted regions."""

    load: int
    first_call: int
    second_call: int


@dataclass(frozen=True)
class Profile:
    """Internal operations of the second call, by number as in vm/ops: how often each executed and its instructions in
    all, and how often pairs and triples executed one after the other."""

    times: dict[int, int]
    instructions: dict[int, int]
    pairs: dict[tuple[int, int], int]
    triples: dict[tuple[int, int, int], int]

    @property
    def dispatches(self) -> int:
        return sum(self.times.values())


def plugin(major: int) -> Path:
    """The counting plugin for that QEMU major version, compiled if it is not there yet."""
    source = resources.path("tools", "insncount", "insncount.c")
    compiler = toolchains.find("host")
    api = 2 if major >= _API_2_SINCE else 1
    key = f"{content_hash(source)[:12]}-{compiler.kind}-api{api}"
    directory = resources.cache_dir() / "insncount"
    target = directory / f"insncount-{key}.so"
    with exclusively(directory):
        if not target.is_file():
            new = target.with_suffix(".new")
            flags = ("-std=c11", "-O2", "-shared", "-fPIC", f"-DPLUGIN_API={api}")
            command = (*compiler.command, *compiler.row.flags, *flags, str(source), "-o", str(new))
            run_tool(command, cwd=directory, what="compiling the counting plugin")
            new.replace(target)
    return target


def plugin_arguments(binary: str, address: int, log: Path, handlers: Path | None = None) -> list[str]:
    """QEMU arguments that make it log every pass of `address` to `log`; complete once QEMU has ended in good order.

    `handlers` is a file of write_handlers: the second call is profiled.
    """
    names = [str(plugin(find_program(binary)[1])), f"pc={address:#x}", f"out={log}"]
    if handlers is not None:
        names += [f"handlers={handlers}", f"from={MARKS - 1}", f"to={MARKS}"]
    return ["-plugin", ",".join(name.replace(",", ",,") for name in names)]


def watching(binary: str, addresses: Iterable[int], log: Path) -> list[str]:
    """QEMU arguments that make it log passes of these addresses to `log`; of one that is passed again and again only
    the first."""
    names = [str(plugin(find_program(binary)[1])), "changes=on", f"out={log}"]
    names += [f"pc={address:#x}" for address in addresses]
    return ["-plugin", ",".join(name.replace(",", ",,") for name in names)]


def tracing(binary: str, address: int, log: Path, passes: tuple[int, int], counter: Path) -> list[str]:
    """QEMU arguments that make it log every instruction between two passes of an address, which read_traces reads, and
    keep the number of instructions in `counter`, which read_counter reads."""
    names = [str(plugin(find_program(binary)[1])), "trace=on", f"pc={address:#x}", f"out={log}"]
    names += [f"from={passes[0]}", f"to={passes[1]}", f"counter={counter}"]
    return ["-plugin", ",".join(name.replace(",", ",,") for name in names)]


def read_counter(counter: Path) -> int:
    """How many instructions have executed, while the machine is stopped."""
    return int.from_bytes(counter.read_bytes(), sys.byteorder)


def read_traces(log: Path) -> list[list[int]]:
    """The addresses of the instructions in a plugin's log, in order: from each traced pass to the next; those between
    passes that have not both come yet are left out."""
    traces: list[list[int]] = []
    trace: list[int] = []
    for kind, address in re.findall(r"^(at|pc)=(\w+).*\n", log.read_text() if log.is_file() else "", re.MULTILINE):
        if kind == "at":
            trace.append(int(address, 16))
        elif trace:
            traces.append(trace)
            trace = []
    return traces


def handler_addresses(elf_file: Path) -> list[int]:
    """Where the VM's handlers begin, in order of their operations' numbers; the last one is what poisoned entries hold.

    The table `handler_labels` has them: the first ones as words, their addresses, the others as halfwords, how far
    they are from the first one.
    """
    from elftools.elf.elffile import ELFFile

    whole = int(table("generate").restored(operations()))
    others = len(operations()) + 1 - whole
    with elf_file.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".symtab")
        found = [
            (symbol["st_value"], elf.get_section(symbol["st_shndx"]))
            for symbol in (symbols.iter_symbols() if symbols else ())
            if symbol.name == "handler_labels" and symbol["st_size"] == 4 * whole + 2 * others
        ]
        if len(found) != 1:
            raise BuildError(f"{elf_file.name} has no table of the handlers of {whole + others - 1} operations")
        address, section = found[0]
        offset = address - section["sh_addr"]
        numbers = struct.unpack_from(f"<{whole}I{others}h", section.data(), offset)
        thumb = elf["e_machine"] == "EM_ARM"
    addresses = [number & ~1 if thumb else number for number in numbers[:whole]]
    return addresses + [addresses[0] + distance for distance in numbers[whole:]]


def write_handlers(elf_file: Path, target: Path) -> Path:
    """Writes the addresses of the VM's handlers to `target`, for the plugin, in order of their operations' numbers."""
    target.write_text("".join(f"{address:#x}\n" for address in handler_addresses(elf_file)[:-1]))
    return target


def read_profile(log: Path) -> Profile:
    """The profile in a plugin's log."""
    profile = Profile({}, {}, {}, {})
    for kind, numbers, times, rest in re.findall(
        r"^(one|two|three) ([\d ]+) n=(\d+)(?: insns=(\d+))?$", log.read_text(), re.MULTILINE
    ):
        at = [int(number) for number in numbers.split()]
        if kind == "one":
            profile.times[at[0]] = int(times)
            profile.instructions[at[0]] = int(rest)
        elif kind == "two":
            profile.pairs[at[0], at[1]] = int(times)
        else:
            profile.triples[at[0], at[1], at[2]] = int(times)
    return profile


def read_counts(log: Path) -> Counts:
    """The counts of the six marks in a plugin's log. Raises BuildError if it does not have just these."""
    text = log.read_text() if log.is_file() else ""
    marks = [int(count) for count in re.findall(r"^pc=\w+ n=(\d+)$", text, re.MULTILINE)]
    if len(marks) != MARKS:
        raise BuildError(
            f"{MARK_SYMBOL} was passed {len(marks)} times instead of {MARKS}: the run ended early, nothing was counted"
        )
    if not re.search(r"^total n=\d+$", text, re.MULTILINE):
        raise BuildError("the emulator did not end in good order, so its counts are not to be trusted")
    load_begin, load_end, first_begin, first_end, second_begin, second_end = marks
    return Counts(load_end - load_begin, first_end - first_begin, second_end - second_begin)
