"""The project's own benchmark: every kernel of benchmarks/ interpreted and native on the same emulated board, counted.

A kernel's multiple is the instructions of the second interpreted call over those of the second native call. Its module
is compiled -O2; the native side is compiled -O2 by the compiler that compiled the firmware.
"""

from __future__ import annotations

import math
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from firmware_host import resources
from firmware_host.bench import opcodes
from firmware_host.bench.counting import DEFINE, Profile
from firmware_host.bench.interpreted import InterpretedRun, run_interpreted
from firmware_host.bench.native import NativeRun, run_native
from firmware_host.boards import BoardFacts
from firmware_host.build import guest, image, toolchains
from firmware_host.errors import BuildError, NoSpace, WirqError
from firmware_host.wasm import strip

#: Seconds for one kernel, load and two calls, under the emulator.
_TIME_LIMIT = 300.0

HALVES = ("tuning", "checking")
ARITHMETIC = ("integer", "integer64", "f32")


@dataclass(frozen=True)
class Kernel:
    """One benchmark program: its file, the result it must give, its half, and the arithmetic that dominates it."""

    file: Path
    result: int
    half: str
    arithmetic: str

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def is_integer(self) -> bool:
        return self.arithmetic.startswith("integer")


@dataclass(frozen=True)
class Measured:
    """Figures of one kernel on one board. `opcodes` is how many wasm instructions the second call executes, if the
    engine that counts them is installed."""

    kernel: str
    half: str
    arithmetic: str
    native_instructions: int
    first_call_instructions: int
    second_call_instructions: int
    multiple: float
    dispatches: int
    opcodes: int | None
    load_instructions: int
    load_per_wasm_byte: float
    wasm_code_bytes: int
    lowered_code_bytes: int
    expansion: float
    arena_peak_bytes: int
    wasm_stack_peak_cells: int
    c_stack_peak_bytes: int

    @property
    def is_integer(self) -> bool:
        return self.arithmetic.startswith("integer")

    @property
    def per_dispatch(self) -> float:
        return self.second_call_instructions / self.dispatches

    @property
    def per_opcode(self) -> float | None:
        return self.dispatches / self.opcodes if self.opcodes else None


@dataclass(frozen=True)
class Report:
    """Everything one run of the suite found. `failed` has the reason for each kernel that gave no figures, `unfit` the
    same for those that are too large for the board."""

    board: str
    machine: str
    toolchain: str
    kernels: tuple[Measured, ...]
    failed: dict[str, str]
    unfit: dict[str, str]

    def geometric_mean(self, wanted: Callable[[Measured], bool]) -> float | None:
        """Of the multiples of the wanted kernels; None if there are none."""
        multiples = [row.multiple for row in self.kernels if wanted(row)]
        return math.exp(sum(map(math.log, multiples)) / len(multiples)) if multiples else None

    @property
    def integer_geomean(self) -> float | None:
        return self.geometric_mean(lambda row: row.is_integer)

    def half_geomean(self, half: str) -> float | None:
        return self.geometric_mean(lambda row: row.is_integer and row.half == half)

    def worst(self, arithmetic: str) -> float | None:
        """The largest multiple of a kernel of that arithmetic."""
        return max((row.multiple for row in self.kernels if row.arithmetic == arithmetic), default=None)

    @property
    def instructions_per_dispatch(self) -> float | None:
        """The mean over the integer kernels, each counting the same."""
        rows = [row.per_dispatch for row in self.kernels if row.is_integer]
        return sum(rows) / len(rows) if rows else None

    @property
    def dispatches_per_opcode(self) -> float | None:
        rows = [row.per_opcode for row in self.kernels if row.is_integer and row.per_opcode is not None]
        return sum(rows) / len(rows) if rows else None

    @property
    def load_per_wasm_byte(self) -> float | None:
        return _ratio(self.kernels, "load_instructions", "wasm_code_bytes")

    @property
    def expansion(self) -> float | None:
        return _ratio(self.kernels, "lowered_code_bytes", "wasm_code_bytes")

    def as_json(self) -> dict[str, Any]:
        return {
            "board": self.board,
            "machine": self.machine,
            "toolchain": self.toolchain,
            "integer_geomean": self.integer_geomean,
            **{f"{half}_integer_geomean": self.half_geomean(half) for half in HALVES},
            **{f"worst_{arithmetic}": self.worst(arithmetic) for arithmetic in ARITHMETIC},
            "instructions_per_dispatch": self.instructions_per_dispatch,
            "dispatches_per_opcode": self.dispatches_per_opcode,
            "load_per_wasm_byte": self.load_per_wasm_byte,
            "expansion": self.expansion,
            "c_stack_peak_bytes": max((row.c_stack_peak_bytes for row in self.kernels), default=None),
            "kernels": [asdict(row) for row in self.kernels],
            "failed": self.failed,
            "unfit": self.unfit,
        }


def _ratio(rows: Sequence[Measured], above: str, below: str) -> float | None:
    """Sum over sum: a long kernel counts for more than a short one."""
    total = sum(getattr(row, below) for row in rows)
    return sum(getattr(row, above) for row in rows) / total if total else None


