"""Counts what an interrupt costs on a board that QEMU plays: from the first instruction of the hardware's interrupt to
the first operation of its handler in wasm, and what of it is the VM's entry and return.

The main program is a tight loop of one operation, and the interrupt is that of the button, whose line is set from
outside.
"""

from __future__ import annotations

import itertools
import re
import struct
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from firmware_host.bench import counting
from firmware_host.board import Board
from firmware_host.boards import BoardFacts
from firmware_host.build.sizes import symbol_address
from firmware_host.errors import BoardNotFound, BuildError
from firmware_host.selector import Target
from firmware_host.sim.qemu import target_of
from firmware_host.sim.wires import Wires, wired
from firmware_host.symbols.operations import operations
from firmware_host.wasm import FunctionType, Kind, Limits, MemoryType
from firmware_host.wasm.encode import END, ModuleWriter

SOURCE = "button"
#: What an interrupt of the loop passes.
_SEQUENCE = ("safe point", "handler", "end", "loop")
#: So many locals that the handler's first operation is one that nothing else in the program does: `enter`.
_LOCALS = 40
_CLOCK, _CLOCK_EDGES = "wirq_port_clock_us", ("clock", "clock read")
_SYSTICK = -1  # before the first interrupt in the vector table
_TIMEOUT = 30.0
#: Seconds between two changes of the line: the board must not be busy with the link.
_SETTLE = 0.004


@dataclass(frozen=True)
class Sample:
    """Executed instructions of one interrupt: until its handler began, the parts of that, and its return."""

    latency: int
    request: int  # from the interrupt to the VM's safe point, which the loop's operation that was under way is part of
    entry: int  # from the safe point to the handler's first operation
    leaving: int  # from the handler's end to the interrupted operation
    clock: int  # of the entry, the board's: reading its clock


@dataclass(frozen=True)
class Latency:
    """All samples of a run, and how many interrupts were raised."""

    board: str
    raised: int
    bound: int | None
    samples: tuple[Sample, ...]

    def histogram(self, part: str = "latency") -> dict[int, int]:
        """How often each count occurred."""
        return dict(sorted(Counter(int(getattr(sample, part)) for sample in self.samples).items()))

    def most(self, part: str = "latency") -> int:
        return max(int(getattr(sample, part)) for sample in self.samples)

    @property
    def entry_and_return(self) -> int:
        """The most that the VM did for one interrupt, entry and return; the clock, which is the board's, left out."""
        return max(sample.entry + sample.leaving - sample.clock for sample in self.samples)


def program(body: bytes = b"", memory: bool = False) -> bytes:
    """A loop for ever over `body`, and a handler that does next to nothing. The loop has two i32 locals."""
    writer = ModuleWriter()
    if memory:
        writer.memory(MemoryType(Limits(1, 1)))
    last = bytes([3 + _LOCALS - 1])
    handle = b"\x20\x01" + b"\x21" + last + b"\x20" + last + b"\x21\x00"  # the last local = count; source = that
    handler = writer.function(FunctionType(("i32", "i32", "i32")), handle + END, ("i32",) * _LOCALS)
    writer.export(f"irq:{SOURCE}", Kind.FUNCTION, handler)
    main = writer.function(FunctionType(), b"\x03\x40" + body + b"\x0c\x00" + END + END, ("i32", "i32"))
    writer.export("_start", Kind.FUNCTION, main)
    return writer.finish()


#: local 0 = (local 0 + 7) * local 0, a hundred times: a long way from one safe point to the next.
STRAIGHT = b"\x20\x00\x41\x07\x6a\x20\x00\x6c\x21\x00" * 100
#: memory.copy of 4096 bytes to an odd address, backwards and forwards.
COPIES = b"\x41\xc1\x01\x41\x00\x41\x80\x20\xfc\x0a\x00\x00" + b"\x41\x01\x41\xc0\x01\x41\x80\x20\xfc\x0a\x00\x00"


