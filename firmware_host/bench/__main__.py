"""The command behind `make bench`: counts every kernel of benchmarks/ and prints the table, or one JSON object."""

from __future__ import annotations

import json
import sys

import click

from firmware_host.bench import accepted, suite, tables, whole
from firmware_host.boards import load_board
from firmware_host.errors import WirqError


def _dot(name: str) -> None:
    click.echo(".", err=True, nl=False)


@click.command()
@click.argument("names", nargs=-1, metavar="[KERNEL]...")
@click.option("--board", metavar="NAME", help="Only this board, one that QEMU plays, and only the kernels.")
@click.option("--toolchain", metavar="KIND", help="zig or gcc: compiles the firmware and the native side.")
@click.option("--machine", metavar="NAME", help="Code for another processor, which the board's understands: cortex-m0.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.option("--no-host", is_flag=True, help="Without times on this computer.")
@click.option("--accept", is_flag=True, help="Keep the figures in benchmarks/accepted.json.")
@click.option("-j", "--jobs", default=2, show_default=True, help="Kernels to run at the same time.")
def main(
    names: tuple[str, ...],
    board: str | None,
    toolchain: str | None,
    machine: str | None,
    as_json: bool,
    no_host: bool,
    accept: bool,
    jobs: int,
) -> None:
    """Counts executed instructions of the kernels, interpreted and native, and prints one as multiples of the other:
    on a Cortex-M4, as portable C, as Cortex-M0 and RV32 code, and by time on this computer; and what calls, loads,
    modules and the VM itself cost."""
    if accept and (names or board):
        raise click.UsageError("--accept takes all figures: leave out the kernels and --board")
    try:
        kernels = suite.kernels(names)
        if board is None and machine is None:
            chosen = toolchain or whole.default_toolchain()
            everything = whole.measure(kernels, toolchain=chosen, jobs=jobs, with_host=not no_host, progress=_dot)
            click.echo(err=True)
            failed = bool(everything.failed)
            if as_json:
                click.echo(json.dumps(everything.as_json()))
            else:
                tables.print_whole(everything)
            if accept and not failed:
                accepted.write(everything)
        else:
            facts = load_board((board or "stm32f4").removeprefix("qemu:"))
            report = suite.measure(facts, kernels, toolchain=toolchain, machine=machine, jobs=jobs, progress=_dot)
            click.echo(err=True)
            failed = bool(report.failed)
            if as_json:
                click.echo(json.dumps(report.as_json()))
            else:
                tables.print_report(report)
    except WirqError as error:
        click.echo(f"error: {error}" + (f"\n  {error.hint}" if error.hint else ""), err=True)
        sys.exit(error.exit_code)
    sys.exit(failed)


if __name__ == "__main__":
    main()
