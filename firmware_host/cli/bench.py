"""`wirq bench`: counts the instructions that an emulated board executes to load a module and to call an export."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from firmware_host.cli.call import argument_cells, function_type
from firmware_host.cli.context import Context
from firmware_host.cli.modules import load_app
from firmware_host.cli.tables import table
from firmware_host.cli.usage import Misuse
from firmware_host.errors import BoardNotFound
from firmware_host.values import cell_count, format_value

#: Seconds for load and both calls under the emulator, if nothing else is said.
_TIME_LIMIT = 600.0

_HELP = """Count the instructions of loading APP, a module (.wasm) or C (.c), and of calling EXPORT twice with ARGS.

Counts are exact and the same in every run: the board's tick and serial line are masked meanwhile, and nothing else
executes. --board must be one that QEMU plays; without it, it is qemu:stm32f4. What has not ended after --run-time is
given up.

\b
Examples:
  wirq bench fib.wasm --invoke fib 20 --board qemu:stm32f4
  wirq bench benchmarks/sha256.c --invoke run --json
"""


@click.command("bench", help=_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("app", type=click.Path(path_type=Path))
@click.option("--invoke", "export", metavar="EXPORT", help="The export to call; needed.")
@click.option("--toolchain", metavar="KIND", help="Which compiler makes the firmware: zig or gcc; or WIRQ_TOOLCHAIN.")
@click.option(
    "--run-time",
    type=click.FloatRange(0.001),
    default=_TIME_LIMIT,
    metavar="SECONDS",
    help=f"How long loading and both calls may take under the emulator ({_TIME_LIMIT:.0f}).",
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(
    context: Context, app: Path, export: str | None, toolchain: str | None, run_time: float, args: tuple[str, ...]
) -> None:
    if export is None:
        chosen = ["-b", context.board_selector] if context.board_selector else []
        meant = ["wirq", *chosen, "bench", str(app), "--invoke", *(args or ["EXPORT"])]
        raise Misuse("the export to call is not named", hint=shlex.join(meant))
    from firmware_host.bench import counting
    from firmware_host.bench.interpreted import run_interpreted
    from firmware_host.boards import load_board
    from firmware_host.build import firmware
    from firmware_host.build.image import defined

    file = load_app(app, context)
    type_ = function_type(file, export)
    cells = argument_cells(export, type_, args)
    board = load_board(_emulated(context.board_selector))
    with defined(counting.DEFINE):
        elf = firmware(board.name, toolchain)
    context.note(f"counting, for {run_time:g} s at most (--run-time)")
    run = run_interpreted(
        file.stripped, export, cells, board, elf, name=file.name, symbols=file.module.data, timeout=run_time
    )
    figures: dict[str, Any] = {f"{name}_instructions": count for name, count in asdict(run.counts).items()}
    figures["result"] = _typed(type_.results, list(run.board.cells))
    figures |= {name: value for name, value in asdict(run.board).items() if name != "cells"}
    rows = [[name.replace("_", " "), _shown(value)] for name, value in figures.items()]
    context.result(table((f"{file.name} {export}", f"qemu:{board.name}"), rows, right={1}), **figures)


def _emulated(selector: str | None) -> str:
    """The board's name in --board. Raises BoardNotFound where nothing can be counted."""
    scheme, _, name = (selector or "qemu:stm32f4").rpartition(":")
    if scheme != "qemu":
        raise BoardNotFound(
            f"instructions cannot be counted on {selector}: only QEMU counts them; nothing was run",
            hint="wirq bench … --board qemu:stm32f4",
        )
    return name


def _typed(types: tuple[str, ...], cells: list[int]) -> Any:
    """The result as JSON has it: none, one, or a list; integers as numbers, floats as text, which keeps NaNs."""
    values: list[int | str] = []
    for kind in types:
        count = cell_count(kind)
        text = format_value(kind, cells[:count])
        values.append(int(text) if kind in ("i32", "i64") else text)
        cells = cells[count:]
    return values if len(values) > 1 else values[0] if values else None


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
