"""Everything that `make bench` prints: the kernels on every instruction set, single mechanisms, sizes; as one object.

Cortex-M0 code executes on a board with a larger core, for RAM: the emulated core understands it, and only instructions
are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from firmware_host.bench import counting, host_time, mechanisms, suite
from firmware_host.boards import load_board
from firmware_host.build import image, sizes, toolchains
from firmware_host.errors import ToolMissing

#: The board that has its code in flash: QEMU can write the flash of no other.
FLASH_BOARD = "microbit"
PORTABLE = {"WIRQ_PORTABLE_DISPATCH": "1"}
WITHOUT_BOUNDS = {"WIRQ_COMPUTE_BOUNDS": "0"}


@dataclass(frozen=True)
class Target:
    """One build of the VM that is counted: a board, and what differs from the board's usual build."""

    name: str
    board: str
    machine: str | None = None
    define: tuple[tuple[str, str], ...] = ()

    def options(self, toolchain: str | None) -> image.Options:
        return image.Options(
            self.board, toolchain, machine=self.machine, define={**counting.DEFINE, **dict(self.define)}
        )


#: The first is what the figures without a name are of.
TARGETS = (
    Target("cortex-m4f", "stm32f4"),
    Target("cortex-m4f, portable C", "stm32f4", define=tuple(PORTABLE.items())),
    Target("cortex-m0", "stm32f4", "cortex-m0"),
    Target("rv32imac", "virt"),
)


@dataclass(frozen=True)
class Whole:
    """`targets` by name; `host`: multiples of native processor time by kernel, empty if they were not wanted.
    Interruptibility: what the build that promises latencies executes more than one that does not compute them."""

    targets: dict[str, suite.Report]
    mechanisms: mechanisms.Mechanisms
    vm_flash_bytes: int
    handler_table_entries: int
    interruptibility_per_dispatch: float
    interruptibility_percent: float
    host: dict[str, float]

    @property
    def main(self) -> suite.Report:
        return self.targets[TARGETS[0].name]

    @property
    def failed(self) -> dict[str, str]:
        return {
            f"{target}: {kernel}": reason
            for target, report in self.targets.items()
            for kernel, reason in (report.failed | report.unfit).items()
        }

    @property
    def host_geomean(self) -> float | None:
        wanted = [self.host[row.kernel] for row in self.main.kernels if row.kernel in self.host and row.is_integer]
        return math.exp(sum(map(math.log, wanted)) / len(wanted)) if wanted else None

    def as_json(self) -> dict[str, Any]:
        """The main target's figures at the top, then all the rest."""
        return {
            **self.main.as_json(),
            **asdict(self.mechanisms),
            "vm_flash_bytes": self.vm_flash_bytes,
            "handler_table_entries": self.handler_table_entries,
            "interruptibility_per_dispatch": self.interruptibility_per_dispatch,
            "interruptibility_percent": self.interruptibility_percent,
            "host_integer_geomean": self.host_geomean,
            "host": self.host,
            "targets": {name: report.as_json() for name, report in self.targets.items()},
        }


def default_toolchain(machines: Iterable[str] = ("cortex-m4f", "rv32imac")) -> str | None:
    """gcc, which the peers' figures are multiples of, where it is installed for all of these; else the usual one."""
    try:
        for machine in machines:
            toolchains.find(machine, "gcc")
    except ToolMissing:
        return None
    return "gcc"


def measure(
    kernels: Sequence[suite.Kernel],
    *,
    toolchain: str | None = None,
    jobs: int = 2,
    with_host: bool = True,
    progress: Callable[[str], None] = lambda name: None,
) -> Whole:
    """Builds and measures everything. Raises what a build or a run of the mechanisms raises."""
    made = {target.name: image.build(target.options(toolchain), jobs) for target in TARGETS}
    reports = {name: suite.measure_on(built, kernels, jobs=jobs, progress=progress) for name, built in made.items()}
    main = made[TARGETS[0].name]
    bare = suite.measure(load_board(main.board.name), kernels, toolchain=toolchain, define=WITHOUT_BOUNDS, jobs=jobs)
    per_dispatch, percent = _interruptibility(reports[TARGETS[0].name], bare)
    size = sizes.vm_size(main)
    return Whole(
        targets=reports,
        mechanisms=mechanisms.measure(main, image.build(image.Options(FLASH_BOARD, toolchain), jobs)),
        vm_flash_bytes=size.flash,
        handler_table_entries=size.operations,
        interruptibility_per_dispatch=per_dispatch,
        interruptibility_percent=percent,
        host=host_time.ratios(kernels, toolchain, progress) if with_host else {},
    )


def _interruptibility(full: suite.Report, bare: suite.Report) -> tuple[float, float]:
    """Extra instructions per dispatched operation of the second call, and in percent of load and second call."""
    pairs = [(row, other) for row in full.kernels for other in bare.kernels if row.kernel == other.kernel]
    calls = sum(row.second_call_instructions - other.second_call_instructions for row, other in pairs)
    loads = sum(row.load_instructions - other.load_instructions for row, other in pairs)
    whole = sum(other.second_call_instructions + other.load_instructions for _, other in pairs)
    return calls / sum(row.dispatches for row, _ in pairs), 100 * (calls + loads) / whole
