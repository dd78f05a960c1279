"""The kernels on this computer: processor time of the VM over that of native -O2 code, medians of interleaved runs.

Times depend on the computer and on what else it does; a ratio of medians, taken in one sitting by turns, hardly does.
"""

from __future__ import annotations

import ctypes
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from firmware_host.bench.suite import Kernel, compile_kernel
from firmware_host.build import toolchains
from firmware_host.build.incremental import run_tool
from firmware_host.errors import BuildError
from firmware_host.inprocess import InProcessBoard
from firmware_host.wasm import strip

_ARENA = 1 << 20
_RUNS = 21
_SECONDS = 0.002  # one run takes at least so long, by as many calls as that needs


def ratios(
    kernels: Sequence[Kernel], toolchain: str | None = None, progress: Callable[[str], None] = lambda name: None
) -> dict[str, float]:
    """Per kernel, how many times as long the VM takes; one compiler for both. Raises BuildError for a wrong result."""
    found = {}
    for kernel in kernels:
        found[kernel.name] = _ratio(kernel, toolchain)
        progress(kernel.name)
    return found


def _ratio(kernel: Kernel, toolchain: str | None) -> float:
    with (
        tempfile.TemporaryDirectory(prefix="wirq-host-") as directory,
        InProcessBoard(_ARENA, toolchain=toolchain) as board,
    ):
        native = _native(kernel, Path(directory), toolchain)
        board.put(strip(compile_kernel(kernel)))
        instance = board.instantiate()
        expected = kernel.result & 0xFFFFFFFF
        sides: tuple[Callable[[], int], ...] = (
            lambda: int(native()) & 0xFFFFFFFF,
            lambda: instance.invoke("run")[0],
        )
        rounds = []
        for run in sides:
            if run() != expected:
                raise BuildError(f"{kernel.name} does not give {kernel.result} on this computer")
            rounds.append(max(1, int(_SECONDS / _time(run, 1))))
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(_RUNS):
            for side, run in enumerate(sides):
                times[side].append(_time(run, rounds[side]))
        return statistics.median(times[1]) / statistics.median(times[0])


def _time(run: Callable[[], int], rounds: int) -> float:
    """Processor time of one call, in seconds."""
    begin = time.thread_time()
    for _ in range(rounds):
        run()
    return (time.thread_time() - begin) / rounds


def _native(kernel: Kernel, directory: Path, toolchain: str | None) -> Callable[[], int]:
    compiler = toolchains.find("host", toolchain)
    library = directory / "native.so"
    flags = ("-std=gnu11", "-O2", "-ffp-contract=off", "-fPIC", "-shared")
    command = (*compiler.command, *compiler.row.flags, *flags, str(kernel.file.absolute()), "-o", str(library))
    run_tool(command, cwd=directory, what=f"compiling {kernel.file.name} for this computer")
    run = ctypes.CDLL(str(library)).run
    run.restype = ctypes.c_int32
    return run
