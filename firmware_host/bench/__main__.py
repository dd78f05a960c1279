"""The command behind `make bench`: counts every kernel of benchmarks/ and prints the table, or one JSON object."""

from __future__ import annotations

import json
import sys

import click

from firmware_host.bench import suite
from firmware_host.boards import load_board
from firmware_host.errors import WirqError


@click.command()
@click.argument("names", nargs=-1, metavar="[KERNEL]...")
@click.option("--board", default="stm32f4", show_default=True, metavar="NAME", help="A board that QEMU plays.")
@click.option("--toolchain", metavar="KIND", help="zig or gcc: compiles the firmware and the native side.")
@click.option("--machine", metavar="NAME", help="Code for another processor, which the board's understands: cortex-m0.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.option("-j", "--jobs", default=2, show_default=True, help="Kernels to run at the same time.")
def main(names: tuple[str, ...], board: str, toolchain: str | None, machine: str | None, as_json: bool, jobs: int) -> None:
    """Counts executed instructions of the kernels, interpreted and native, and prints one as multiples of the other."""
    try:
        facts = load_board(board.removeprefix("qemu:"))
        report = suite.measure(
            facts,
            suite.kernels(names),
            toolchain=toolchain,
            machine=machine,
            jobs=jobs,
            progress=lambda name: click.echo(".", err=True, nl=False),
        )
    except WirqError as error:
        click.echo(f"error: {error}" + (f"\n  {error.hint}" if error.hint else ""), err=True)
        sys.exit(error.exit_code)
    click.echo(err=True)
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        _print_table(report)
    sys.exit(1 if report.failed else 0)


def _print_table(report: suite.Report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report.board}, {report.toolchain}: executed instructions, second call, kernels -O2")
    table.add_column("kernel")
    table.add_column("half")
    table.add_column("arithmetic")
    for heading in ("native", "wasm", "multiple", "load/B", "lowered/B", "cells", "C stack"):
        table.add_column(heading, justify="right")
    for row in sorted(report.kernels, key=lambda row: row.multiple):
        table.add_row(
            *(row.kernel, row.half, row.arithmetic),
            *(f"{row.native_instructions:,}", f"{row.second_call_instructions:,}", f"{row.multiple:.2f}"),
            *(f"{row.load_per_wasm_byte:.0f}", f"{row.expansion:.2f}"),
            *(str(row.wasm_stack_peak_cells), str(row.c_stack_peak_bytes)),
        )
    table.caption = (
        "multiple: wasm over native; load/B: instructions to load one byte of wasm code; lowered/B: bytes of internal "
        "code for it; cells, C stack: most used, in cells and bytes"
    )
    console = Console(width=120, highlight=False)
    console.print(table)
    for name, reason in (report.failed | report.unfit).items():
        console.print(f"{name}: no figures: {reason}", markup=False)
    figures = report.as_json()
    for key in ("integer_geomean", *(f"{half}_integer_geomean" for half in suite.HALVES)):
        if figures[key] is not None:
            label = key.replace("_geomean", "").replace("_", " ")
            console.print(f"{label} kernels, geometric mean: {figures[key]:.2f} times native")


if __name__ == "__main__":
    main()
