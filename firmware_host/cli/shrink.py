"""`wirq shrink`: a module's memory, cut to what it uses."""

from __future__ import annotations

from pathlib import Path

import click

from firmware_host.cli.context import Context
from firmware_host.cli.modules import is_c, load_app
from firmware_host.cli.output import write_file
from firmware_host.errors import BadModule
from firmware_host.wasm.shrink import shrink

_HELP = """Rewrite APP's memory, whole pages of 64 KiB, to the bytes up to its export __heap_base, and show the change.

APP must never grow its memory nor ask for its size: there is a malloc in it then, or something like it. Nothing but
the memory's type is changed; names and debug information stay. The result needs the feature custom-page-sizes, which
boards have. A program that computes addresses behind __heap_base by itself would trap there.

\b
Examples:
  wirq shrink app.wasm
  wirq shrink app.wasm -o build/app.wasm
"""


@click.command("shrink", help=_HELP)
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="APP.shrunk.wasm by default.")
@click.pass_obj
def command(context: Context, app: Path, output: Path | None) -> None:
    file = load_app(app, context)
    if is_c(app):
        raise BadModule(
            f"{file.name} cannot be shrunk: wirq compiles it to a memory of single bytes, no larger than what it uses; "
            "nothing was written",
            hint="wirq shrink is for modules that were linked with whole pages of 64 KiB",
        )
    try:
        shrunk = shrink(file.module.data)
    except BadModule as error:
        raise BadModule(f"{file.name} cannot be shrunk: {error}; nothing was written", hint=error.hint) from error
    target = output or Path(f"{app.stem}.shrunk.wasm")
    write_file(target, shrunk.data)
    memory = file.module.memory
    assert memory is not None
    pages = f"{memory.limits.minimum} of {memory.page_size:,} bytes"
    context.result(
        f"memory: {shrunk.before:,} bytes (pages: {pages}) -> {shrunk.now:,} bytes (__heap_base)\nwrote {target}",
        output=str(target),
        memory_before=shrunk.before,
        memory=shrunk.now,
    )
