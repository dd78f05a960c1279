"""The project's own benchmark: every kernel of benchmarks/ interpreted and native on the same emulated board, counted.

A kernel's multiple is the instructions of the second interpreted call over those of the second native call. Its module
is compiled -O2; the native side is compiled -O2 by the compiler that compiled the firmware.
"""

from __future__ import annotations

import math
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from firmware_host import resources
from firmware_host.bench.counting import Profile
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
    """Figures of one kernel on one board."""

    kernel: str
    half: str
    arithmetic: str
    native_instructions: int
    first_call_instructions: int
    second_call_instructions: int
    multiple: float
    load_instructions: int
    load_per_wasm_byte: float
    wasm_code_bytes: int
    lowered_code_bytes: int
    expansion: float
    arena_peak_bytes: int
    wasm_stack_peak_cells: int
    c_stack_peak_bytes: int


@dataclass(frozen=True)
class Report:
    """Everything one run of the suite found. `failed` has the reason for each kernel that gave no figures, `unfit` the
    same for those that are too large for the board."""

    board: str
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
        return self.geometric_mean(lambda row: row.arithmetic.startswith("integer"))

    def half_geomean(self, half: str) -> float | None:
        return self.geometric_mean(lambda row: row.arithmetic.startswith("integer") and row.half == half)

    def as_json(self) -> dict[str, Any]:
        return {
            "board": self.board,
            "toolchain": self.toolchain,
            "integer_geomean": self.integer_geomean,
            **{f"{half}_integer_geomean": self.half_geomean(half) for half in HALVES},
            "load_per_wasm_byte": _ratio(self.kernels, "load_instructions", "wasm_code_bytes"),
            "expansion": _ratio(self.kernels, "lowered_code_bytes", "wasm_code_bytes"),
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
    jobs: int = 2,
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    """Runs the kernels on a board that QEMU plays. A kernel that fails, or does not fit, is reported and does not stop
    the others; `progress` is told each one that is done. `machine`: code for another processor than the board's."""
    made = image.build(image.Options(board.name, toolchain, machine=machine), jobs)
    board = made.board
    compiler = toolchains.find(board.machine, made.toolchain)

    def one(kernel: Kernel) -> Measured | WirqError:
        try:
            native = run_native(kernel.file, board, compiler)
            return _figures(kernel, native, _interpreted(kernel, made))
        except WirqError as error:
            return error
        finally:
            progress(kernel.name)

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        found = dict(zip((kernel.name for kernel in chosen), pool.map(one, chosen), strict=True))
    return Report(
        board=board.name,
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
    made = image.build(image.Options(board.name, toolchain), jobs)

    def one(kernel: Kernel) -> Profile:
        profile = _interpreted(kernel, made, profiled=True).profile
        assert profile is not None
        return profile

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        return dict(zip((kernel.name for kernel in chosen), pool.map(one, chosen), strict=True))


def _interpreted(kernel: Kernel, made: image.Image, *, profiled: bool = False) -> InterpretedRun:
    with tempfile.TemporaryDirectory(prefix="wirq-kernel-") as directory:
        module = guest.compile_c(kernel.file, Path(directory) / f"{kernel.name}.wasm", optimise="-O2").read_bytes()
    name = f"{kernel.name}.wasm"
    return run_interpreted(
        strip(module),
        "run",
        (),
        made.board,
        made.elf,
        name=name,
        symbols=module,
        timeout=_TIME_LIMIT,
        profiled=profiled,
    )


def _figures(kernel: Kernel, native: NativeRun, interpreted: InterpretedRun) -> Measured:
    said, counts = interpreted.board, interpreted.counts
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
        load_instructions=counts.load,
        load_per_wasm_byte=counts.load / said.wasm_code_bytes,
        wasm_code_bytes=said.wasm_code_bytes,
        lowered_code_bytes=said.lowered_code_bytes,
        expansion=said.lowered_code_bytes / said.wasm_code_bytes,
        arena_peak_bytes=said.arena_peak_bytes,
        wasm_stack_peak_cells=said.wasm_stack_peak_cells,
        c_stack_peak_bytes=said.c_stack_peak_bytes,
    )
