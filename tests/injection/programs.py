"""Whole programs to be interrupted everywhere: examples and benchmark kernels, made small enough to try every point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wasmtime import wat2wasm

from firmware_host.build.guest import compile_c
from firmware_host.injection import Exploration, VirtualSubject, explore
from firmware_host.injection.explore import PAIRS_BELOW
from firmware_host.wasm import Module

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Program:
    """A source file, what of its text is replaced to make it small, and what is called."""

    source: str
    smaller: tuple[tuple[str, str], ...] = ()
    entry: str = "run"
    cells: tuple[int, ...] = ()
    typed: bytes = b""

    @property
    def name(self) -> str:
        return Path(self.source).stem

    def module(self, scratch: Path, *, whole: bool = False) -> Module:
        """Compiled, or assembled. `whole`: as large as it is."""
        path = ROOT / self.source
        if path.suffix == ".wat":
            return Module.parse(bytes(wat2wasm(path.read_text(encoding="utf-8"))))
        text = path.read_text(encoding="utf-8")
        for large, small in () if whole else self.smaller:
            if large not in text:
                raise AssertionError(f"{self.source} has no {large!r} to make small")
            text = text.replace(large, small)
        copy = scratch / path.name
        copy.write_text(text, encoding="utf-8")
        for header in path.parent.glob("*.h"):
            (scratch / header.name).write_bytes(header.read_bytes())
        return Module.parse(compile_c(copy, scratch / f"{self.name}.wasm").read_bytes())


def _example(source: str, *smaller: tuple[str, str], typed: bytes = b"") -> Program:
    return Program(f"examples/{source}/{source}.c", smaller, "main", typed=typed)


def _kernel(name: str, *smaller: tuple[str, str]) -> Program:
    return Program(f"benchmarks/{name}.c", smaller)


PROGRAMS = (
    _example("forced", ("LIMIT = 30000", "LIMIT = 90")),
    _example("polled", ("STEPS = 100000", "STEPS = 200")),
    _example("uart_echo", typed=b"hello, board\nand more\x04"),
    Program("tests/interrupts/disturbed.wat", entry="run", cells=(12345,)),
    _kernel("aes128", ("SIZE = 1024", "SIZE = 16")),
    _kernel("copy", ("SIZE = 2048", "SIZE = 96")),
    _kernel("crc32", ("SIZE = 4096, BITWISE_SIZE = 512, REPEAT = 4", "SIZE = 64, BITWISE_SIZE = 16, REPEAT = 1")),
    _kernel("fib", ("kernel_opaque(20)", "kernel_opaque(9)")),
    _kernel("fir", ("TAPS = 32, SAMPLES = 256, REPEAT = 2", "TAPS = 8, SAMPLES = 32, REPEAT = 1")),
    _kernel(
        "lists",
        ("NODES = 400", "NODES = 60"),
        ("i < 2500; i++", "i < 80; i++"),
        ("key < 512; key++", "key < 64; key++"),
    ),
    _kernel("lowpass", ("SAMPLES = 1024", "SAMPLES = 48")),
    _kernel("matmul", ("N = 20, M = 32", "N = 4, M = 4")),
    _kernel("mergesort", ("COUNT = 1000", "COUNT = 30")),
    _kernel("modmul", ("i < 24; i++", "i < 4; i++")),
    _kernel("parser", ("SIZE = 2048, FIELDS = 4, REPEAT = 4", "SIZE = 160, FIELDS = 4, REPEAT = 1")),
    _kernel("pid", ("i < 2000; i++", "i < 200; i++")),
    _kernel("sha256", ("SIZE = 2048", "SIZE = 64")),
    _kernel("sieve", ("LIMIT = 16000", "LIMIT = 300")),
    _kernel("siphash", ("round < 4; round++", "round < 1; round++"), ("size < 64; size++", "size < 24; size++")),
    _kernel("virtual", ("STEPS = 1500", "STEPS = 30")),
)


def exploration(
    program: Program,
    scratch: Path,
    *,
    limit: int,
    pairs_below: int = PAIRS_BELOW,
    whole: bool = False,
    every_dispatch: bool = False,
) -> Exploration:
    """One interrupt at every safe point, or at `limit` of them, and every pair for short runs."""
    module = program.module(scratch, whole=whole)
    with VirtualSubject(
        module,
        program.entry,
        program.cells,
        text=program.typed,
        stack_first=True,
        every_dispatch=every_dispatch,
    ) as subject:
        subject.run()
        return explore(subject, limit=limit, pairs=subject.points < min(pairs_below, limit))