def measure(board: BoardFacts, elf: Path, *, count: int = 200, module: bytes | None = None) -> Latency:
    """Presses the button `count` times while `module` runs, by default the tight loop, and counts each interrupt.
    Raises BoardNotFound, LinkError, BuildError."""
    _, target = target_of(board)
    vector = next((one.vector for one in board.irq_sources if one.name == SOURCE), None)
    if vector is None or SOURCE not in target.inject or not board.machine.startswith("cortex-m"):
        raise BoardNotFound(f"latency is counted on Cortex-M boards in QEMU that have a button, not on {board.name}")
    numbers = {operation.name: number for number, operation in enumerate(operations())}
    handlers = counting.handler_addresses(elf)
    places = {
        **{_vector(elf, one.vector): "another" for one in board.irq_sources if one.vector is not None},
        _vector(elf, _SYSTICK): "another",
        _vector(elf, vector): "isr",
        handlers[-1]: "safe point",
        handlers[numbers["enter"]]: "handler",
        handlers[numbers["irq_return"]]: "end",
        handlers[numbers["br"]]: "loop",
        symbol_address(elf, _CLOCK): "clock",
        _return_of_call(elf, "interrupt_deliver", _CLOCK): "clock read",
    }
    with tempfile.TemporaryDirectory(prefix="wirq-latency-") as directory:
        log = Path(directory) / "passes.log"
        with wired(board, elf, tuple(counting.watching(target.binary, places, log))) as (qemu, wires):
            way = Target(f"qemu:{board.name}", qemu.transport, qemu.tick_hz)
            raised, bound = _press(board, way, wires, program() if module is None else module, count)
        return Latency(board.name, raised, bound, tuple(_samples(log.read_text(), places)))


def _press(board: BoardFacts, way: Target, wires: Wires, module: bytes, count: int) -> tuple[int, int | None]:
    """How many interrupts there were, and the bound that the board promises."""
    _, target = target_of(board)
    with Board(way, timeout=_TIMEOUT) as connected:
        connected.put(module)
        with connected.run(connected.instantiate()):
            source = connected.irq_number(SOURCE)
            bound = connected.irq_bound(source).total if board.latency.operation else None
            for _ in range(count):
                wires.trigger(target.inject[SOURCE], lambda: time.sleep(_SETTLE))
            return connected.irq_show(source).raised, bound


def _vector(elf: Path, number: int) -> int:
    """The address that the vector table has for an interrupt."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".vectors")
        offset = 4 * (16 + number)
        return int.from_bytes(section.data()[offset : offset + 4], "little") & ~1


def _return_of_call(elf: Path, caller: str, callee: str) -> int:
    """Where the first call (BL) of one function in another returns to. Raises BuildError if there is none."""
    from elftools.elf.elffile import ELFFile

    target = symbol_address(elf, callee)
    with elf.open("rb") as stream:
        symbol = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name(caller)[0]
        begin = int(symbol["st_value"]) & ~1
        section = ELFFile(stream).get_section(symbol["st_shndx"])
        offset = begin - section["sh_addr"]
        code = struct.unpack(f"<{symbol['st_size'] // 2}H", section.data()[offset : offset + symbol["st_size"]])
    for at, (first, second) in enumerate(itertools.pairwise(code)):
        if first & 0xF800 != 0xF000 or second & 0xD000 != 0xD000:
            continue
        sign = first >> 10 & 1
        high = (sign << 1 | (~(second >> 13 ^ sign) & 1)) << 1 | (~(second >> 11 ^ sign) & 1)
        distance = high << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
        after = begin + 2 * at + 4
        if after + distance - (sign << 25) == target:
            return after
    raise BuildError(f"{caller} does not call {callee}")


def _samples(log: str, places: dict[int, str]) -> list[Sample]:
    """Each interrupt of the loop itself: those that came while the board dealt with its link, or that another
    interrupt came into, are left out."""
    found = re.findall(r"^pc=(\w+) n=(\d+)$", log, re.MULTILINE)
    passes = [(places[int(address, 16)], int(count)) for address, count in found]
    samples = []
    for at, (place, isr) in enumerate(passes):
        if place != "isr" or passes[at - 1][0] != "loop":
            continue
        after = at + 1  # past the raise, which reads the clock, and the operation that was under way
        while passes[after : after + 1] and passes[after][0] in ("clock", "loop"):
            after += 1
        rest, clock = passes[after : after + 1], [0, 0]
        for name, count in passes[after + 1 :]:
            if name in _CLOCK_EDGES:
                clock[_CLOCK_EDGES.index(name)] = count
            elif name != "safe point":  # of a handler with a budget every control operation is one
                rest.append((name, count))
            if len(rest) == len(_SEQUENCE):
                break
        if tuple(name for name, _ in rest) == _SEQUENCE:
            safe, handler, end, again = (count for _, count in rest)
            samples.append(Sample(handler - isr, safe - isr, handler - safe, again - end, clock[1] - clock[0]))
    return samples