def kernels(names: Iterable[str] = ()) -> list[Kernel]:
    """The kernels of benchmarks/kernels.toml, all or those named. Raises BuildError for one that does not exist."""
    directory = resources.path("benchmarks")
    with (directory / "kernels.toml").open("rb") as stream:
        rows = tomllib.load(stream)
    wanted = list(names) or list(rows)
    for name in wanted:
        if name not in rows:
            raise BuildError(f"there is no kernel {name!r}", hint=f"kernels: {', '.join(rows)}")
        half, arithmetic = rows[name]["half"], rows[name]["arithmetic"]
        if half not in HALVES or arithmetic not in ARITHMETIC:
            raise BuildError(f"kernels.toml: {name} is of half {half!r} and arithmetic {arithmetic!r}")
    return [
        Kernel(directory / f"{name}.c", rows[name]["result"], rows[name]["half"], rows[name]["arithmetic"])
        for name in wanted
    ]


def measure(
    board: BoardFacts,
    chosen: Sequence[Kernel],
    *,
    toolchain: str | None = None,
    machine: str | None = None,
    define: Mapping[str, str] | None = None,
    jobs: int = 2,
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    """Builds the firmware of a board that QEMU plays and runs the kernels on it. `machine`: code for another processor
    than the board's; `define`: build options of the VM. See measure_on."""
    options = image.Options(board.name, toolchain, define={**DEFINE, **(define or {})}, machine=machine)
    return measure_on(image.build(options, jobs), chosen, jobs=jobs, progress=progress)


def measure_on(
    made: image.Image,
    chosen: Sequence[Kernel],
    *,
    jobs: int = 2,
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    """Runs the kernels on a firmware and natively. A kernel that fails, or does not fit, is reported and does not stop
    the others; `progress` is told each one that is done."""
    compiler = toolchains.find(made.board.machine, made.toolchain)

    def one(kernel: Kernel) -> Measured | WirqError:
        try:
            module = compile_kernel(kernel)
            native = run_native(kernel.file, made.board, compiler)
            return _figures(kernel, native, _interpreted(kernel, module, made), opcodes.executed(module, "run"))
        except WirqError as error:
            return error
        finally:
            progress(kernel.name)

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        found = dict(zip((kernel.name for kernel in chosen), pool.map(one, chosen), strict=True))
    return Report(
        board=made.board.name,
        machine=made.board.machine,
        toolchain=compiler.identity(),
        kernels=tuple(row for row in found.values() if isinstance(row, Measured)),
        failed={
            name: str(row) for name, row in found.items() if isinstance(row, WirqError) and not isinstance(row, NoSpace)
        },
        unfit={name: str(row) for name, row in found.items() if isinstance(row, NoSpace)},
    )


def profiles(
    board: BoardFacts, chosen: Sequence[Kernel], *, toolchain: str | None = None, jobs: int = 2
) -> dict[str, Profile]:
    """The internal operations of each kernel's second call, by kernel. Raises what a run raises."""
    made = image.build(image.Options(board.name, toolchain, define=DEFINE), jobs)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        found = pool.map(lambda kernel: _interpreted(kernel, compile_kernel(kernel), made).profile, chosen)
        return {kernel.name: profile for kernel, profile in zip(chosen, found, strict=True) if profile is not None}


def compile_kernel(kernel: Kernel) -> bytes:
    """The kernel as a module, -O2, names included."""
    with tempfile.TemporaryDirectory(prefix="wirq-kernel-") as directory:
        return guest.compile_c(kernel.file, Path(directory) / f"{kernel.name}.wasm", optimise="-O2").read_bytes()


def _interpreted(kernel: Kernel, module: bytes, made: image.Image) -> InterpretedRun:
    return run_interpreted(
        strip(module),
        "run",
        (),
        made.board,
        made.elf,
        name=f"{kernel.name}.wasm",
        symbols=module,
        timeout=_TIME_LIMIT,
        profiled=True,
    )


def _figures(kernel: Kernel, native: NativeRun, interpreted: InterpretedRun, executed: int | None) -> Measured:
    said, counts, profile = interpreted.board, interpreted.counts, interpreted.profile
    assert profile is not None
    expected = kernel.result & 0xFFFFFFFF
    for side, result in (("natively", native.result), ("as wasm", said.cells[0] if said.cells else None)):
        if result != expected:
            shown = "nothing" if result is None else f"{result:#x}"
            raise BuildError(f"{kernel.name} gave {shown} {side}, not {expected:#x}")
    return Measured(
        kernel=kernel.name,
        half=kernel.half,
        arithmetic=kernel.arithmetic,
        native_instructions=native.counts.second_call,
        first_call_instructions=counts.first_call,
        second_call_instructions=counts.second_call,
        multiple=counts.second_call / native.counts.second_call,
        dispatches=profile.dispatches,
        opcodes=executed,
        load_instructions=counts.load,
        load_per_wasm_byte=counts.load / said.wasm_code_bytes,
        wasm_code_bytes=said.wasm_code_bytes,
        lowered_code_bytes=said.lowered_code_bytes,
        expansion=said.lowered_code_bytes / said.wasm_code_bytes,
        arena_peak_bytes=said.arena_peak_bytes,
        wasm_stack_peak_cells=said.wasm_stack_peak_cells,
        c_stack_peak_bytes=said.c_stack_peak_bytes,
    )
