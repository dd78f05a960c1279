"""The tables of `make bench`: one of the kernels on every target, one of figures beside what they are to be."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from firmware_host.bench import suite
from firmware_host.bench.whole import TARGETS, Whole

WIDTH = 120


@dataclass(frozen=True)
class Figure:
    """A measured figure beside the most it may be, and the most that is aimed at."""

    name: str
    value: float | None
    most: float | None = None
    aim: float | None = None

    @property
    def missed(self) -> bool:
        return self.value is not None and self.most is not None and self.value > self.most


def figures(whole: Whole) -> list[Figure]:
    """Those that the project has set itself, in its order. The targets' names are those of whole.TARGETS."""
    main, costs = whole.main, whole.mechanisms
    portable, m0, rv32 = (whole.targets[target.name] for target in TARGETS[1:])
    small = costs.small_module_ram_bytes + costs.small_module_stack_bytes
    return [
        Figure("integer kernels, tuning half, geometric mean, times native", main.half_geomean("tuning"), 6.5, 5.3),
        Figure("integer kernels, checking half", main.half_geomean("checking"), 6.5, 5.3),
        Figure("integer kernels, portable C, tuning half", portable.half_geomean("tuning"), 8, 5.3),
        Figure("integer kernels, portable C, checking half", portable.half_geomean("checking"), 8, 5.3),
        Figure("instructions per dispatched operation, integer kernels", main.instructions_per_dispatch, 7.5, 6.7),
        Figure("dispatched operations per wasm instruction", main.dispatches_per_opcode),
        Figure("worst integer kernel without 64-bit arithmetic", main.worst("integer"), 9, 8),
        Figure("worst kernel with 64-bit arithmetic", main.worst("integer64"), 14, 9),
        Figure("worst f32 kernel, with the FPU", main.worst("f32"), 10, 7),
        Figure("Cortex-M0, integer kernels", m0.integer_geomean, 10, 7.5),
        Figure("RV32, integer kernels", rv32.integer_geomean, 10, 7.5),
        Figure("x86-64, integer kernels, processor time over native", whole.host_geomean, 9),
        Figure("wasm call and return, instructions", costs.call_and_return, 20, 14),
        Figure("call of an imported host function, instructions", costs.import_call, 45, 30),
        Figure("host into an empty export and back, instructions", costs.export_call, 90, 70),
        Figure("interruptibility, instructions per dispatched operation", whole.interruptibility_per_dispatch, 0),
        Figure("interruptibility, load and one call of every kernel, percent", whole.interruptibility_percent, 1, 0),
        Figure("internal code, bytes per wasm code byte", main.expansion, 1.15, 0.85),
        Figure("load, instructions per wasm code byte", main.load_per_wasm_byte, 150, 110),
        Figure("RAM of a module of three functions, wasm stack included, bytes", small, 1536, 1024),
        Figure(f"RAM of a module of {costs.large_module_bytes:,} bytes, memory and stack apart, bytes",
               costs.large_module_ram_bytes, 14336, 10240),
        Figure("the same with its code in flash", costs.large_module_flash_ram_bytes, 2048, 1024),
        Figure("handler table, entries", whole.handler_table_entries, 384, 256),
        Figure("VM, flash, bytes", whole.vm_flash_bytes, 49152, 40960),
        Figure("C stack of the VM, bytes", max(row.c_stack_peak_bytes for row in main.kernels), 600, 400),
    ]  # fmt: skip


def print_whole(whole: Whole) -> None:
    console = Console(width=WIDTH, highlight=False)
    console.print(_kernels(whole))
    for name, reason in whole.failed.items():
        console.print(f"{name}: no figures: {reason}", markup=False)
    console.print(_figures(whole))


def _kernels(whole: Whole) -> Table:
    table = Table(title=f"executed instructions, multiples of native -O2, second call; {whole.main.toolchain}")
    for heading in ("kernel", "half", "arithmetic"):
        table.add_column(heading)
    for heading in ("M4", "M4, C", "M0", "RV32", "x86-64", "per disp.", "disp./op", "load/B", "code/B", "cells"):
        table.add_column(heading, justify="right")
    by_target = [{row.kernel: row for row in report.kernels} for report in whole.targets.values()]
    for row in sorted(whole.main.kernels, key=lambda row: row.multiple):
        others = [found.get(row.kernel) for found in by_target]
        table.add_row(
            *(row.kernel, row.half, row.arithmetic),
            *(f"{other.multiple:.2f}" if other else "" for other in others),
            _shown(whole.host.get(row.kernel)),
            *(f"{row.per_dispatch:.2f}", _shown(row.per_opcode)),
            *(f"{row.load_per_wasm_byte:.0f}", f"{row.expansion:.2f}", str(row.wasm_stack_peak_cells)),
        )
    table.caption = (
        "M4, C: the portable C build; M0, RV32: Cortex-M0 and RV32IMAC code; x86-64: time on this computer; the "
        "other columns are of the M4. per disp.: instructions per dispatched operation; disp./op: dispatched "
        "operations per wasm instruction; load/B: instructions to load a byte of wasm code; code/B: bytes of internal "
        "code for it; cells: most of the wasm stack"
    )
    return table


def _figures(whole: Whole) -> Table:
    table = Table(title=f"{whole.main.machine} unless said otherwise", title_justify="left")
    table.add_column("figure")
    for heading in ("measured", "at most", "aim"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for figure in figures(whole):
        missed = "missed" if figure.missed else ""
        table.add_row(figure.name, *map(_shown, (figure.value, figure.most, figure.aim)), missed)
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:.2f}"


def print_report(report: suite.Report) -> None:
    """The kernels on one board."""
    table = Table(title=f"{report.board}, {report.toolchain}: executed instructions, second call, kernels -O2")
    table.add_column("kernel")
    table.add_column("half")
    table.add_column("arithmetic")
    for heading in ("native", "wasm", "multiple", "per disp.", "disp./op", "load/B", "code/B", "cells", "C stack"):
        table.add_column(heading, justify="right")
    for row in sorted(report.kernels, key=lambda row: row.multiple):
        table.add_row(
            *(row.kernel, row.half, row.arithmetic),
            *(f"{row.native_instructions:,}", f"{row.second_call_instructions:,}", f"{row.multiple:.2f}"),
            *(f"{row.per_dispatch:.2f}", _shown(row.per_opcode)),
            *(f"{row.load_per_wasm_byte:.0f}", f"{row.expansion:.2f}"),
            *(str(row.wasm_stack_peak_cells), str(row.c_stack_peak_bytes)),
        )
    table.caption = (
        "multiple: wasm over native; per disp.: instructions per dispatched operation; disp./op: dispatched operations "
        "per wasm instruction; load/B: instructions to load a byte of wasm code; code/B: bytes of internal code for "
        "it; cells, C stack: most used, in cells and bytes"
    )
    console = Console(width=WIDTH, highlight=False)
    console.print(table)
    for name, reason in (report.failed | report.unfit).items():
        console.print(f"{name}: no figures: {reason}", markup=False)
    means = {"": report.integer_geomean, **{f"{half} ": report.half_geomean(half) for half in suite.HALVES}}
    for half, mean in means.items():
        if mean is not None:
            console.print(f"{half}integer kernels, geometric mean: {mean:.2f} times native")
