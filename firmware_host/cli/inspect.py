"""`wirq inspect`: what a module consists of, what it needs, and what a board makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from firmware_host import status
from firmware_host.cli.context import Context
from firmware_host.cli.irq_bound import listing as bounds_listing
from firmware_host.cli.modules import load_app, send
from firmware_host.cli.tables import table
from firmware_host.errors import BadModule, WirqError
from firmware_host.guest import AppFile
from firmware_host.info import SourceInfo
from firmware_host.inspection import Inspection, Named, to_json
from firmware_host.latency import LatencyBound

_HELP = """Show what APP, a module (.wasm) or a C file (.c), consists of, what it needs and what a board makes of it.

Sections, imports and exports with their types, features beyond WebAssembly 1.0, and for each function the bytes of its
body and of its lowered code, and the cells (4 bytes) of the wasm stack that it takes: its own frame, and the deepest
chain of direct calls. Code is lowered by the VM's own loader, built for this computer; every board makes the same.

Handlers that can reach malloc or free are warned of, and those whose red zone is not seen to by the board.

If it has interrupt handlers, their latency bounds are those of the board that --board names, else of `host`, which
counts in operations: see `wirq irq bound --help`. With --code the lowered code is shown, too, or with FUNCTION, a name
or an index, that of one function.

A module that boards refuse is shown as far as it can be read, and the exit code is 6.

\b
Examples:
  wirq inspect app.wasm
  wirq inspect examples/forced/forced.c -b qemu:stm32f4
  wirq inspect app.wasm --code --function main
"""


@click.command("inspect", help=_HELP)
@click.argument("app", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", is_flag=True, help="Show the lowered code.")
@click.option("--function", metavar="FUNCTION", help="With --code: of this function only.")
@click.pass_obj
def command(context: Context, app: Path, code: bool, function: str | None) -> int:
    file = load_app(app, context)
    inspection = Inspection(file)
    shown = _functions(inspection, function) if code else []
    if function and not code:
        raise click.UsageError("--function is for --code")
    sources, bounds, why_not = _bounds(context, file, inspection)
    parts = [] if function else list(_overview(inspection))
    if not function and sources:
        parts.append("LATENCY BOUNDS\n" + bounds_listing(sources, bounds))
    if not function and why_not:
        parts.append(f"no latency bounds: {why_not}")
    parts += [_code(inspection, index) for index in shown]
    fields = to_json(inspection)
    if code:
        fields["code"] = {str(index): [asdict(line) for line in inspection.code(index)] for index in shown}
    named = [{"name": source.name, **asdict(bound)} for source, bound in zip(sources, bounds, strict=True)]
    context.result(
        "\n\n".join(parts), ok=not inspection.refusal, name=file.name, build=file.build, bounds=named, **fields
    )
    return BadModule.exit_code if inspection.refusal else 0


def _overview(inspection: Inspection) -> Iterator[str]:
    file = inspection.file
    yield (
        f"{file.name}  {len(file.module.data):,} bytes, {len(file.stripped):,} go to a board  (build {file.build})"
        + (f"\n{inspection.refusal}" if inspection.refusal else "")
    )
    rows = [
        [one.name, f"{one.offset:#x}", f"{one.size:,}", "" if one.sent else "stays here"]
        for one in inspection.sections()
    ]
    yield table(("SECTION", "OFFSET", "BYTES", ""), rows, right={1, 2})
    for title, names in (("IMPORT", list(inspection.imports())), ("EXPORT", list(inspection.exports()))):
        if names:
            yield table((title, "KIND", "TYPE"), [_named(one) for one in names])
    yield _features(inspection.features())
    if level := inspection.block():
        yield f"interrupt block: level {level}, up to date after host calls and at safe points that were asked for"
    if warnings := list(inspection.warnings()):
        yield "\n".join(f"warning: {one}" for one in warnings)
    functions = inspection.functions()
    if functions:
        rows = [
            [
                str(one.index),
                one.name,
                f"{one.body:,}",
                f"{one.lowered:,}",
                str(one.frame),
                one.why_not if one.stack is None else str(one.stack),
            ]
            for one in functions
        ]
        total = f"{len(functions)} functions: {sum(one.body for one in functions):,} bytes, "
        total += f"{sum(one.lowered for one in functions):,} lowered"
        yield table(("#", "FUNCTION", "BYTES", "LOWERED", "FRAME", "STACK"), rows, right={0, 2, 3, 4}) + f"\n{total}"


def _named(one: Named) -> list[str]:
    return [one.name, one.kind, one.type]


def _features(names: list[str]) -> str:
    if not names:
        return "features: none but those of WebAssembly 1.0"
    flags = {feature.text: feature.flag for feature in status.features().values()}
    return "features: " + ", ".join(f"{name} ({flags[name]} avoids it)" if flags[name] else name for name in names)


def _functions(inspection: Inspection, wanted: str | None) -> list[int]:
    rows = inspection.functions()
    if wanted is None:
        return [one.index for one in rows]
    found = [one.index for one in rows if wanted in (one.name, str(one.index))]
    if not found:
        names = ", ".join(one.name for one in rows[:12])
        raise click.UsageError(f"{inspection.file.name} defines no function {wanted!r}; it has {names}")
    return found


def _bounds(
    context: Context, file: AppFile, inspection: Inspection
) -> tuple[list[SourceInfo], list[LatencyBound], str]:
    """Sources with a handler and their bounds; or why there are none to tell."""
    from firmware_host.board import Board

    if inspection.refusal or not any(one.name.startswith("irq:") for one in file.module.exports):
        return [], [], ""
    selector = context.board_selector or "host"
    try:
        with Board.connect(selector, context.timeout, reset=context.reset) as board:
            send(board, file, context)
            board.instantiate()
            sources = [source for source in board.irq_sources() if source.attached]
            return sources, [board.irq_bound(source.number) for source in sources], ""
    except WirqError as error:
        if context.board_selector is not None:
            raise
        return [], [], str(error)


def _code(inspection: Inspection, index: int) -> str:
    row = next(one for one in inspection.functions() if one.index == index)
    lines = [f"function {index}, {row.name}: {row.type}"]
    where = ""
    for line in inspection.code(index):
        if line.where and line.where != where:
            where = line.where
            lines.append(f"  {where}")
        at = "" if line.module_offset is None else f"{line.module_offset:#x}"
        lines.append(f"    {line.offset:04x}  {at:>8}  {line.text}")
    return "\n".join(lines)
