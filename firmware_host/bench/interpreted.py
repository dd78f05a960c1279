"""Counts the instructions that a board executes to load a module and to call one of its exports, under QEMU.

The module is first put whole into the board's RAM; then the board loads it and calls the export twice, with tick and
serial line masked, passing wirq_bench_mark at each edge. So nothing else executes in what is counted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_host.bench import counting
from firmware_host.board import Board
from firmware_host.boards import BoardFacts
from firmware_host.build.sizes import symbol_address
from firmware_host.errors import LinkTimeout
from firmware_host.info import BenchResult
from firmware_host.selector import Target
from firmware_host.sim.qemu import Qemu, target_of


@dataclass(frozen=True)
class InterpretedRun:
    """Counts of one module, and what the board said about it: result cells, sizes, peaks. `profile` if asked for."""

    counts: counting.Counts
    board: BenchResult
    profile: counting.Profile | None = None


def run_interpreted(
    module: bytes,
    export: str,
    cells: Sequence[int],
    board: BoardFacts,
    elf: Path,
    *,
    name: str = "app.wasm",
    symbols: bytes | None = None,
    timeout: float | None = None,
    profiled: bool = False,
) -> InterpretedRun:
    """Runs `export` of `module` with argument `cells` on the firmware `elf` of a board that QEMU plays.

    `symbols` is the module with its names, for messages. `timeout` (seconds) is for load and calls together. With
    `profiled` the second call's internal operations are counted one by one, which takes longer. Raises BadModule,
    NoSpace or TrapError as the board says, ToolMissing, LinkTimeout.
    """
    _, target = target_of(board)
    address = symbol_address(elf, counting.MARK_SYMBOL)
    with tempfile.TemporaryDirectory(prefix="wirq-bench-") as directory:
        log = Path(directory) / "count.log"
        handlers = counting.write_handlers(elf, Path(directory) / "handlers") if profiled else None
        with Qemu(board, elf, counting.plugin_arguments(target.binary, address, log, handlers)) as qemu:
            way = Target(f"qemu:{board.name}", qemu.transport, qemu.tick_hz, qemu.close)
            with Board(way) as connected:
                connected.put(module, name, symbols=symbols)
                try:
                    said = connected.bench(export, cells, timeout)
                except LinkTimeout as error:
                    raise LinkTimeout(
                        f"{name} {export} has not ended after {timeout or 0:g} s under qemu:{board.name}",
                        hint="does it end by itself? wirq bench --run-time gives it longer",
                        **error.details,
                    ) from error
        profile = counting.read_profile(log) if profiled else None
        return InterpretedRun(counting.read_counts(log), said, profile)
