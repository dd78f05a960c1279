"""`wirq instrument`: the same safe points for any engine, as calls of an import."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_host.cli.context import Context
from firmware_host.cli.modules import load_app
from firmware_host.cli.output import write_file
from firmware_host.errors import BadModule
from firmware_host.wasm.instrument import IMPORT, instrument

_HELP = """Rewrite APP, a module (.wasm) or a C file (.c), so that its safe points are calls of an import.

The import is wirq.safepoint, of type [i32] -> []: it is called before every branch, call and return, and before every
chunk of a bulk operation, with the offset of the instruction in APP. With a polyfill of the modules wirq and board,
such as guests/polyfill has for JavaScript and for wasmtime, the same interrupts at the same safe points give the same
run on any engine. What is written is an ordinary module; names and debug information are left out.

\b
Examples:
  wirq instrument app.wasm
  wirq instrument app.wasm -o build/app.instrumented.wasm
"""


@click.command("instrument", help=_HELP)
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="APP.instrumented.wasm by default."
)
@click.pass_obj
def command(context: Context, app: Path, output: Path | None) -> None:
    file = load_app(app, context)
    if any((one.module, one.name) == IMPORT for one in file.module.imports):
        raise BadModule(
            f"{file.name} calls {'.'.join(IMPORT)} already; nothing was written",
            hint="instrument the module that it was made of",
        )
    data, sites = instrument(file.stripped)
    target = output or Path(f"{app.stem}.instrumented.wasm")
    write_file(target, data)
    context.result(
        f"wrote {target}: {len(sites)} safe points call {'.'.join(IMPORT)}, "
        f"{len(data):,} bytes instead of {len(file.stripped):,}",
        output=str(target),
        safe_points=len(sites),
        size=len(data),
        size_before=len(file.stripped),
    )
