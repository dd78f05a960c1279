"""`wirq call`: call one export with typed arguments and print its results."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_host.cli.context import Context
from firmware_host.cli.modules import AppFile, load_app, send
from firmware_host.cli.stream import TextStream
from firmware_host.cli.traps import explained_errors
from firmware_host.errors import BadModule
from firmware_host.values import check_count, format_value, parse_value, split_results
from firmware_host.wasm import FunctionType, Kind

_HELP = """Call EXPORT of APP, a module (.wasm) or a C file (.c), with ARGS of the export's own types.

Integers are decimal or 0x…, floats as usual, or inf, nan, nan:0x…; references are null or a number. Results are
printed one a line.

\b
Examples:
  wirq call fib.wasm fib 20
  wirq call math.wasm scale -1.5 0x10
"""


@click.command("call", help=_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("export")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(context: Context, app: Path, export: str, args: tuple[str, ...]) -> None:
    file = load_app(app, context)
    type_ = function_type(file, export)
    cells = argument_cells(export, type_, args)
    with context.connect() as board:
        stream = TextStream(context, clock="none")
        send(board, file, context)
        board.on_text = stream.feed
        with explained_errors(board, file):
            instance = board.instantiate()
        with explained_errors(board, file, instance):
            result = instance.invoke(export, cells)
        stream.finish()
    parts = split_results(type_.results, result)
    values = [(kind, format_value(kind, part)) for kind, part in zip(type_.results, parts, strict=True)]
    context.result(
        "\n".join(value for _, value in values) if values else None,
        results=[{"type": kind, "value": value} for kind, value in values],
    )


def function_type(file: AppFile, export: str) -> FunctionType:
    """The type of the exported function. Raises BadModule naming those there are."""
    found = file.module.exported_function(export)
    if found is not None:
        return found
    there = [one.name for one in file.module.exports if one.kind == Kind.FUNCTION]
    raise BadModule(
        f"{file.name} exports no function {export!r}; nothing was sent",
        hint=f"it exports {', '.join(there)}" if there else "it exports no function at all",
        exports=there,
    )


def argument_cells(export: str, type_: FunctionType, args: tuple[str, ...]) -> list[int]:
    """Cells of the arguments. Raises click.UsageError telling the export's type."""
    try:
        check_count(export, type_, len(args))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    cells: list[int] = []
    for kind, text in zip(type_.parameters, args, strict=True):
        try:
            cells += parse_value(kind, text)
        except ValueError as error:
            raise click.UsageError(f"{export} has type {type_}: {error}") from error
    return cells
